package demo

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// wgSetting sets one thing of a tunnel or of a peer, by its name in a file; false when it is none that wg knows.
func (c *call) wgSetting(t *tunnel, p *peer, key, value string) error {
	bad := func() error { return says("Unable to parse %s: `%s'", key, value) }
	switch {
	case p == nil && key == "privatekey":
		k, ok := readKey(value)
		if !ok {
			return says("Key is not the correct length or format: `%s'", value)
		}
		t.setPrivate(k)
	case p == nil && key == "listenport":
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil {
			return bad()
		}
		if t.port = uint16(n); n == 0 {
			t.port = c.host.w.anyPort()
		}
	case p == nil && key == "fwmark":
	case p != nil && key == "presharedkey":
		k, ok := readKey(value)
		if !ok {
			return says("Key is not the correct length or format: `%s'", value)
		}
		p.shared = k
	case p != nil && key == "endpoint":
		at, err := place("tcp", value)
		if err != nil {
			return says("Name or service not known: `%s'", value)
		}
		p.endpoint = at
	case p != nil && key == "allowedips":
		var nets []netip.Prefix
		for _, one := range strings.Split(value, ",") {
			if one = strings.TrimSpace(one); one == "" {
				continue
			}
			net, err := netip.ParsePrefix(one)
			if err != nil {
				a, err := netip.ParseAddr(one)
				if err != nil {
					return says("Unable to parse IP address: `%s'", one)
				}
				net = netip.PrefixFrom(a, a.BitLen())
			}
			nets = append(nets, net.Masked())
		}
		t.allow(p, nets)
	case p != nil && key == "persistentkeepalive":
		n, err := strconv.Atoi(value)
		if value == "off" {
			n, err = 0, nil
		}
		if err != nil || n < 0 || n > 65535 {
			return says("The persistent keepalive interval must be 0/off or 1-65535. Found: `%s'", value)
		}
		p.alive = n
	default:
		return says("Line unrecognized: `%s=%s'", key, value)
	}
	return nil
}

// wgSet is wg set: an interface, then words and their values.
func (c *call) wgSet(args []string) int {
	if len(args) == 0 {
		return c.fail(1, "Usage: wg set <interface> [listen-port <port>] [private-key <file>] [peer <base64> …]")
	}
	c.host.w.net.shaking.Lock()
	defer c.host.w.net.shaking.Unlock()
	secrets := map[int]string{}
	for i := 1; i+1 < len(args); i++ {
		if args[i] == "private-key" || args[i] == "preshared-key" {
			text, err := c.load(args[i+1])
			if err != nil {
				return c.fail(1, "fopen: No such file or directory")
			}
			secrets[i+1] = text
		}
	}
	c.host.mu.Lock()
	defer c.host.mu.Unlock()
	l, status := c.tunnelOf(args[0])
	if l == nil {
		return status
	}
	var p *peer
	for i := 1; i < len(args); i++ {
		if args[i] == "remove" && p != nil {
			l.wg.peers = slices.DeleteFunc(l.wg.peers, func(one *peer) bool { return one == p })
			continue
		}
		if i+1 >= len(args) {
			return c.fail(1, "Invalid argument: %s", args[i])
		}
		value := args[i+1]
		if text, ok := secrets[i+1]; ok {
			value = strings.TrimSpace(text)
		}
		if args[i] == "peer" {
			key, ok := readKey(value)
			if !ok {
				return c.fail(1, "Key is not the correct length or format: `%s'", value)
			}
			p = l.wg.want(key)
		} else if err := c.wgSetting(l.wg, p, strings.ReplaceAll(args[i], "-", ""), value); err != nil {
			return c.fail(1, "%v", err)
		}
		i++
	}
	return 0
}

// wgConf is wg setconf, syncconf and addconf: an interface and a file.
func (c *call) wgConf(verb string, args []string) int {
	if len(args) != 2 {
		return c.fail(1, "Usage: wg %s <interface> <configuration filename>", verb)
	}
	text, err := c.load(args[1])
	if err != nil {
		return c.fail(1, "fopen: No such file or directory")
	}
	c.host.w.net.shaking.Lock()
	defer c.host.w.net.shaking.Unlock()
	c.host.mu.Lock()
	defer c.host.mu.Unlock()
	l, status := c.tunnelOf(args[0])
	if l == nil {
		return status
	}
	if err := c.wgLoad(l.wg, verb, text); err != nil {
		return c.fail(1, "%s\nConfiguration parsing error", err)
	}
	return 0
}

// wgLoad sets a tunnel to a file. Nothing changes when the file is wrong.
func (c *call) wgLoad(t *tunnel, verb, text string) error {
	next := &tunnel{port: t.port}
	if verb == "addconf" {
		next.private, next.public = t.private, t.public
	}
	ported := verb == "addconf"
	var now *peer
	in := ""
	for _, line := range lines(text) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value)
		switch {
		case line == "":
		case strings.EqualFold(line, "[Interface]"):
			in, now = "interface", nil
		case strings.EqualFold(line, "[Peer]"):
			in, now = "peer", &peer{}
		case !ok || in == "":
			return says("Line unrecognized: `%s'", strings.ReplaceAll(line, " ", ""))
		case in == "peer" && key == "publickey":
			k, good := readKey(value)
			if !good {
				return says("Key is not the correct length or format: `%s'", value)
			}
			now.public = k
			next.peers = append(next.peers, now)
		default:
			ported = ported || key == "listenport"
			if err := c.wgSetting(next, now, key, value); err != nil {
				if strings.HasPrefix(err.Error(), "Line unrecognized") {
					err = says("Line unrecognized: `%s'", strings.ReplaceAll(line, " ", ""))
				}
				return err
			}
		}
	}
	if !ported { // a file without a port asks for any
		next.port = c.host.w.anyPort()
	}
	t.become(next, verb)
	return nil
}

// become takes over what a file says; a peer that stays keeps its session and counters, but with setconf.
func (t *tunnel) become(next *tunnel, verb string) {
	t.setPrivate(next.private)
	t.port = next.port
	var kept []*peer
	if verb == "addconf" {
		kept = t.peers
	}
	for _, p := range next.peers {
		old := t.peer(p.public)
		if old == nil || verb == "setconf" {
			old = p
		} else {
			old.shared, old.alive, old.allowed = p.shared, p.alive, p.allowed
			if p.endpoint.IsValid() {
				old.endpoint = p.endpoint
			}
		}
		if !slices.Contains(kept, old) {
			kept = append(kept, old)
		}
	}
	t.peers = kept
}
