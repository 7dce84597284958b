package steps

import (
	"fmt"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
)

// The forwarding sysctls. They change at once by sysctl and are kept by a drop-in that is put in place only at confirm:
// a reboot before it forgets them. guide: firewall, Enable IP Forwarding
const (
	sysctlFile = "/etc/sysctl.d/60-postern.conf"
	forward4   = "net.ipv4.ip_forward"
	forward6   = "net.ipv6.conf.all.forwarding"
	redirects4 = "net.ipv4.conf.all.accept_redirects"
)

func forwardingReads(s *site.Site, h *site.Host) []remote.Query {
	return slices.Concat(seen.Sysctl.Reads(s, h), []remote.Query{remote.ReadFile(sysctlFile)}, seen.RCConf.Reads(s, h))
}

// forwardingChange switches forwarding on where it is not, nil when it is in place.
func forwardingChange(s *site.Site, h *site.Host, now seen.Host, f remote.Facts) *remote.Change {
	settings, _ := seen.Sysctl.Of(f)
	if now.Kernel == "freebsd" {
		return gatewayChange(s, now, settings, f)
	}
	live := settings.Live
	want := [][2]string{{forward4, "1"}}
	if s.Tunnel.Network6.IsValid() {
		// A host that forwards IPv6 stops listening to its router unless it is told to go on.
		if ra := "net.ipv6.conf." + publicInterface(h, now) + ".accept_ra"; live[ra] == "1" || live[ra] == "2" {
			want = append(want, [2]string{ra, "2"})
		}
		want = append(want, [2]string{forward6, "1"})
	}
	text := "# Made by postern: this host passes packets between the world and the tunnel.\n"
	var do, undo []string
	for _, kv := range want {
		text += kv[0] + " = " + kv[1] + "\n"
		if old := live[kv[0]]; old != kv[1] {
			do = append(do, "sysctl -qw "+kv[0]+"="+kv[1])
			if old != "" {
				undo = append([]string{"sysctl -qw " + kv[0] + "=" + old}, undo...)
			}
			if was := live[redirects4]; kv[0] == forward4 && was != "" { // the kernel sets it whenever forwarding is switched
				undo = append(undo, "sysctl -qw "+redirects4+"="+was)
			}
		}
	}
	file, _ := f.File(sysctlFile)
	if len(do) == 0 && file != nil && file.Text == text {
		return nil
	}
	c := &remote.Change{
		ID: "firewall.forwarding", Step: "firewall", Title: "forward packets between the world and the tunnel", Path: sysctlFile,
		Old: file, New: &remote.File{Text: text, Mode: 0o644, Owner: "root:root"}, AtConfirm: true, Risk: remote.LoseMail,
	}
	if len(do) > 0 {
		path := "PATH=$PATH:/usr/sbin:/sbin\n"
		c.Do, c.Undo = path+strings.Join(do, "\n")+"\n", path+strings.Join(undo, "\n")+"\n"
	}
	return c
}

// forwardingNotes tells of files that would switch forwarding off again.
func forwardingNotes(s *site.Site, h *site.Host, now seen.Host, f remote.Facts) []Note {
	var notes []Note
	settings, _ := seen.Sysctl.Of(f)
	if now.Kernel == "freebsd" {
		return gatewayNotes(s, h, now, settings)
	}
	for _, one := range settings.Files {
		later := one.File == seen.SysctlConf || one.File == seen.UfwSysctl || strings.HasPrefix(one.File, "/etc/sysctl.d/") && one.File >= sysctlFile
		if later && one.Value == "0" && (one.Key() == forward4 || one.Key() == forward6) {
			notes = append(notes, Note{Host: h.Name, Warn: true, Text: fmt.Sprintf("%s says %s = 0 and is read after ours: forwarding would stop at boot or when ufw starts; take the line out", one.File, one.Name)})
		}
	}
	return notes
}
