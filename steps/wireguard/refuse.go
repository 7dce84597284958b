package wireguard

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

// Refused says why the tunnel must not be made on a host: one line each, with what to do instead.
func (e End) Refused() []string {
	s, iface, name := e.Site, e.Site.Tunnel.Interface, e.Host.Name
	var why []string
	add := func(format string, args ...any) { why = append(why, name+": "+fmt.Sprintf(format, args...)) }
	if !e.known {
		add("%s could not be read, so the tunnel is left alone", e.confPath(iface))
		return why
	}
	if _, err := e.dockerChanges(); err != nil {
		why = append(why, err.Error())
	}
	if e.rcErr != nil {
		add("what rc.conf says could not be read, so the tunnel is left alone: %v", e.rcErr)
		return why
	}
	switch {
	case e.conf != nil && kindOf(s, e.conf.Text) == foreignConf:
		add("%s is in use for something else, and is left alone: set tunnel.interface to another name, such as %s", iface, e.freeInterface())
		return why
	case e.conf == nil && e.runs.Link && !e.units.By[seen.TunnelUnit(iface)].Active:
		add("an interface %s exists that is not ours: set tunnel.interface to another name, such as %s", iface, e.freeInterface())
		return why
	}
	if e.Host.BSD() && !e.Now.Tools["wireguard"] {
		add("its kernel has no WireGuard (if_wg comes with FreeBSD 13.2): bring it to a newer release")
	} else if !e.Now.Tools["wireguard"] && !e.Now.Tools["/dev/net/tun"] {
		add("the kernel has neither WireGuard nor /dev/net/tun, so no tunnel can be made: ask the provider for one of them")
	}
	if line := Conflict(s, e.Now, e.units.Ours); line != "" {
		add("%s", line)
	}
	if from := e.Now.Client.Addr(); s.Tunnel.Network.Contains(from) && !e.through() {
		add("you come from %s, which lies in the tunnel's network %s and would become unreachable: choose another tunnel.network", from, s.Tunnel.Network)
	}
	if e.Host.Role == site.Proxy && e.portTaken() {
		add("UDP port %d is in use by something else: set tunnel.port to another", s.Tunnel.Port)
	}
	return why
}

// portTaken says whether somebody else listens on the tunnel's port. A kernel's tunnel shows no process.
func (e End) portTaken() bool {
	s := e.Site
	if e.runs.Port == s.Tunnel.Port || e.guideRuns() {
		return false
	}
	for _, name := range e.units.Ours {
		if name != s.Tunnel.Interface && e.units.By[seen.TunnelUnit(name)].Active { // the former interface is stopped first
			return false
		}
	}
	for _, l := range e.Now.Listeners {
		if l.Proto == "udp" && l.Port == s.Tunnel.Port {
			return true
		}
	}
	return false
}

// freeInterface is a name that nothing on the host has yet, as far as was seen.
func (e End) freeInterface() string {
	taken := map[string]bool{e.Site.Tunnel.Interface: true}
	for _, i := range e.Now.Interfaces {
		taken[i.Name] = true
	}
	for n := 1; ; n++ {
		if name := "wg" + strconv.Itoa(n); !taken[name] {
			return name
		}
	}
}

// Strip takes our lines out of the files named, which others edited since, and leaves theirs. Keys stay.
func (e End) Strip(paths map[string]bool) []remote.Change {
	var changes []remote.Change
	iface := e.Site.Tunnel.Interface
	if paths[e.confPath(iface)] && e.conf != nil {
		if rest, at := does.CutBlock(e.conf.Text); at >= 0 {
			changes = append(changes, remote.Change{
				ID: "wireguard.conf", Step: "wireguard", Path: e.confPath(iface), Old: e.conf, New: rested(e.conf, rest),
				Title: "take our lines out of " + e.confPath(iface) + " and stop the tunnel",
				Do:    e.stop(iface), Undo: e.restart(), Keep: e.disable(),
				Risk: e.risk(),
			})
		}
	}
	if docker, _ := e.facts.File(dockerDropIn); paths[dockerDropIn] && docker != nil {
		if rest := stripLines(docker.Text, dockerUnit(iface).Text); rest != docker.Text {
			changes = append(changes, remote.Change{
				ID: "wireguard.docker", Step: "wireguard", Path: dockerDropIn, Old: docker, New: rested(docker, rest),
				Title: "no longer start Docker after the tunnel", Do: does.Reread(dockerUnit(iface).Name), Undo: does.Reread(dockerUnit(iface).Name),
			})
		}
	}
	return changes
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

// Conflict says which network of a host the tunnel's would hide, and what to choose instead; "" when there is none.
func Conflict(s *site.Site, now seen.Host, tunnels []string) string {
	ours := map[string]bool{s.Tunnel.Interface: true}
	for _, name := range tunnels {
		ours[name] = true
	}
	for _, network := range []netip.Prefix{s.Tunnel.Network, s.Tunnel.Network6} {
		if !network.IsValid() {
			continue
		}
		r, found := now.Overlaps(network, ours)
		if !found {
			continue
		}
		where := r.Device
		if where == "" {
			where = "a route that drops"
		}
		line := fmt.Sprintf("%s is in use on %s (%s)", network, where, r.To)
		if free := freeNetwork(now, ours); network.Addr().Is4() && free.IsValid() {
			return line + ": choose another tunnel.network, such as " + free.String()
		}
		return line + ": choose another network for the tunnel"
	}
	return ""
}

// freeNetwork is a private /24 that no route of the host touches.
func freeNetwork(now seen.Host, but map[string]bool) netip.Prefix {
	for third := 77; third < 250; third += 10 {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(third), 0, 0}), 24)
		if _, taken := now.Overlaps(p, but); !taken {
			return p
		}
	}
	return netip.Prefix{}
}
