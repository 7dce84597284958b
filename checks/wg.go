package checks

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"postern/remote"
	"postern/site"
)

// wg is what `wg show` said of the tunnel's interface on one host.
type wg struct {
	unset        bool // its file is not there: the chapter was not done yet
	absent, down bool // no WireGuard installed; no such interface
	key          string
	port         int
	mtu          int
	now          int64
	peers        map[string]*peer
}

// peer is the other end as one host knows it.
type peer struct {
	handshake int64 // seconds since 1970; 0 never
	rx, tx    int64 // bytes
	endpoint  netip.AddrPort
	allowed   []netip.Prefix
	keepalive int // seconds; 0 off
}

// wgOf parses the tunnel's answer. It never holds a private key: the query keeps it on the host.
func wgOf(f remote.Facts) (wg, error) {
	s, err := parts(f, readTunnel)
	if err != nil {
		return wg{}, err
	}
	return parseWg(s)
}

func parseWg(s sections) (wg, error) {
	w := wg{unset: s.has("unset"), absent: s.has("absent"), down: s.has("down"), peers: map[string]*peer{}}
	if w.absent || w.down {
		return w, nil
	}
	w.key = s.one("public-key")
	w.port = int(number(s.one("listen-port")))
	w.now = number(s.one("now"))
	if !isKey(w.key) || w.now == 0 {
		return w, fmt.Errorf("wg show said %q", remote.Clean(w.key).Line(60))
	}
	words := strings.Fields(s.one("link"))
	for i := range words {
		if words[i] == "mtu" && i+1 < len(words) {
			w.mtu = int(number(words[i+1]))
		}
	}
	for _, what := range []string{"latest-handshakes", "transfer", "endpoints", "allowed-ips", "persistent-keepalive"} {
		for _, line := range s[what] {
			fields := strings.Fields(line)
			if len(fields) < 2 || !isKey(fields[0]) {
				return w, fmt.Errorf("wg show %s said %q", what, remote.Clean(line).Line(60))
			}
			if w.peers[fields[0]] == nil {
				w.peers[fields[0]] = &peer{}
			}
			w.peers[fields[0]].take(what, fields[1:])
		}
	}
	return w, nil
}

func (p *peer) take(what string, values []string) {
	switch what {
	case "latest-handshakes":
		p.handshake = number(values[0])
	case "transfer":
		p.rx = number(values[0])
		if len(values) > 1 {
			p.tx = number(values[1])
		}
	case "endpoints":
		p.endpoint, _ = netip.ParseAddrPort(values[0])
	case "allowed-ips":
		for _, v := range strings.FieldsFunc(strings.Join(values, " "), func(r rune) bool { return r == ' ' || r == ',' }) {
			p.allowed = append(p.allowed, network(v)...)
		}
	case "persistent-keepalive":
		p.keepalive = int(number(values[0]))
	}
}

// number is a decimal number, 0 when it is none.
func number(text string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// isKey says whether text looks like a WireGuard key: 32 bytes in base64.
func isKey(text string) bool {
	if len(text) != 44 || text[43] != '=' {
		return false
	}
	for _, c := range text[:43] {
		if !(c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/') {
			return false
		}
	}
	return true
}

// to is the peer that a host reaches an address through, and its key.
func (w wg) to(a netip.Addr) (key string, p *peer) {
	best := -1
	for k, one := range w.peers {
		for _, prefix := range one.allowed {
			if prefix.Contains(a) && prefix.Bits() > best {
				key, p, best = k, one, prefix.Bits()
			}
		}
	}
	return key, p
}

// age is how long ago the last handshake was, by the host's own clock.
func (w wg) age(p *peer) time.Duration { return time.Duration(w.now-p.handshake) * time.Second }

// ends are the two ends of one tunnel: a proxy and a mail host.
type ends struct {
	proxy, mail   *site.Host
	proxyV, mailV *Vantage
}

// tunnels are the pairs of hosts that have a tunnel between them. err is set for a pair of which an end is not known.
func (e *Env) tunnels() []ends {
	var all []ends
	for _, p := range e.Site.HostsOf(site.Proxy) {
		for _, m := range e.Site.HostsOf(site.Mail) {
			all = append(all, ends{p, m, e.Hosts[p.Name], e.Hosts[m.Name]})
		}
	}
	return all
}

// unset names a host on which the tunnel was not set up yet, so that what needs it is not applicable; "" when there is
// none. A tunnel that was set up and is down is another thing.
func (e *Env) unset(hosts ...*site.Host) string {
	for _, h := range hosts {
		v, err := e.look(h)
		if err != nil {
			continue
		}
		if w, err := wgOf(v.Facts); err == nil && w.unset && (w.absent || w.down) {
			return h.Name
		}
	}
	return ""
}

const notYet = "the tunnel is not set up on %s yet: chapter 3 does it"
