package tunnel

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strconv"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "tunnel.boot", Step: "wireguard", Title: "After a reboot the tunnel is as it is now",
		Page: checks.Page{
			Asks:  "Would the tunnel be up after a reboot, as it is now? The unit, and its file, are compared with what runs on each host. Nothing is restarted for it.",
			OK:    "It starts at boot, with what runs now.",
			Fail:  "It would not start, or be another one: it was started by hand, or its file was edited and not loaded.",
			Mends: "The chapter WireGuard.",
		},
		Guide: "wireguard, Making WireGuard Persistent",
		Reads: func(s *site.Site, h *site.Host) []remote.Query {
			return checks.Join(seen.UnitsOf.Reads, seen.Tunnels.Reads, seen.Docker.Reads, checks.Files(fileTunnel(s)))(s, h)
		},
		Ask: checks.Linux(askTunnelBoot),
	})
}

func fileTunnel(s *site.Site) string { return "/etc/wireguard/" + s.Tunnel.Interface + ".conf" }

func askTunnelBoot(_ context.Context, e *checks.Env) []checks.Result {
	unit := "wg-quick@" + e.Site.Tunnel.Interface
	q := checks.Question{Want: unit + " starts at boot with what runs now", Fix: "wireguard", Likely: "it was started by hand, or its file was edited and not loaded"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		u, err := checks.UnitsOf(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		if u.Armed {
			return q.Skip(checks.Waiting)
		}
		w, err := runs(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		file, known := v.Facts.File(fileTunnel(e.Site))
		switch {
		case !known:
			return q.Unknown(fileTunnel(e.Site)+" could not be read", "")
		case file == nil:
			return q.Fail("there is no "+fileTunnel(e.Site), "the chapter was not done yet", "")
		case w.Absent:
			return q.Fail("WireGuard is not installed", "", "")
		}
		var wrong []string
		if own := u.By[unit+".service"]; !own.Enabled() {
			wrong = append(wrong, unit+" is "+cmp.Or(own.AtBoot, "absent"))
		}
		if u.By["wireguard.service"].Enabled() {
			wrong = append(wrong, "the guide's wireguard.service starts too and makes the same interface")
		}
		if docker, err := seen.Docker.Of(v.Facts); err != nil || !docker.Absent {
			waits := u.By["docker.service"]
			if h.Role == site.Mail && waits.Enabled() && !slices.Contains(waits.After, unit+".service") {
				wrong = append(wrong, "Docker does not wait for the tunnel: containers on its address will not start")
			}
		}
		if !w.Link {
			wrong = append(wrong, "the interface does not run")
		} else {
			wrong = append(wrong, differs(confOf(file.Text), w)...)
		}
		return q.None(wrong, "%s is enabled, and %s says what runs", unit, fileTunnel(e.Site))
	}, site.Proxy, site.Mail)
}

// conf is what a wg-quick file says, as far as it can be compared with what runs.
type conf struct {
	port, mtu int
	peers     map[string]*seen.Peer
}

func confOf(text string) conf {
	c := conf{peers: map[string]*seen.Peer{}}
	for _, sec := range seen.ParseConf(text) {
		switch sec.Name {
		case "interface":
			c.port, c.mtu = max(c.port, number(sec.Get("listenport"))), max(c.mtu, number(sec.Get("mtu")))
		case "peer":
			p := &seen.Peer{Keepalive: number(sec.Get("persistentkeepalive"))}
			p.Endpoint, _ = netip.ParseAddrPort(sec.Get("endpoint"))
			for _, one := range sec.All("allowedips") {
				if a, ok := seen.Prefix(one); ok {
					p.Allowed = append(p.Allowed, a.Masked())
				}
			}
			c.peers[sec.Get("publickey")] = p
		}
	}
	return c
}

// differs names what the file and the running interface do not agree on. An endpoint in the file that is a name, or a
// peer that moved, is no difference.
func differs(c conf, w seen.WireGuard) []string {
	var wrong []string
	if c.port != 0 && c.port != w.Port {
		wrong = append(wrong, fmt.Sprintf("it listens on %d, and the file says %d", w.Port, c.port))
	}
	if c.mtu != 0 && w.MTU != 0 && c.mtu != w.MTU {
		wrong = append(wrong, fmt.Sprintf("its MTU is %d, and the file says %d", w.MTU, c.mtu))
	}
	for key, p := range c.peers {
		live := w.Peers[key]
		short := remote.Clean(key).Line(8)
		switch {
		case live == nil:
			wrong = append(wrong, "the file's peer "+short+" does not run")
			continue
		case spelled(p.Allowed) != spelled(live.Allowed):
			wrong = append(wrong, fmt.Sprintf("peer %s runs with %s, and the file says %s", short, spelled(live.Allowed), spelled(p.Allowed)))
		case p.Keepalive != live.Keepalive:
			wrong = append(wrong, fmt.Sprintf("peer %s runs with keepalive %d, and the file says %d", short, live.Keepalive, p.Keepalive))
		}
	}
	for key := range w.Peers {
		if c.peers[key] == nil {
			wrong = append(wrong, "a peer runs that the file does not have: "+remote.Clean(key).Line(8))
		}
	}
	slices.Sort(wrong)
	return wrong
}

// number is a decimal number, 0 when it is none.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func spelled(list []netip.Prefix) string {
	var all []string
	for _, p := range list {
		all = append(all, p.Masked().String())
	}
	sort.Strings(all)
	return cmp.Or(strings.Join(all, ", "), "nothing")
}
