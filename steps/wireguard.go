package steps

import (
	"fmt"
	"net/netip"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
)

func init() {
	register(Step{
		ID:      "wireguard",
		Chapter: 3,
		Title:   "WireGuard",
		Why: "Joins the two hosts by an encrypted tunnel that the mail host dials, so that it needs no open port at home. " +
			"Each host makes its own key, and the tunnel comes up at boot.",
		Guide: "wireguard, Setting Up WireGuard",
		Fields: func(*site.Site) []string {
			return []string{"tunnel.network", "tunnel.proxy", "tunnel.mail", "tunnel.network6", "tunnel.port", "tunnel.interface", "tunnel.mtu"}
		},
		Reads:   tunnelReads,
		Plan:    planWireguard,
		Strip:   stripWireguard,
		Carries: func(s *site.Site) netip.Prefix { return s.Tunnel.Network },
		Proof: []string{"tunnel.handshake", "tunnel.tcp", "tunnel.mtu", "tunnel.bytes", "tunnel.keys", "tunnel.boot",
			"firewall.relay", "firewall.dnat", "firewall.clients"},
	})
}

// end is one host of the tunnel, with what was seen there.
type end struct {
	host  *site.Host
	facts remote.Facts
	now   seen.Host
	t     tunnelSeen
}

// kept says whether the operator wants a hand-made tunnel left alone.
func (e end) kept(s *site.Site) bool {
	return s.Guide.Tunnel == "keep" && e.t.Conf != nil && kindOf(s, e.t.Conf.Text) == guideConf
}

// planWireguard makes packages and keys first, inert; once the public keys can be looked at, the configurations follow.
func planWireguard(s *site.Site, look Look) Plan {
	p := Plan{Step: "wireguard", Refused: unsupported(s, look)}
	if len(p.Refused) > 0 {
		return p
	}
	var ends []end
	for _, h := range s.Hosts {
		e := end{host: h, facts: look[h.Name]}
		e.now, e.t = seen.Look(e.facts), seeTunnel(s, e.facts)
		ends = append(ends, e)
		p.Refused = append(p.Refused, tunnelRefused(s, e)...)
	}
	if endpoint(s) == "" {
		p.Refused = append(p.Refused, "the proxy's public address is not known, so the mail host cannot dial it: set host."+s.HostsOf(site.Proxy)[0].Name+".public4")
	}
	if len(p.Refused) > 0 {
		return p
	}
	if p.Parts = prepareTunnel(s, ends); len(p.Parts) > 0 {
		p.Then = []string{
			"the tunnel's configuration on each host, once the public keys can be read",
			"the tunnel started now and at boot",
		}
		for _, e := range ends {
			p.Notes = append(p.Notes, foundNotes(s, e)...)
		}
		return p
	}
	configureTunnel(s, ends, &p)
	return p
}

// prepareTunnel is the packages and keys that are missing.
func prepareTunnel(s *site.Site, ends []end) []Part {
	var parts []Part
	for _, e := range ends {
		if e.kept(s) {
			continue
		}
		part := Part{Host: e.host.Name, Inert: true}
		var packages []string
		if !e.now.Tools["wg"] || !e.now.Tools["wg-quick"] {
			packages = append(packages, "wireguard-tools")
		}
		if !e.now.Tools["wireguard"] && !e.now.Tools["wireguard-go"] {
			packages = append(packages, "wireguard-go")
		}
		if preserves(s, e.host) && !e.now.Tools["iptables"] {
			packages = append(packages, "iptables")
		}
		if len(packages) > 0 {
			part.Changes = append(part.Changes, installPackages("wireguard", e.host.Name, packages...))
		}
		if e.t.Keys.File == "" {
			part.Changes = append(part.Changes, keyChange(s, e.t))
		}
		if len(part.Changes) > 0 {
			parts = append(parts, part)
		}
	}
	return parts
}

// configureTunnel plans the configurations of both ends, from the public keys of both.
func configureTunnel(s *site.Site, ends []end, p *Plan) {
	keys, mtu := map[string]string{}, 0
	for _, e := range ends {
		keys[e.host.Name] = e.t.Keys.File
		if e.kept(s) {
			if keys[e.host.Name] = e.t.Keys.Conf; e.t.Keys.Conf == "" {
				p.Refused = append(p.Refused, fmt.Sprintf("%s: %s is to be kept (guide.tunnel = keep), but has no usable key: choose adopt or replace", e.host.Name, confPath(s.Tunnel.Interface)))
			}
		}
		if e.host.Role == site.Mail {
			var note *Note
			if mtu, note = tunnelMTU(s, e.host, e.facts, e.t); note != nil {
				p.Notes = append(p.Notes, *note)
			}
		}
	}
	if len(p.Refused) > 0 {
		return
	}
	for _, e := range ends {
		part := Part{Host: e.host.Name}
		if e.kept(s) {
			p.Notes = append(p.Notes, keptNote(s, e.host))
			continue
		}
		changes, notes := guideUnitChanges(s, e.host, e.t)
		part.Changes = append(renamedChanges(s, e.t), changes...)
		p.Notes = append(p.Notes, notes...)
		conf, notes := confChange(s, e.host, e.now, e.t, keys, mtu)
		if conf != nil {
			part.Changes = append(part.Changes, *conf)
		}
		p.Notes = append(p.Notes, append(notes, tunnelNotes(s, e)...)...)
		if docker := dockerChange(s, e.host, e.now, e.facts); docker != nil {
			part.Changes = append(part.Changes, *docker)
		}
		if len(part.Changes) > 0 {
			p.Parts = append(p.Parts, part)
		}
	}
}

func tunnelNotes(s *site.Site, e end) []Note {
	var notes []Note
	if preserves(s, e.host) && e.t.Marked {
		notes = append(notes, Note{Host: e.host.Name, Warn: true,
			Text: "net.ipv4.conf.all.src_valid_mark is 1, which breaks answers from containers to the clients' real addresses: set it to 0, or clients.addresses to masquerade"})
	}
	if e.t.Keys.Conf != "" && e.t.Keys.Conf != e.t.Keys.File {
		notes = append(notes, Note{Host: e.host.Name, Warn: true,
			Text: keyPath(s.Tunnel.Interface) + " holds another key than " + confPath(s.Tunnel.Interface) + " did; the file's is used"})
	}
	return notes
}

// renamedChanges stop a tunnel of ours under another interface name: it was renamed in the answers, and two would want the
// same addresses. Its file and key stay.
func renamedChanges(s *site.Site, t tunnelSeen) []remote.Change {
	var changes []remote.Change
	for _, name := range t.Units.Ours {
		u := t.Units.By[seen.TunnelUnit(name)]
		if name == s.Tunnel.Interface || (!u.Active && !u.Enabled()) {
			continue
		}
		unit := remote.Quote(seen.TunnelUnit(name))
		c := remote.Change{
			ID: "wireguard.renamed." + strings.Map(plain, name), Step: "wireguard",
			Title: "stop the tunnel's former interface " + name + "; its file and key stay",
			Do:    stopTunnel(name), Risk: remote.LoseMail,
		}
		if u.Enabled() {
			c.Keep, c.Undo = "systemctl disable "+unit, "systemctl enable "+unit+" 2>/dev/null || true"
		}
		if u.Active {
			c.Undo = strings.TrimPrefix(c.Undo+"\n"+onlyWith(confPath(name), "systemctl start "+unit), "\n")
		}
		changes = append(changes, c)
	}
	return changes
}

func plain(r rune) rune {
	if strings.ContainsRune("_=+", r) {
		return '-'
	}
	return r
}
