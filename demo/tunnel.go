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

// tunnelStart brings an interface up as its file says, or leaves it down where there is none.
func (h *Host) tunnelStart(name string) {
	h.tunnelStop(name)
	file := h.File("/etc/wireguard/" + name + ".conf")
	if file == nil {
		return
	}
	t := parseTunnel(name, file.Text)
	t.key = publicKey(h.text("/etc/wireguard/" + name + ".key"))
	if t.port == 0 {
		t.port = h.w.anyPort()
	}
	k := h.kernel
	k.read = [2]seen.Tables{}
	k.conf(name)
	for _, c := range t.commands {
		if _, rule, ok := strings.Cut(c, "iptables -w -t mangle -A postern-wg "); ok {
			k.rules[0].restore("*mangle\n-A postern-wg " + rule + "\n")
		} else if strings.Contains(c, "-N postern-wg") {
			k.rules[0].restore("*mangle\n:postern-wg - [0:0]\n-A PREROUTING -j postern-wg\n")
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
	k.rules[0].drop(func(chain string) bool { return chain == "postern-wg" })
	for sysctl := range k.sysctl {
		if strings.Contains(sysctl, ".conf."+name+".") {
			delete(k.sysctl, sysctl)
		}
	}
}

// parseTunnel reads a file of wg-quick.
func parseTunnel(name, text string) *tunnel {
	t := &tunnel{name: name, mtu: 1420}
	var p *peer
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

// far is the other end of a tunnel: who holds the key of its peer and knows it in turn, once both have shaken hands. ok is
// false while they cannot: the end that dials must reach the other's port.
func (w *World) far(h *Host, t *tunnel, p *peer) (far *Host, there *tunnel, back *peer, ok bool) {
	for _, far = range w.hosts() {
		for _, there = range far.kernel.tunnels {
			for _, back = range there.peers {
				if far != h && p.key == there.key && back.key == t.key && t.key != "" {
					return far, there, back, w.shake(h, t, p, far, there, back)
				}
			}
		}
	}
	return nil, nil, nil, false
}

// shake has both ends shake hands when that is due, and counts what kept the tunnel open since.
func (w *World) shake(h *Host, t *tunnel, p *peer, far *Host, there *tunnel, back *peer) bool {
	now := w.Now()
	stands := !p.shaken.IsZero() && p.shaken.Equal(back.shaken)
	switch every := time.Duration(max(p.alive, back.alive)) * time.Second; {
	case !stands && !w.greets(h, t, p, far, there, back) && !w.greets(far, there, back, h, t, p):
		return false
	case !stands:
		p.beat, back.beat = now, now
	case every > 0:
		beats := now.Sub(p.beat) / every
		p.beat, back.beat = p.beat.Add(beats*every), p.beat.Add(beats*every)
		crossing{p, back}.count(int(beats)*beatBytes, int(beats)*beatBytes)
	}
	if !stands || now.Sub(p.shaken) >= renewAfter {
		p.shaken, back.shaken = now, now
		crossing{p, back}.count(shakeSent, shakeAnswer)
	}
	return true
}

// greets says whether the first packet of one end comes to the other, and leaves there whence it came.
func (w *World) greets(from *Host, t *tunnel, p *peer, to *Host, there *tunnel, back *peer) bool {
	if !p.endpoint.IsValid() || p.endpoint.Port() != there.port {
		return false
	}
	x := w.internet(from, way{proto: "udp", src: netip.AddrPortFrom(from.own(p.endpoint.Addr()), t.port), dst: p.endpoint})
	if x.fate != arrived || x.host != to {
		return false
	}
	back.endpoint = x.src
	return true
}

// crossing is a tunnel from one end's view.
type crossing struct{ near, far *peer }

// count adds bytes that went forth and back.
func (c crossing) count(forth, back int) {
	c.near.tx, c.far.rx = c.near.tx+forth, c.far.rx+forth
	c.near.rx, c.far.tx = c.near.rx+back, c.far.tx+back
}
