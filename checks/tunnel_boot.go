package checks

import (
	"context"
	"fmt"
	"net/netip"
	"sort"
	"strings"

	"postern/remote"
	"postern/site"
)

func init() {
	register(Check{
		ID: "tunnel.boot", Step: "wireguard", Title: "After a reboot the tunnel is as it is now",
		Guide: "wireguard, Making WireGuard Persistent",
		Reads: func(s *site.Site, h *site.Host) []remote.Query {
			return reads(readUnits, readTunnel, readDocker, fileTunnel(s))(s, h)
		},
		Ask: linux(askTunnelBoot),
	})
}

func askTunnelBoot(_ context.Context, e *Env) []Result {
	unit := "wg-quick@" + e.Site.Tunnel.Interface
	q := question{want: unit + " starts at boot with what runs now", fix: "wireguard", likely: "it was started by hand, or its file was edited and not loaded"}
	return eachHost(e, q, func(q question, h *site.Host, v *Vantage) Result {
		u, err := unitsOf(v.Facts)
		if err != nil {
			return q.cannot(err)
		}
		if u.armed {
			return q.skip(waiting)
		}
		w, err := wgOf(v.Facts)
		if err != nil {
			return q.cannot(err)
		}
		file, known := v.Facts.File(fileTunnel(e.Site))
		switch {
		case !known:
			return q.unknown(fileTunnel(e.Site)+" could not be read", "")
		case file == nil:
			return q.fail("there is no "+fileTunnel(e.Site), "the chapter was not done yet", "")
		case w.absent:
			return q.fail("WireGuard is not installed", "", "")
		}
		var wrong []string
		if u.enabled[unit] != "enabled" {
			wrong = append(wrong, unit+" is "+remote.Clean(blank(u.enabled[unit], "absent")).Line(20))
		}
		if u.enabled["wireguard"] == "enabled" {
			wrong = append(wrong, "the guide's wireguard.service starts too and makes the same interface")
		}
		if _, none, err := publishedOf(v.Facts); err != nil || !none {
			if h.Role == site.Mail && u.enabled["docker"] == "enabled" && !has(u.after, unit+".service") {
				wrong = append(wrong, "Docker does not wait for the tunnel: containers on its address will not start")
			}
		}
		if w.down {
			wrong = append(wrong, "the interface does not run")
		} else {
			wrong = append(wrong, differs(confOf(file.Text), w)...)
		}
		if len(wrong) > 0 {
			return q.fail(few(wrong), "", strings.Join(wrong, "\n"))
		}
		return q.ok("%s is enabled, and %s says what runs", unit, fileTunnel(e.Site))
	}, site.Proxy, site.Mail)
}

// conf is what a wg-quick file says, as far as it can be compared with what runs.
type conf struct {
	port, mtu int
	peers     map[string]*peer
}

func confOf(text string) conf {
	c := conf{peers: map[string]*peer{}}
	section := ""
	now := &peer{}
	for _, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section, now = strings.ToLower(line), &peer{}
			continue
		}
		k, v, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		v = strings.TrimSpace(v)
		switch section + strings.ToLower(strings.TrimSpace(k)) {
		case "[interface]listenport":
			c.port = int(number(v))
		case "[interface]mtu":
			c.mtu = int(number(v))
		case "[peer]publickey":
			c.peers[v] = now
		case "[peer]endpoint":
			now.endpoint, _ = netip.ParseAddrPort(v)
		case "[peer]persistentkeepalive":
			now.keepalive = int(number(v))
		case "[peer]allowedips":
			for _, one := range strings.Split(v, ",") {
				now.allowed = append(now.allowed, network(strings.TrimSpace(one))...)
			}
		}
	}
	return c
}

// differs names what the file and the running interface do not agree on. An endpoint in the file that is a name, or a
// peer that moved, is no difference.
func differs(c conf, w wg) []string {
	var wrong []string
	if c.port != 0 && c.port != w.port {
		wrong = append(wrong, fmt.Sprintf("it listens on %d, and the file says %d", w.port, c.port))
	}
	if c.mtu != 0 && w.mtu != 0 && c.mtu != w.mtu {
		wrong = append(wrong, fmt.Sprintf("its MTU is %d, and the file says %d", w.mtu, c.mtu))
	}
	for key, p := range c.peers {
		live := w.peers[key]
		short := remote.Clean(key).Line(8)
		switch {
		case live == nil:
			wrong = append(wrong, "the file's peer "+short+" does not run")
			continue
		case spelled(p.allowed) != spelled(live.allowed):
			wrong = append(wrong, fmt.Sprintf("peer %s runs with %s, and the file says %s", short, spelled(live.allowed), spelled(p.allowed)))
		case p.keepalive != live.keepalive:
			wrong = append(wrong, fmt.Sprintf("peer %s runs with keepalive %d, and the file says %d", short, live.keepalive, p.keepalive))
		}
	}
	for key := range w.peers {
		if c.peers[key] == nil {
			wrong = append(wrong, "a peer runs that the file does not have: "+remote.Clean(key).Line(8))
		}
	}
	return sorted(wrong)
}

func spelled(list []netip.Prefix) string {
	var all []string
	for _, p := range list {
		all = append(all, p.Masked().String())
	}
	sort.Strings(all)
	return blank(strings.Join(all, ", "), "nothing")
}
