package demo

import (
	"crypto/ecdh"
	"encoding/base64"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

func init() { register("/usr/bin/wg", wg) }

// publicOf is the public key of a private one.
func publicOf(private [32]byte) (public [32]byte) {
	key, err := ecdh.X25519().NewPrivateKey(private[:])
	if err == nil {
		copy(public[:], key.PublicKey().Bytes())
	}
	return public
}

func keyText(key [32]byte) string { return base64.StdEncoding.EncodeToString(key[:]) }

// readKey reads a key in WireGuard's one form.
func readKey(text string) (key [32]byte, ok bool) {
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) != 32 {
		return key, false
	}
	copy(key[:], raw)
	return key, true
}

// wg is wg(8).
func wg(c *call) int {
	if len(c.args) == 0 {
		return c.wgShow(nil)
	}
	rest := c.args[1:]
	switch c.args[0] {
	case "genkey", "genpsk":
		var key [32]byte
		c.host.w.rand(key[:])
		if c.args[0] == "genkey" {
			key[0] &= 248
			key[31] = key[31]&127 | 64
		}
		c.out("%s\n", keyText(key))
		return 0
	case "pubkey":
		text, _ := io.ReadAll(c.stdin)
		key, ok := readKey(string(text))
		if !ok {
			return c.fail(1, "Key is not the correct length or format")
		}
		c.out("%s\n", keyText(publicOf(key)))
		return 0
	case "show":
		return c.wgShow(rest)
	case "set":
		return c.wgSet(rest)
	case "setconf", "syncconf", "addconf":
		return c.wgConf(c.args[0], rest)
	}
	return c.fail(1, "Invalid subcommand: `%s'", c.args[0])
}

// tunnelOf finds an interface of WireGuard. network.shaking and host.mu are held.
func (c *call) tunnelOf(name string) (*link, int) {
	l := c.host.kernel.link(name)
	if l == nil {
		io.WriteString(c.stderr, "Unable to access interface: No such device\n")
		return nil, 1
	}
	if l.wg == nil {
		io.WriteString(c.stderr, "Unable to access interface: Operation not supported\n")
		return nil, 1
	}
	return l, 0
}

// wgShow shows one interface, all, or only their names, whole or one field of them.
func (c *call) wgShow(args []string) int {
	c.host.w.settle()
	c.host.w.net.shaking.Lock()
	defer c.host.w.net.shaking.Unlock()
	c.host.mu.Lock()
	defer c.host.mu.Unlock()
	var all []*link
	for _, l := range c.host.kernel.links {
		if l.wg != nil {
			all = append(all, l)
		}
	}
	if len(args) > 0 && args[0] == "interfaces" {
		for _, l := range all {
			c.out("%s\n", l.name)
		}
		return 0
	}
	each := len(args) > 0 && args[0] == "all"
	if len(args) > 0 && !each {
		l, status := c.tunnelOf(args[0])
		if l == nil {
			return status
		}
		all = []*link{l}
	}
	for i, l := range all {
		if len(args) > 1 {
			begin := ""
			if each {
				begin = l.name + "\t"
			}
			if !c.wgField(l, args[1], begin) {
				return c.fail(1, "Invalid subcommand: `%s'", args[1])
			}
			continue
		}
		if i > 0 {
			c.out("\n")
		}
		c.wgPretty(l)
	}
	return 0
}

// or is a text, or what stands for none.
func or(text, none string) string {
	if text == "" {
		return none
	}
	return text
}

func (p *peer) endpointText() string {
	if !p.endpoint.IsValid() {
		return "(none)"
	}
	return p.endpoint.String()
}

func (p *peer) allowedText(between string) string {
	var all []string
	for _, n := range p.allowed {
		all = append(all, n.String())
	}
	return or(strings.Join(all, between), "(none)")
}

func (p *peer) shakenText() string {
	if p.shaken.IsZero() {
		return "0"
	}
	return strconv.FormatInt(p.shaken.Unix(), 10)
}

func (p *peer) aliveText() string {
	if p.alive == 0 {
		return "off"
	}
	return strconv.Itoa(p.alive)
}

func secretText(key [32]byte) string {
	if key == [32]byte{} {
		return "(none)"
	}
	return keyText(key)
}

// wgField shows one field of an interface as scripts read it.
func (c *call) wgField(l *link, field, begin string) bool {
	t := l.wg
	one := map[string]string{"public-key": secretText(t.public), "private-key": secretText(t.private), "listen-port": strconv.Itoa(int(t.port)), "fwmark": "off"}
	if text, ok := one[field]; ok {
		c.out("%s%s\n", begin, text)
		return true
	}
	if field == "dump" {
		c.out("%s%s\t%s\t%d\toff\n", begin, secretText(t.private), secretText(t.public), t.port)
	}
	for _, p := range t.peers {
		rx, tx := p.rx.Load(), p.tx.Load()
		text, ok := map[string]string{
			"peers": "", "endpoints": "\t" + p.endpointText(), "allowed-ips": "\t" + p.allowedText(" "), "latest-handshakes": "\t" + p.shakenText(),
			"transfer": fmt.Sprintf("\t%d\t%d", rx, tx), "persistent-keepalive": "\t" + p.aliveText(), "preshared-keys": "\t" + secretText(p.shared),
			"dump": fmt.Sprintf("\t%s\t%s\t%s\t%s\t%d\t%d\t%s", secretText(p.shared), p.endpointText(), p.allowedText(","), p.shakenText(), rx, tx, p.aliveText()),
		}[field]
		if !ok {
			return false
		}
		c.out("%s%s%s\n", begin, keyText(p.public), text)
	}
	return true
}

// wgPretty shows an interface for people.
func (c *call) wgPretty(l *link) {
	c.out("interface: %s\n", l.name)
	if l.wg.private != [32]byte{} {
		c.out("  public key: %s\n  private key: (hidden)\n", keyText(l.wg.public))
	}
	c.out("  listening port: %d\n", l.wg.port)
	for _, p := range l.wg.peers {
		c.out("\npeer: %s\n", keyText(p.public))
		if p.endpoint.IsValid() {
			c.out("  endpoint: %s\n", p.endpoint)
		}
		c.out("  allowed ips: %s\n", p.allowedText(", "))
		if !p.shaken.IsZero() {
			c.out("  latest handshake: %d seconds ago\n", int(c.host.w.clock.time().Sub(p.shaken).Seconds()))
		}
		if p.rx.Load()+p.tx.Load() > 0 {
			c.out("  transfer: %.2f KiB received, %.2f KiB sent\n", float64(p.rx.Load())/1024, float64(p.tx.Load())/1024)
		}
		if p.alive > 0 {
			c.out("  persistent keepalive: every %d seconds\n", p.alive)
		}
	}
}

// setPrivate gives the tunnel another identity: who knew the former one must shake hands anew.
func (t *tunnel) setPrivate(key [32]byte) {
	if key == t.private {
		return
	}
	t.private, t.public = key, publicOf(key)
	if key == [32]byte{} {
		t.public = key
	}
	for _, p := range t.peers {
		p.session = nil
	}
}

// want is the peer of a key, made when it is not there.
func (t *tunnel) want(public [32]byte) *peer {
	if p := t.peer(public); p != nil {
		return p
	}
	p := &peer{public: public}
	t.peers = append(t.peers, p)
	return p
}

// allow gives a peer networks; each belongs to one peer only.
func (t *tunnel) allow(p *peer, nets []netip.Prefix) {
	for _, other := range t.peers {
		if other != p {
			other.allowed = slices.DeleteFunc(other.allowed, func(n netip.Prefix) bool { return slices.Contains(nets, n) })
		}
	}
	p.allowed = nets
}
