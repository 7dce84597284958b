package demo

import (
	"io"
	"net/netip"
	"strconv"
	"strings"
)

func init() { register("/usr/sbin/ip", ip) }

// ipCall is one run of ip(8): its flags, and the words that are left.
type ipCall struct {
	*call
	one    bool // -o
	family int  // 4, 6, or 0 for what fits
	w      []string
}

// ip is the part of ip(8) that is looked at and changed here.
func ip(c *call) int {
	i := &ipCall{call: c}
	args := c.args
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		switch args[0] {
		case "-o", "-oneline":
			i.one = true
		case "-4":
			i.family = 4
		case "-6":
			i.family = 6
		case "-d", "-br", "-n", "-c", "-color=never":
		default:
			io.WriteString(c.stderr, "Option \""+args[0]+"\" is unknown, try \"ip -help\".\n")
			return 255
		}
		args = args[1:]
	}
	if len(args) == 0 {
		return 255
	}
	object := args[0]
	i.w = args[1:]
	c.host.mu.Lock()
	defer c.host.mu.Unlock()
	for _, o := range []struct {
		name string
		run  func() int
	}{{"address", i.address}, {"link", i.linkObject}, {"route", i.route}, {"rule", i.rule}} {
		if strings.HasPrefix(o.name, object) {
			return o.run()
		}
	}
	io.WriteString(c.stderr, "Object \""+object+"\" is unknown, try \"ip help\".\n")
	return 1
}

// verb takes the first word away, which says what to do; show where there is none.
func (i *ipCall) verb() string {
	if len(i.w) == 0 {
		return "show"
	}
	v := i.w[0]
	for _, full := range []string{"show", "list", "add", "delete", "replace", "flush", "set", "get"} {
		if strings.HasPrefix(full, v) {
			i.w = i.w[1:]
			if full == "list" {
				full = "show"
			}
			return full
		}
	}
	return "show"
}

// value is what stands behind a word, empty when it is not there.
func (i *ipCall) value(names ...string) string {
	for at := 0; at+1 < len(i.w); at++ {
		for _, n := range names {
			if i.w[at] == n {
				return i.w[at+1]
			}
		}
	}
	return ""
}

// answer is a failure as the kernel tells it.
func (i *ipCall) answer(status int, text string) int {
	io.WriteString(i.stderr, text+"\n")
	return status
}

// device is the interface that a command is about: nil and a status when there is none of that name.
func (i *ipCall) device(unsaid string) (*link, int) {
	name := i.value("dev")
	if name == "" && len(i.w) > 0 && i.w[0] != "dev" {
		name = i.w[0]
	}
	if name == "" {
		name = unsaid
	}
	l := i.host.kernel.link(name)
	if l == nil {
		return nil, i.answer(1, "Device \""+name+"\" does not exist.")
	}
	return l, 0
}

func (l *link) flags() string {
	switch {
	case l.name == "lo":
		return "<LOOPBACK,UP,LOWER_UP> mtu " + strconv.Itoa(l.mtu) + " qdisc noqueue state UNKNOWN"
	case l.wg != nil:
		return "<POINTOPOINT,NOARP,UP,LOWER_UP> mtu " + strconv.Itoa(l.mtu) + " qdisc noqueue state UNKNOWN"
	}
	return "<BROADCAST,MULTICAST,UP,LOWER_UP> mtu " + strconv.Itoa(l.mtu) + " qdisc fq_codel state UP"
}

func (l *link) kindText() string {
	switch {
	case l.name == "lo":
		return "link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00"
	case l.mac == "":
		return "link/none "
	}
	return "link/ether " + l.mac + " brd ff:ff:ff:ff:ff:ff"
}

// addressText is an address as ip shows it.
func addressText(l *link, p netip.Prefix) string {
	text := "inet "
	if p.Addr().Is6() {
		text = "inet6 "
	}
	text += p.String() + " scope "
	switch {
	case p.Addr().IsLoopback():
		text += "host"
	case p.Addr().IsLinkLocalUnicast():
		return text + "link proto kernel_ll "
	default:
		text += "global"
	}
	if p.Addr().Is4() {
		return text + " " + l.name
	}
	if p.Addr().IsLoopback() {
		return text + " proto kernel_lo "
	}
	return text + " "
}

func (i *ipCall) address() int {
	k := i.host.kernel
	switch i.verb() {
	case "show":
		links := k.links
		if i.value("dev") != "" || len(i.w) > 0 && i.w[0] != "scope" {
			l, status := i.device("")
			if l == nil {
				return status
			}
			links = []*link{l}
		}
		for _, l := range links {
			if !i.one {
				i.out("%d: %s: %s group default qlen 1000\n    %s\n", l.index, l.name, l.flags(), l.kindText())
			}
			for _, p := range l.addrs {
				if i.family == 4 && p.Addr().Is6() || i.family == 6 && p.Addr().Is4() {
					continue
				}
				if i.one {
					i.out("%d: %s    %s\\       valid_lft forever preferred_lft forever\n", l.index, l.name, addressText(l, p))
				} else {
					i.out("    %s\n       valid_lft forever preferred_lft forever\n", addressText(l, p))
				}
			}
		}
		return 0
	case "add":
		if len(i.w) == 0 {
			return 255
		}
		p, err := parseHostPrefix(i.w[0])
		l := k.link(i.value("dev"))
		switch {
		case err != nil:
			return i.answer(1, "Error: any valid prefix is expected rather than \""+i.w[0]+"\".")
		case l == nil:
			return i.answer(1, "Cannot find device \""+i.value("dev")+"\"")
		}
		for _, had := range l.addrs {
			if had == p {
				return i.answer(2, "RTNETLINK answers: File exists")
			}
		}
		k.addAddress(l, p)
		return 0
	}
	return i.answer(255, "Command is unknown, try \"ip address help\".")
}

func parseHostPrefix(text string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p, nil
	}
	a, err := netip.ParseAddr(text)
	return netip.PrefixFrom(a, a.BitLen()), err
}

func (i *ipCall) linkObject() int {
	k := i.host.kernel
	switch i.verb() {
	case "show":
		links := k.links
		if len(i.w) > 0 {
			l, status := i.device("")
			if l == nil {
				return status
			}
			links = []*link{l}
		}
		between := "\n    "
		if i.one {
			between = "\\    "
		}
		for _, l := range links {
			i.out("%d: %s: %s mode DEFAULT group default qlen 1000%s%s\n", l.index, l.name, l.flags(), between, l.kindText())
		}
		return 0
	case "delete":
		name := i.value("dev")
		if name == "" && len(i.w) > 0 {
			name = i.w[0]
		}
		if !k.dropLink(name) {
			return i.answer(1, "Cannot find device \""+name+"\"")
		}
		return 0
	case "set":
		l := k.link(i.value("dev"))
		if l == nil && len(i.w) > 0 {
			l = k.link(i.w[0])
		}
		if l == nil {
			return i.answer(1, "Cannot find device \""+i.value("dev")+"\"")
		}
		if text := i.value("mtu"); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 68 || n > 65536 {
				return i.answer(2, "Error: mtu less than device minimum.")
			}
			l.mtu = n
		}
		return 0
	}
	return i.answer(255, "Command is unknown, try \"ip link help\".")
}
