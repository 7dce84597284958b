package checks

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern/seen"
	"postern/site"
)

func init() {
	register(Check{
		ID: "firewall.docker", Step: "firewall", Title: "Docker publishes nothing around the firewall",
		Page: Page{
			Asks:  "Does Docker publish ports on all addresses of a host? Those are let in before ufw is asked. The host is asked what is published, and this place whether it is reached.",
			OK:    "What is published listens on the tunnel's address or the loopback only.",
			Warn:  "Ports are published past ufw, and could not be reached from here: something else stands before them, for now.",
			Fail:  "They are reached from outside, past the firewall.",
			Skip:  "There is no Docker on the host.",
			Mends: "Bind the containers to the tunnel's address: for Mailcow in mailcow.conf, as the chapter Mailcow says.",
		},
		Guide: "firewall, Client Server Firewall Configuration",
		Reads: reads(seen.Docker.Reads, seen.Addresses.Reads, seen.Listeners.Reads, seen.SSH.Reads, seen.Tunnels.Reads), Ask: linux(askDocker),
	})
}

// askDocker lists ports that Docker publishes on all addresses: ufw does not see what goes to them. Whether one is open
// from outside is dialled, never guessed.
func askDocker(ctx context.Context, e *Env) []Result {
	q := question{want: "ports published on the tunnel's address or the loopback only", fix: "mailcow",
		likely: "the containers bind to 0.0.0.0 and [::], which Docker lets in before ufw"}
	return eachHost(e, q, func(q question, h *site.Host, v *Vantage) Result {
		docker, err := seen.Docker.Of(v.Facts)
		all := docker.Published
		switch {
		case err != nil:
			return q.cannot(err)
		case docker.Absent:
			return q.skip("no Docker on it")
		}
		around := e.around(h, all)
		if len(around) == 0 {
			return q.ok("%d ports published, none on all addresses", len(all))
		}
		if h.Role == site.Proxy {
			q.fix = "bind the container's port to " + e.Site.TunnelAddress(h).String() + " or 127.0.0.1"
		}
		var list []string
		for _, p := range around {
			list = append(list, fmt.Sprintf("%s %d/%s on %s", p.Container, p.First, p.Proto, p.Addr))
		}
		reachable := e.reachable(ctx, h, v, around)
		evidence := strings.Join(list, "\n")
		if len(reachable) > 0 {
			return q.fail("reached from outside past ufw: "+strings.Join(reachable, ", "), "", evidence)
		}
		return q.warn(fmt.Sprintf("%d ports past ufw: %s", len(list), list[0]), "", evidence)
	}, site.Proxy, site.Mail)
}

// around are the published ports that ufw does not see and that the site did not ask for.
func (e *Env) around(h *site.Host, all []seen.Published) []seen.Published {
	wantedHere := map[int]bool{}
	if h.Role == site.Proxy {
		for _, s := range site.Services(e.Site) {
			wantedHere[s.Port] = !s.Forwarded
		}
	}
	var found []seen.Published
	for _, p := range all {
		if p.Addr.IsLoopback() || e.Site.Tunnel.Network.Contains(p.Addr) || wantedHere[p.First] {
			continue
		}
		found = append(found, p)
	}
	return found
}

// reachable dials the published TCP ports from outside, at the host's addresses; at most a dozen.
func (e *Env) reachable(ctx context.Context, h *site.Host, v *Vantage, around []seen.Published) []string {
	from, err := e.outside(h)
	if err != nil {
		return nil
	}
	var found []string
	answers := make(chan string)
	n := 0
	for _, p := range around[:min(len(around), 12)] {
		for _, s := range e.sides(h, v, from) {
			if p.Proto != "tcp" || !s.to.IsValid() || s.to.Is4() != p.Addr.Is4() {
				continue
			}
			n++
			to := netip.AddrPortFrom(s.to, uint16(p.First))
			go func() {
				text := ""
				if e.knock(ctx, s.from, to, nil, netip.AddrPort{}).answer == open {
					text = fmt.Sprintf("%s (from %s)", to, s.from.Name)
				}
				answers <- text
			}()
		}
	}
	for range n {
		if text := <-answers; text != "" {
			found = append(found, text)
		}
	}
	return slices.Sorted(slices.Values(found))
}
