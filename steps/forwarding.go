package steps

import (
	"fmt"
	"strconv"
	"strings"

	"postern/remote"
	"postern/site"
)

// The forwarding sysctls. They change at once by sysctl and are kept by a drop-in that is put in place only at confirm:
// a reboot before it forgets them. guide: firewall, Enable IP Forwarding
const (
	sysctlFile  = "/etc/sysctl.d/60-postern.conf"
	forward4    = "net.ipv4.ip_forward"
	forward6    = "net.ipv6.conf.all.forwarding"
	redirects4  = "net.ipv4.conf.all.accept_redirects"
	forwardRead = "firewall.sysctl"
)

func forwardingReads() []remote.Query {
	return []remote.Query{
		remote.ReadFile(sysctlFile),
		remote.ReadRun(forwardRead, `cd /proc/sys/net || exit 0
grep -sH . ipv4/ip_forward ipv4/conf/all/accept_redirects ipv6/conf/all/forwarding ipv6/conf/*/accept_ra | sed 's/:/ /'
for f in $(grep -l forward /etc/sysctl.conf /etc/sysctl.d/*.conf /etc/ufw/sysctl.conf 2>/dev/null); do
	[ ! -r "$f" ] || sed -n "s|^[[:space:]]*\(net[./]ipv[46][./][a-z./]*forward[a-z]*\)[[:space:]]*=[[:space:]]*0[[:space:]]*\$|later $f \1|p" "$f"
done; :`),
	}
}

// forwardingSeen is what those reads told.
type forwardingSeen struct {
	values map[string]string // by name with dots
	later  []string          // "FILE NAME": files that switch forwarding off at boot, or when ufw starts
}

func seeForwarding(f remote.Facts) forwardingSeen {
	seen := forwardingSeen{values: map[string]string{}}
	out, _ := f.Get(forwardRead)
	for _, line := range lines(out) {
		w := strings.Fields(line)
		switch {
		case len(w) == 3 && w[0] == "later":
			seen.later = append(seen.later, remote.Clean(w[1]+" "+w[2]).Line(120))
		case len(w) == 2:
			if _, err := strconv.Atoi(w[1]); err == nil {
				seen.values["net."+strings.ReplaceAll(w[0], "/", ".")] = w[1]
			}
		}
	}
	return seen
}

// forwardingChange switches forwarding on where it is not, nil when it is in place.
func forwardingChange(s *site.Site, h *site.Host, seen Seen, f remote.Facts) *remote.Change {
	now := seeForwarding(f)
	want := [][2]string{{forward4, "1"}}
	if s.Tunnel.Network6.IsValid() {
		// A host that forwards IPv6 stops listening to its router unless it is told to go on.
		if ra := "net.ipv6.conf." + publicInterface(h, seen) + ".accept_ra"; now.values[ra] == "1" || now.values[ra] == "2" {
			want = append(want, [2]string{ra, "2"})
		}
		want = append(want, [2]string{forward6, "1"})
	}
	text := "# Made by postern: this host passes packets between the world and the tunnel.\n"
	var do, undo []string
	for _, kv := range want {
		text += kv[0] + " = " + kv[1] + "\n"
		if old := now.values[kv[0]]; old != kv[1] {
			do = append(do, "sysctl -qw "+kv[0]+"="+kv[1])
			if old != "" {
				undo = append([]string{"sysctl -qw " + kv[0] + "=" + old}, undo...)
			}
			if was := now.values[redirects4]; kv[0] == forward4 && was != "" { // the kernel sets it whenever forwarding is switched
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
func forwardingNotes(h *site.Host, f remote.Facts) []Note {
	var notes []Note
	for _, later := range seeForwarding(f).later {
		file, name, _ := strings.Cut(later, " ")
		if dotted := strings.ReplaceAll(name, "/", "."); file < sysctlFile && file != "/etc/sysctl.conf" && !strings.HasPrefix(file, "/etc/ufw") || dotted != forward4 && dotted != forward6 {
			continue
		}
		notes = append(notes, Note{Host: h.Name, Warn: true, Text: fmt.Sprintf("%s says %s = 0 and is read after ours: forwarding would stop at boot or when ufw starts; take the line out", file, name)})
	}
	return notes
}
