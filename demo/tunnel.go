package demo

import (
	"crypto/ecdh"
	"encoding/base64"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"postern/seen"
)

// How WireGuard keeps a tunnel alive, and what its packets weigh in bytes.
const (
	renewAfter  = 120 * time.Second
	shakeSent   = 148
	shakeAnswer = 92
	beatBytes   = 32 // of a packet that only says that somebody is there
	wrapBytes   = 60 // what a packet grows by, over IPv4
)

// tunnel is a WireGuard interface that is up: what its file said when it was started, and what it has met since.
type tunnel struct {
	name      string
	key       string // public; empty while the private one is not known
	port      uint16
	mtu       int
	addresses []netip.Prefix
	commands  []string // PostUp, with the interface's name put in
	peers     []*peer
}

type peer struct {
	key      string
	endpoint netip.AddrPort
	allowed  []netip.Prefix
	alive    int // seconds between packets that keep it open; 0 for none
	shaken   time.Time
	beat     time.Time // until when the packets that keep it open are counted
	rx, tx   int
}

// markChain is the chain that a tunnel's file makes, to find what came through it.
const markChain = "postern-wg"

// tunnelStart brings an interface up as its file says, or leaves it down where there is none.
func (h *Host) tunnelStart(name string) {
	h.tunnelStop(name)
	file := h.File(h.wireguard() + name + ".conf")
	if file == nil {
		return
	}
	t := parseTunnel(name, file.Text)
	t.key = publicKey(h.text(h.wireguard() + name + ".key"))
	if t.port == 0 {
		t.port = h.w.anyPort()
	}
	k := h.kernel
	k.read = [2]seen.Tables{}
	k.conf(name)
	for _, c := range t.commands {
		if _, rule, ok := strings.Cut(c, "iptables -w -t mangle -A "+markChain+" "); ok {
			k.rules[0].restore("*mangle\n-A " + markChain + " " + rule + "\n")
		} else if strings.Contains(c, "-N "+markChain) {
			k.rules[0].restore("*mangle\n:" + markChain + " - [0:0]\n-A PREROUTING -j " + markChain + "\n")
		}
	}
	k.tunnels[name] = t
}

// tunnelStop takes an interface down, with what its file's commands made.
func (h *Host) tunnelStop(name string) {
	k := h.kernel
	if k.tunnels[name] == nil {
		return
	}
	delete(k.tunnels, name)
	k.read = [2]seen.Tables{}
	k.rules[0].drop(func(chain string) bool { return chain == markChain })
	for sysctl := range k.sysctl {
		if strings.Contains(sysctl, ".conf."+name+".") {
			delete(k.sysctl, sysctl)
		}
	}
}

// parseTunnel reads a file of wg-quick.
func parseTunnel(name, text string) *tunnel {
	t := &tunnel{name: name, mtu: 1420}
	p := &peer{}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		number, _ := strconv.Atoi(value)
		switch key {
		case "[Peer]":
			p = &peer{}
			t.peers = append(t.peers, p)
		case "Address":
			t.addresses = append(t.addresses, prefixes(value)...)
		case "ListenPort":
			t.port = uint16(number)
		case "MTU":
			t.mtu = number
		case "PostUp":
			t.commands = append(t.commands, strings.ReplaceAll(value, "%i", name))
		case "PublicKey":
			p.key = value
		case "Endpoint":
			p.endpoint, _ = netip.ParseAddrPort(value)
		case "PersistentKeepalive":
			p.alive = number
		case "AllowedIPs":
			p.allowed = append(p.allowed, prefixes(value)...)
		}
	}
	return t
}

func prefixes(list string) []netip.Prefix {
	var all []netip.Prefix
	for _, one := range strings.Split(list, ",") {
		if p, err := netip.ParsePrefix(strings.TrimSpace(one)); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// publicKey is the public half of a private key, both in base64; empty where the text is no key.
func publicKey(text string) string {
	raw, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	key, err := ecdh.X25519().NewPrivateKey(raw)
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(key.PublicKey().Bytes())
}

// to is the peer that an address lies behind, nil for none.
func (t *tunnel) to(a netip.Addr) *peer {
	for _, p := range t.peers {
		for _, net := range p.allowed {
			if net.Contains(a) {
				return p
			}
		}
	}
	return nil
}

// tunnelTo is the interface over which the host sends to an address, nil where it sends it to the internet.
func (h *Host) tunnelTo(a netip.Addr) *tunnel {
	for _, t := range h.kernel.tunnels {
		for _, own := range t.addresses {
			if own.Contains(a) {
				return t
			}
		}
	}
	return nil
}

// end is one end of a tunnel: an interface of a host, and the peer that it has there.
type end struct {
	host   *Host
	tunnel *tunnel
	peer   *peer
}

// far is the other end: who holds the key of its peer and knows it in turn, once both have shaken hands. ok is false while they
// cannot: the end that dials must reach the other's port.
func (near end) far() (far end, ok bool) {
	for _, h := range near.host.w.hosts() {
		for _, t := range h.kernel.tunnels {
			for _, p := range t.peers {
				if h != near.host && near.peer.key == t.key && p.key == near.tunnel.key && p.key != "" {
					far = end{h, t, p}
					return far, near.shakes(far)
				}
			}
		}
	}
	return far, false
}

// shakes has both ends shake hands when that is due, and counts what kept the tunnel open since.
func (near end) shakes(far end) bool {
	p, back, now := near.peer, far.peer, near.host.w.Now()
	stands := !p.shaken.IsZero() && p.shaken.Equal(back.shaken)
	switch every := time.Duration(max(p.alive, back.alive)) * time.Second; {
	case !stands && !near.reaches(far) && !far.reaches(near):
		return false
	case !stands:
		p.beat, back.beat = now, now
	case every > 0:
		beats, left := int(now.Sub(p.beat)/every), now.Sub(p.beat)%every
		p.beat, back.beat = now.Add(-left), now.Add(-left)
		crossing{p, back}.count(beats*beatBytes, beats*beatBytes)
	}
	if !stands || now.Sub(p.shaken) >= renewAfter {
		p.shaken, back.shaken = now, now
		crossing{p, back}.count(shakeSent, shakeAnswer)
	}
	return true
}

// reaches says whether the first packet of an end comes to the other, and leaves there whence it came.
func (near end) reaches(far end) bool {
	to := near.peer.endpoint
	if !to.IsValid() || to.Port() != far.tunnel.port {
		return false
	}
	x := near.host.w.internet(near.host, way{proto: "udp", src: netip.AddrPortFrom(near.host.own(to.Addr()), near.tunnel.port), dst: to})
	if x.fate != arrived || x.host != far.host {
		return false
	}
	far.peer.endpoint = x.src
	return true
}

// crossing is a way through a tunnel, from one peer to the other.
type crossing struct{ near, far *peer }

// count adds bytes that went forth and back.
func (c crossing) count(forth, back int) {
	c.near.tx, c.far.rx = c.near.tx+forth, c.far.rx+forth
	c.near.rx, c.far.tx = c.near.rx+back, c.far.tx+back
}
