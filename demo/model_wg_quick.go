package demo

import (
	"fmt"
	"io"
	"net/netip"
	"path"
	"strconv"
	"strings"
)

func init() { register("/usr/bin/wg-quick", wgQuick) }

// quickKeys are those of [Interface] that wg-quick takes itself; wg knows the others.
var quickKeys = map[string]bool{"address": true, "mtu": true, "dns": true, "table": true, "preup": true, "postup": true, "predown": true, "postdown": true, "saveconfig": true}

// quick is one run of wg-quick.
type quick struct {
	c     *call
	iface string
	conf  string              // the file
	keys  map[string][]string // wg-quick's own, by lower case name
	rest  string              // what is left for wg
}

// wgQuick is wg-quick(8), a bash script on a real host.
func wgQuick(c *call) int {
	if len(c.args) != 2 {
		return c.fail(1, "Usage: wg-quick [ up | down | save | strip ] [ CONFIG_FILE | INTERFACE ]")
	}
	q := &quick{c: c, iface: c.args[1], conf: "/etc/wireguard/" + c.args[1] + ".conf", keys: map[string][]string{}}
	if strings.Contains(q.iface, "/") {
		q.conf = c.abs(q.iface)
		q.iface = strings.TrimSuffix(path.Base(q.conf), ".conf")
	}
	text, err := c.host.files.read(q.conf)
	if err != nil {
		return q.say("`%s' does not exist", q.conf)
	}
	if q.iface == "" || len(q.iface) > 15 || strings.Trim(q.iface, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_=+.-") != "" {
		return q.say("The config file must be a valid interface name, followed by .conf")
	}
	q.parse(text)
	switch c.args[0] {
	case "up":
		return q.up()
	case "down":
		return q.down()
	case "strip":
		c.out("%s\n", q.rest)
		return 0
	}
	return q.say("`%s' is not simulated", c.args[0])
}

func (q *quick) say(format string, args ...any) int {
	io.WriteString(q.c.stderr, "wg-quick: "+fmt.Sprintf(format, args...)+"\n")
	return 1
}

// parse divides the file between wg-quick and wg.
func (q *quick) parse(text string) {
	inside := false
	var kept strings.Builder
	for _, line := range lines(text) {
		bare, _, _ := strings.Cut(line, "#")
		bare = strings.TrimSpace(bare)
		if strings.HasPrefix(bare, "[") {
			inside = strings.EqualFold(bare, "[Interface]")
		}
		key, value, _ := strings.Cut(bare, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		if inside && quickKeys[key] {
			q.keys[key] = append(q.keys[key], strings.TrimSpace(value))
			continue
		}
		kept.WriteString(line + "\n")
	}
	q.rest = kept.String()
}

// run shows a command and runs it in a shell; false when it failed.
func (q *quick) run(command string) bool {
	io.WriteString(q.c.stderr, "[#] "+command+"\n")
	return q.c.sh(q.c.stdout, command) == 0
}

// hooks run the commands of one key.
func (q *quick) hooks(key string) bool {
	for _, command := range q.keys[key] {
		if !q.run(strings.ReplaceAll(command, "%i", q.iface)) {
			return false
		}
	}
	return true
}

func (q *quick) exists() bool {
	q.c.host.mu.Lock()
	defer q.c.host.mu.Unlock()
	return q.c.host.kernel.link(q.iface) != nil
}

// up makes the interface; whatever fails takes it away again.
func (q *quick) up() int {
	h := q.c.host
	if q.exists() {
		return q.say("`%s' already exists", q.iface)
	}
	if h == h.w.Mail && h.w.first("boot") {
		h.w.spawn(h.reboot)
		<-q.c.ctx.Done()
		return 1
	}
	if !q.hooks("preup") {
		return 1
	}
	io.WriteString(q.c.stderr, "[#] ip link add "+q.iface+" type wireguard\n[#] wg setconf "+q.iface+" /dev/fd/63\n")
	if err := q.make(); err != nil {
		io.WriteString(q.c.stderr, err.Error()+"\nConfiguration parsing error\n")
		q.drop()
		return 1
	}
	for _, step := range []func() bool{q.addresses, q.routes, func() bool { return q.hooks("postup") }} {
		if !step() {
			q.drop()
			return 1
		}
	}
	return 0
}

// make adds the interface with what the file says for wg.
func (q *quick) make() error {
	h := q.c.host
	h.w.net.shaking.Lock()
	defer h.w.net.shaking.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.kernel.addLink(q.iface, 1420)
	l.wg = &tunnel{}
	return q.c.wgLoad(l.wg, "setconf", q.rest)
}

func (q *quick) drop() {
	io.WriteString(q.c.stderr, "[#] ip link delete dev "+q.iface+"\n")
	q.c.host.mu.Lock()
	defer q.c.host.mu.Unlock()
	q.c.host.kernel.dropLink(q.iface)
}

// addresses gives the interface its addresses and its size.
func (q *quick) addresses() bool {
	for _, line := range q.keys["address"] {
		for _, one := range strings.Split(line, ",") {
			one = strings.TrimSpace(one)
			version := "-4"
			if strings.Contains(one, ":") {
				version = "-6"
			}
			if !q.run("ip " + version + " address add " + one + " dev " + q.iface) {
				return false
			}
		}
	}
	size := 1420
	if len(q.keys["mtu"]) > 0 {
		size, _ = strconv.Atoi(q.keys["mtu"][0])
	}
	return q.run(fmt.Sprintf("ip link set mtu %d up dev %s", size, q.iface))
}

// routes makes a route for each network of a peer that none leads to yet, unless Table is off.
func (q *quick) routes() bool {
	if len(q.keys["table"]) > 0 && q.keys["table"][0] == "off" {
		return true
	}
	h := q.c.host
	h.mu.Lock()
	var add []netip.Prefix
	if l := h.kernel.link(q.iface); l != nil {
		for _, p := range l.wg.peers {
			for _, n := range p.allowed {
				if r, ok := h.kernel.longest(mainTable, n.Addr()); !ok || r.dev != q.iface {
					add = append(add, n)
				}
			}
		}
	}
	h.mu.Unlock()
	for _, n := range add {
		version := "-4"
		if n.Addr().Is6() {
			version = "-6"
		}
		if n.Bits() == 0 {
			q.say("AllowedIPs %s needs Table = off here: a tunnel that takes everything is not simulated", n)
			return false
		}
		if !q.run("ip " + version + " route add " + n.String() + " dev " + q.iface) {
			return false
		}
	}
	return true
}

// down takes the interface away.
func (q *quick) down() int {
	q.c.host.mu.Lock()
	l := q.c.host.kernel.link(q.iface)
	q.c.host.mu.Unlock()
	if l == nil || l.wg == nil {
		return q.say("`%s' is not a WireGuard interface", q.iface)
	}
	if !q.hooks("predown") {
		return 1
	}
	q.drop()
	if !q.hooks("postdown") {
		return 1
	}
	return 0
}
