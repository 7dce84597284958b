package steps

import (
	"fmt"
	"strconv"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
)

// tunnelRefused says why the tunnel must not be made on a host: one line each, with what to do instead.
func tunnelRefused(s *site.Site, e end) []string {
	iface, name := s.Tunnel.Interface, e.host.Name
	var why []string
	add := func(format string, args ...any) { why = append(why, name+": "+fmt.Sprintf(format, args...)) }
	if !e.t.Known {
		add("%s could not be read, so the tunnel is left alone", confPath(iface))
		return why
	}
	switch {
	case e.t.Conf != nil && kindOf(s, e.t.Conf.Text) == foreignConf:
		add("%s is in use for something else, and is left alone: set tunnel.interface to another name, such as %s", iface, freeInterface(s, e))
		return why
	case e.t.Conf == nil && e.t.Runs.Link && !e.t.Units.By[seen.TunnelUnit(iface)].Active:
		add("an interface %s exists that is not ours: set tunnel.interface to another name, such as %s", iface, freeInterface(s, e))
		return why
	}
	if !e.now.Tools["wireguard"] && !e.now.Tools["/dev/net/tun"] {
		add("the kernel has neither WireGuard nor /dev/net/tun, so no tunnel can be made: ask the provider for one of them")
	}
	if line := conflict(s, e.now, e.t.Units.Ours); line != "" {
		add("%s", line)
	}
	if from := e.now.Client.Addr(); s.Tunnel.Network.Contains(from) && !throughTunnel(s, e.host, e.now) {
		add("you come from %s, which lies in the tunnel's network %s and would become unreachable: choose another tunnel.network", from, s.Tunnel.Network)
	}
	if e.host.Role == site.Proxy && portTaken(s, e) {
		add("UDP port %d is in use by something else: set tunnel.port to another", s.Tunnel.Port)
	}
	return why
}

// portTaken says whether somebody else listens on the tunnel's port. A kernel's tunnel shows no process.
func portTaken(s *site.Site, e end) bool {
	if e.t.Runs.Port == s.Tunnel.Port || guideRuns(e.t) {
		return false
	}
	for _, name := range e.t.Units.Ours {
		if name != s.Tunnel.Interface && e.t.Units.By[seen.TunnelUnit(name)].Active { // the former interface is stopped first
			return false
		}
	}
	for _, l := range e.now.Listeners {
		if l.Proto == "udp" && l.Port == s.Tunnel.Port {
			return true
		}
	}
	return false
}

// freeInterface is a name that nothing on the host has yet, as far as was seen.
func freeInterface(s *site.Site, e end) string {
	taken := map[string]bool{s.Tunnel.Interface: true}
	for _, i := range e.now.Interfaces {
		taken[i.Name] = true
	}
	for n := 1; ; n++ {
		if name := "wg" + strconv.Itoa(n); !taken[name] {
			return name
		}
	}
}

// stripWireguard takes our lines out of the files named, which others edited since, and leaves theirs. Keys stay.
func stripWireguard(s *site.Site, look Look, paths map[string]bool) Plan {
	p := Plan{Step: "wireguard"}
	iface := s.Tunnel.Interface
	for _, h := range s.Hosts {
		facts, ok := look[h.Name]
		if !ok {
			continue
		}
		part := Part{Host: h.Name}
		if old, known := facts.File(confPath(iface)); paths[confPath(iface)] && known && old != nil {
			if _, rest, ours := cutConf(old.Text); ours {
				part.Changes = append(part.Changes, remote.Change{
					ID: "wireguard.conf", Step: "wireguard", Path: confPath(iface), Old: old, New: rested(old, rest),
					Title: "take our lines out of " + confPath(iface) + " and stop the tunnel",
					Do:    stopTunnel(iface), Undo: restartTunnel(iface), Keep: "systemctl disable " + remote.Quote(seen.TunnelUnit(iface)) + " 2>/dev/null || true",
					Risk: tunnelRisk(s, h, seen.Look(facts)),
				})
			}
		}
		if old, known := facts.File(dockerDropIn); paths[dockerDropIn] && known && old != nil {
			if rest := stripLines(old.Text, dockerText(iface)); rest != old.Text {
				part.Changes = append(part.Changes, remote.Change{
					ID: "wireguard.docker", Step: "wireguard", Path: dockerDropIn, Old: old, New: rested(old, rest),
					Title: "no longer start Docker after the tunnel", Do: "systemctl daemon-reload", Undo: "systemctl daemon-reload",
				})
			}
		}
		if len(part.Changes) > 0 {
			p.Parts = append(p.Parts, part)
		}
	}
	return p
}

// rested is the file with what is left, or nil when nothing is left that says anything.
func rested(old *remote.File, rest string) *remote.File {
	if strings.TrimSpace(strings.ReplaceAll(rest, "[Unit]", "")) == "" {
		return nil
	}
	return &remote.File{Text: rest, Mode: old.Mode, Owner: old.Owner}
}

// stripLines takes each line of ours out of a text once; section heads stay, because other lines may stand below them.
func stripLines(text, ours string) string {
	drop := map[string]bool{}
	for _, line := range strings.Split(ours, "\n") {
		drop[line] = line != "" && !strings.HasPrefix(line, "[")
	}
	var left []string
	for _, line := range strings.Split(text, "\n") {
		if drop[line] {
			drop[line] = false
			continue
		}
		left = append(left, line)
	}
	return strings.Join(left, "\n")
}
