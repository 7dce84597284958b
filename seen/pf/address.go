package pf

import (
	"net/netip"
	"strconv"
	"strings"
)

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
