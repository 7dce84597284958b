package pf

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// maxName is the longest name of a table.
const maxName = 31

// fromTo reads "all", or from and to with what stands behind them.
func (p *parser) fromTo(r *Rule) {
	if p.is("all") {
		return
	}
	if p.is("from") {
		r.From = p.peer()
	}
	if p.is("os") {
		r.exact = false
		p.list(func() { r.From.OS = append(r.From.OS, p.str()) })
	}
	if p.is("to") {
		r.To = p.peer()
		if slices.ContainsFunc(r.To.Hosts, func(a Address) bool { return a.Kind == URPFFailed }) {
			p.wrong("urpf-failed is not permitted as a destination")
		}
	}
}

func (p *parser) peer() (all Peer) {
	if !p.is("port") {
		all.Hosts = p.hosts(0)
		if !p.is("port") {
			return all
		}
	}
	p.list(func() { all.Ports = append(all.Ports, p.ports()) })
	return all
}

// hosts reads any, one host, or a list of them; none is any.
func (p *parser) hosts(depth int) (all []Address) {
	switch {
	case depth > maxDepth:
		p.doubt("lists too deep within each other")
	case p.is("any"):
	case p.is("{"):
		p.braced(func() { all = append(all, p.hosts(depth+1)...) })
	default:
		not := p.is("!")
		if word := p.anyOf("no-route", "urpf-failed"); word != "" {
			kind := map[string]AddressKind{"no-route": NoRoute, "urpf-failed": URPFFailed}[word]
			all = []Address{{Kind: kind, written: word}}
		} else {
			all = p.address()
		}
		for i := range all {
			all[i].Not = not
		}
	}
	return all
}

// address reads a host, which may be several where it is the name of an interface.
func (p *parser) address() []Address {
	switch {
	case p.is("<"):
		name := p.str()
		if p.want(">"); len(name) > maxName {
			p.wrong("the name of table " + strconv.Quote(name) + " is too long: 31 characters at most")
		}
		return []Address{{Kind: InTable, Name: name, written: "<" + name + ">"}}
	case p.is("("):
		return []Address{p.dynamic()}
	case p.peek().kind == number && p.look(1).kind == '/':
		return p.host(p.take().text)
	}
	first := p.str()
	if p.peek().kind != '-' {
		return p.host(first)
	}
	p.take()
	return []Address{p.between(first, p.str())}
}

func (p *parser) dynamic() Address {
	text := p.str()
	p.want(")")
	name, suffix, _ := strings.Cut(text, ":")
	a := Address{Kind: Dynamic, Name: name, Bits: -1, written: "(" + text + ")"}
	switch {
	case name == "" || !alpha(int(name[0])):
		p.wrong(strconv.Quote(text) + " is no name of an interface")
	case len(name) > 15:
		p.wrong("the name of interface " + strconv.Quote(name) + " is too long")
	case suffix != "":
		a.Suffix = ":" + suffix
		if !modifier[a.Suffix] {
			p.unsure(strconv.Quote(suffix) + " is no modifier of an interface that is read")
		}
	}
	if p.is("/") {
		a.Bits = int(p.number(0, 128, "length of a network"))
	}
	return a
}

var modifier = map[string]bool{":network": true, ":broadcast": true, ":peer": true, ":0": true}

func (p *parser) between(first, last string) Address {
	a, errA := netip.ParseAddr(first)
	b, errB := netip.ParseAddr(last)
	if errA != nil || errB != nil || a.Zone() != "" || b.Zone() != "" {
		p.doubt("a range of what are no plain addresses")
	}
	if a.Is4() != b.Is4() {
		p.refuse("a range of two families")
	}
	return Address{Kind: Range, Prefix: netip.PrefixFrom(a, a.BitLen()), Last: b, written: a.String() + " - " + b.String()}
}

// host reads what one word names: an address, a network, an interface or a host.
func (p *parser) host(text string) []Address {
	bits, slash := -1, p.is("/")
	if slash {
		bits = int(p.number(-1<<31, 1<<31, "length of a network"))
	}
	whole := text
	if slash {
		whole += "/" + strconv.Itoa(bits)
	}
	if slash && (bits < 0 || bits > 128) {
		p.wrong("invalid netmask in " + whole)
		return []Address{{Kind: Named, Name: whole, written: whole}}
	}
	if strings.Trim(text, "0123456789.") == "" {
		return []Address{p.host4(text, bits)}
	}
	if a, err := netip.ParseAddr(text); err == nil {
		if a.Zone() != "" {
			p.unsure("whether the interface of " + whole + " is there")
			return []Address{{Kind: Named, Name: whole, written: whole}}
		}
		if bits < 0 {
			bits = 128
		}
		return []Address{network(netip.PrefixFrom(a, bits))}
	}
	return p.named(text, bits, whole)
}

func network(n netip.Prefix) Address {
	return Address{Kind: Net, Prefix: n, written: printed(n)}
}

// printed is a network as pfctl prints it: without host bits, and an address without its length.
func printed(n netip.Prefix) string {
	if n.Bits() == 0 {
		return "any"
	}
	if n.IsSingleIP() {
		return n.Addr().String()
	}
	return n.Masked().String()
}

func (p *parser) host4(text string, bits int) Address {
	parts := strings.Split(text, ".")
	var octets [4]byte
	if len(parts) <= 4 {
		for i, part := range parts {
			n, err := strconv.ParseUint(part, 10, 8)
			if err != nil && part != "" && strings.Trim(part, "0") != "" && len(parts) == 4 && bits < 0 {
				p.wrong("no IP address found for " + text)
				return Address{Kind: Named, Name: text, written: text}
			}
			if err != nil || len(part) > 1 && part[0] == '0' {
				p.unsure(strconv.Quote(text) + " is no plain address")
				return Address{Kind: Named, Name: text, written: text}
			}
			octets[i] = byte(n)
		}
	}
	if len(parts) > 4 || len(parts) < 4 && (bits < 0 || bits > 32) {
		p.unsure(strconv.Quote(text) + " is no plain address")
		return Address{Kind: Named, Name: text, written: text}
	}
	if bits > 32 {
		if p.inTable {
			p.unsure("an IPv4 network of more than 32 bits in a table")
		} else {
			p.wrong("netmask " + strconv.Itoa(bits) + " invalid for an IPv4 address")
		}
		bits = 32
	}
	if bits < 0 {
		bits = 32
	}
	return network(netip.PrefixFrom(netip.AddrFrom4(octets), bits))
}

// named reads the name of an interface or a host: what it leads to when the rules are loaded.
func (p *parser) named(text string, bits int, whole string) []Address {
	name, suffix, _ := strings.Cut(text, ":")
	if suffix = ":" + suffix; suffix == ":" {
		suffix = ""
	}
	unknown := []Address{{Kind: Named, Name: name, Suffix: suffix, written: whole}}
	switch {
	case name == "self" && suffix == "" && p.known.Interfaces == nil:
		return unknown
	case strings.HasSuffix(strings.TrimSuffix(text, "."), ".invalid"):
		p.wrong("no IP address found for " + whole)
		return unknown
	case p.known.Interfaces == nil || suffix != "" && !modifier[suffix] || suffix != "" && bits >= 0:
		p.unsure("whether " + strconv.Quote(whole) + " is an interface or a name with an address is not known")
		return unknown
	}
	found, ok := p.known.addresses(name, suffix)
	if len(found) == 0 {
		if _, exists := p.known.Interfaces[name]; suffix != "" && !exists && ok {
			p.wrong("no IP address found for " + whole)
		} else {
			p.unsure("whether " + strconv.Quote(whole) + " is a name with an address is not known")
		}
		return unknown
	}
	var all []Address
	for _, n := range found {
		if bits >= 0 && bits <= n.Addr().BitLen() {
			n = netip.PrefixFrom(n.Addr(), bits)
		}
		all = append(all, network(n))
	}
	return all
}

// addresses are those of an interface, or of all of them (self), or of a group that is named as a driver is. It is false where
// they cannot be told.
func (h *Host) addresses(name, suffix string) (all []netip.Prefix, known bool) {
	if h.Interfaces == nil || suffix == ":peer" || suffix == ":broadcast" {
		return nil, false
	}
	known = suffix == "" || suffix == ":network" || suffix == ":0"
	var names []string
	for i := range h.Interfaces {
		if i == name || name == "self" || h.inGroup(i, name) == yes {
			names = append(names, i)
		}
	}
	slices.Sort(names)
	for _, i := range names {
		got := map[bool]bool{}
		for _, n := range h.Interfaces[i] {
			local := n.Addr().Is6() && n.Addr().IsLinkLocalUnicast()
			if suffix == ":0" && (local || got[n.Addr().Is4()]) || suffix == ":network" && local {
				continue
			}
			if got[n.Addr().Is4()] = true; suffix != ":network" {
				n = netip.PrefixFrom(n.Addr(), n.Addr().BitLen())
			}
			all = append(all, n.Masked())
		}
	}
	return all, known
}

// ports reads one port or range of them.
func (p *parser) ports() Ports {
	op := ""
	switch {
	case p.is("="):
		op = "="
	case p.is("!"):
		p.want("=")
		op = "!="
	case p.is("<"):
		op = "<"
		if p.is("=") {
			op = "<="
		}
	case p.is(">"):
		op = ">"
		if p.is("=") {
			op = ">="
		}
	}
	a := p.portRange()
	if t := p.peek(); op == "" && (t.kind == within || t.kind == beyond) {
		p.take()
		b := p.portRange()
		if a.Op != "=" || b.Op != "=" {
			p.refuse("':' cannot be used with another port operator")
		}
		return Ports{Op: t.String(), A: a.A, B: b.A}
	}
	if op == "" {
		return a
	}
	if a.Op != "=" {
		p.refuse("':' cannot be used with another port operator")
	}
	return Ports{Op: op, A: a.A}
}

func (p *parser) portRange() Ports {
	text := ""
	if p.peek().kind == number {
		text = p.take().text
	} else {
		text = p.str()
	}
	a, b, ok := strings.Cut(text, ":")
	r := Ports{Op: "=", A: p.port(a)}
	if ok {
		if r.B = p.port(b); r.A != r.B {
			r.Op = ":"
		} else {
			r.B = 0
		}
	}
	return r
}

// port is the number of one port; -1 when it cannot be told.
func (p *parser) port(text string) int {
	if n, ok := Port(text); ok {
		return n
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || len(text) > 1 && text[0] == '0':
		p.unsure("port " + strconv.Quote(text) + " is not known here")
		return -1
	case n < 0 || n > 65535:
		p.refuse("illegal port value " + text)
	}
	return int(n)
}
