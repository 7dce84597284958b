package steps

import (
	"fmt"
	"net/netip"

	"postern/site"
	"postern/steps/does"
	"postern/steps/wireguard"
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
		Reads:   wireguard.Reads,
		Plan:    planWireguard,
		Strip:   stripWireguard,
		Carries: func(s *site.Site) netip.Prefix { return s.Tunnel.Network },
		Proof: []string{"tunnel.unit", "tunnel.handshake", "tunnel.tcp", "tunnel.mtu", "tunnel.bytes", "tunnel.keys", "tunnel.boot", "tunnel.routing",
			"firewall.relay", "firewall.dnat", "firewall.clients"},
	})
}

// planWireguard makes packages and keys first, inert; once the public keys can be looked at, the configurations follow.
func planWireguard(s *site.Site, look Look) Plan {
	p := Plan{Step: "wireguard", Refused: unsupported(s, look)}
	if len(p.Refused) > 0 {
		return p
	}
	var ends []wireguard.End
	for _, h := range s.Hosts {
		e := wireguard.See(s, h, look[h.Name])
		ends, p.Notes = append(ends, e), append(p.Notes, unproven(h, e.Now)...)
		p.Refused = append(p.Refused, e.Refused()...)
	}
	if wireguard.Endpoint(s) == "" {
		p.Refused = append(p.Refused, "the proxy's public address is not known, so the mail host cannot dial it: set host."+s.HostsOf(site.Proxy)[0].Name+".public4")
	}
	if len(p.Refused) > 0 {
		return p
	}
	if p.Parts = prepareTunnel(ends); len(p.Parts) == 0 {
		configureTunnel(ends, &p)
		return p
	}
	p.Then = []string{
		"the tunnel's configuration on each host, once the public keys can be read",
		"the tunnel started now and at boot",
	}
	for _, e := range ends {
		p.note(e, e.Found()...)
	}
	return p
}

// note takes in what is to be told of one end of the tunnel.
func (p *Plan) note(e wireguard.End, notes ...wireguard.Note) {
	for _, n := range notes {
		p.Notes = append(p.Notes, Note{Host: e.Host.Name, Warn: n.Warn, Text: n.Text})
	}
}

// prepareTunnel is the packages and keys that are missing.
func prepareTunnel(ends []wireguard.End) []Part {
	var parts []Part
	for _, e := range ends {
		part := Part{Host: e.Host.Name, Inert: true}
		if packages := e.Packages(); packages != nil && !e.Kept() {
			part.Changes = append(part.Changes, does.Within("wireguard", *packages))
		}
		if key := e.Key(); key != nil && !e.Kept() {
			part.Changes = append(part.Changes, *key)
		}
		if len(part.Changes) > 0 {
			parts = append(parts, part)
		}
	}
	return parts
}

// configureTunnel plans the configurations of both ends, from the public keys of both.
func configureTunnel(ends []wireguard.End, p *Plan) {
	keys, mtu := map[string]string{}, 0
	for _, e := range ends {
		if keys[e.Host.Name] = e.PublicKey(); e.PublicKey() == "" {
			p.Refused = append(p.Refused, fmt.Sprintf("%s: %s is to be kept (guide.tunnel = keep), but has no usable key: choose adopt or replace", e.Host.Name, wireguard.ConfPath(e.Host, e.Site.Tunnel.Interface)))
		}
		if e.Host.Role == site.Mail {
			var note *wireguard.Note
			if mtu, note = e.MTU(); note != nil {
				p.note(e, *note)
			}
		}
	}
	if len(p.Refused) > 0 {
		return
	}
	for _, e := range ends {
		changes, notes := e.Configure(keys, mtu)
		p.note(e, notes...)
		if len(changes) > 0 {
			p.Parts = append(p.Parts, Part{Host: e.Host.Name, Changes: changes})
			p.After = append(p.After, e.Words())
		}
	}
}

// stripWireguard takes our lines out of the files named, which others edited since, and leaves theirs. Keys stay.
func stripWireguard(s *site.Site, look Look, paths map[string]bool) Plan {
	p := Plan{Step: "wireguard"}
	for _, h := range s.Hosts {
		facts, ok := look[h.Name]
		if !ok {
			continue
		}
		if changes := wireguard.See(s, h, facts).Strip(paths); len(changes) > 0 {
			p.Parts = append(p.Parts, Part{Host: h.Name, Changes: changes})
		}
	}
	return p
}
