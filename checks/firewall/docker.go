package firewall

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "firewall.docker", Rests: []string{"mailcow.ports@", "host.ssh@"}, Step: "firewall", Title: "Docker publishes nothing around the firewall",
		Page: checks.Page{
			Asks:  "Does Docker publish ports on all addresses of a host? Those are let in before ufw is asked. The host is asked what is published, and this place whether it is reached.",
			OK:    "What is published listens on the tunnel's address or the loopback only.",
			Warn:  "Ports are published past ufw, and could not be reached from here: something else stands before them, for now.",
			Fail:  "They are reached from outside, past the firewall.",
			Skip:  "There is no Docker on the host.",
			Mends: "Bind the containers to the tunnel's address: for Mailcow in mailcow.conf, as the chapter Mailcow says.",
		},
		Guide: "firewall, Client Server Firewall Configuration",
		Reads: checks.Join(seen.Docker.Reads, seen.Addresses.Reads, seen.Listeners.Reads, seen.SSH.Reads, seen.Tunnels.Reads), Ask: checks.Linux(askDocker),
	})
}

// askDocker lists ports that Docker publishes on all addresses: ufw does not see what goes to them. Whether one is open
// from outside is dialled, never guessed.
func askDocker(ctx context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "ports published on the tunnel's address or the loopback only", Fix: "mailcow",
		Likely: "the containers bind to 0.0.0.0 and [::], which Docker lets in before ufw"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		docker, err := seen.Docker.Of(v.Facts)
		all := docker.Published
		switch {
		case err != nil:
			return q.Cannot(err)
		case docker.Absent:
			return q.Skip("no Docker on it")
		}
		around := around(e, h, v, all)
		if len(around) == 0 {
			return q.OK("%d ports published, none on all addresses", len(all))
		}
		if mailcows := func(p seen.Published) bool { return strings.Contains(p.Container, "mailcow") }; h.Role == site.Proxy || !slices.ContainsFunc(around, mailcows) {
			q.Fix = "bind the container's port to " + e.Site.TunnelAddress(h).String() + " or 127.0.0.1"
		}
		var list []string
		for _, p := range around {
			list = append(list, fmt.Sprintf("%s %d/%s on %s", p.Container, p.First, p.Proto, p.Addr))
		}
		reachable := reachable(ctx, e, h, v, around)
		evidence := strings.Join(list, "\n")
		if len(reachable) > 0 {
			return q.Fail("reached from outside past ufw: "+strings.Join(reachable, ", "), "", evidence)
		}
		return q.Warn(fmt.Sprintf("%d ports past ufw: %s", len(list), list[0]), "", evidence)
	}, site.Proxy, site.Mail)
}

// around are the published ports that ufw does not see and that the site did not ask for.
func around(e *checks.Env, h *site.Host, v *checks.Vantage, all []seen.Published) []seen.Published {
	wantedHere := map[int]bool{}
	if h.Role == site.Proxy {
		for _, s := range site.Services(e.Site) {
			wantedHere[s.Port] = !s.Forwarded
		}
	}
	var home []netip.AddrPort
	if h.Role == site.Mail {
		home = e.HomePorts(v)
	}
	var found []seen.Published
	for _, p := range all {
		if p.Addr.IsLoopback() || e.Site.Tunnel.Network.Contains(p.Addr) || wantedHere[p.First] ||
			p.First == p.Last && strings.Contains(p.Container, "mailcow") && slices.Contains(home, netip.AddrPortFrom(p.Addr, uint16(p.First))) {
			continue
		}
		found = append(found, p)
	}
	return found
}

// reachable dials the published TCP ports from outside, at the host's addresses; at most a dozen.
func reachable(ctx context.Context, e *checks.Env, h *site.Host, v *checks.Vantage, around []seen.Published) []string {
	from, err := e.Outside(h)
	if err != nil {
		return nil
	}
	type target struct {
		from *checks.Vantage
		to   netip.AddrPort
	}
	var targets []target
	for _, p := range around[:min(len(around), 12)] {
		for _, s := range sides(e, h, v, from) {
			if p.Proto == "tcp" && s.to.IsValid() && s.to.Is4() == p.Addr.Is4() {
				targets = append(targets, target{s.from, netip.AddrPortFrom(s.to, uint16(p.First))})
			}
		}
	}
	probes := make([]checks.Probe, len(targets))
	checks.AtOnce(len(targets), func(i int) { probes[i] = e.Probe(ctx, targets[i].from, targets[i].to, nil, netip.AddrPort{}) })
	var found []string
	for i, one := range targets {
		if probes[i].Answer == checks.Open {
			found = append(found, fmt.Sprintf("%s (from %s)", one.to, one.from.Name))
		}
	}
	return slices.Sorted(slices.Values(found))
}
