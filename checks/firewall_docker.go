package checks

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"postern/site"
)

func init() {
	register(Check{
		ID: "firewall.docker", Step: "firewall", Title: "Docker publishes nothing around the firewall",
		Guide: "firewall, Client Server Firewall Configuration",
		Reads: reads(readDocker, readNet, readListen, readSSH, readTunnel), Ask: linux(askDocker),
	})
}

// askDocker lists ports that Docker publishes on all addresses: ufw does not see what goes to them. Whether one is open
// from outside is dialled, never guessed.
func askDocker(ctx context.Context, e *Env) []Result {
	q := question{want: "ports published on the tunnel's address or the loopback only", fix: "mailcow",
		likely: "the containers bind to 0.0.0.0 and [::], which Docker lets in before ufw"}
	return eachHost(e, q, func(q question, h *site.Host, v *Vantage) Result {
		all, absent, err := publishedOf(v.Facts)
		switch {
		case err != nil:
			return q.cannot(err)
		case absent:
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
			list = append(list, fmt.Sprintf("%s %d/%s on %s", p.container, p.port, p.proto, p.addr))
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
func (e *Env) around(h *site.Host, all []published) []published {
	wantedHere := map[int]bool{}
	if h.Role == site.Proxy {
		for _, s := range services(e.Site) {
			wantedHere[s.port] = !s.forward
		}
	}
	var found []published
	for _, p := range all {
		if p.addr.IsLoopback() || e.Site.Tunnel.Network.Contains(p.addr) || wantedHere[p.port] {
			continue
		}
		found = append(found, p)
	}
	return found
}

// reachable dials the published TCP ports from outside, at the host's addresses; at most a dozen.
func (e *Env) reachable(ctx context.Context, h *site.Host, v *Vantage, around []published) []string {
	from, err := e.outside(h)
	if err != nil {
		return nil
	}
	var found []string
	answers := make(chan string)
	n := 0
	for _, p := range around[:min(len(around), 12)] {
		for _, s := range e.sides(h, v, from) {
			if p.proto != "tcp" || !s.to.IsValid() || s.to.Is4() != p.addr.Is4() {
				continue
			}
			n++
			to := netip.AddrPortFrom(s.to, uint16(p.port))
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
	return sorted(found)
}
