package demo

import (
	"net/netip"
	"strconv"
	"strings"
)

// packet is one packet on its way, as the host that it is at sees it.
type packet struct {
	proto    string // tcp, udp, icmp or ipv6-icmp
	src, dst netip.AddrPort
	in, out  string // interfaces, empty where it has not come to one
	state    string // NEW or ESTABLISHED
	kind     string // of ICMP, as a number
	size     int    // bytes, with its IP header
	mark     uint32 // of the packet, on the host that it is at
	ctmark   uint32 // of its connection, on that host
}

// verdict is what a chain does with a packet: ACCEPT, DROP, REJECT or a change of addresses, empty when it says nothing.
type verdict struct {
	is   string
	rule *filterRule
}

// run sends a packet through a built-in chain of a table; a table that nobody used lets all through. local tells which
// addresses are the host's own.
func (s *ruleset) run(table, name string, p *packet, local func(netip.Addr) bool) verdict {
	t := s.tables[table]
	if t == nil {
		return verdict{is: "ACCEPT"}
	}
	budget := 10000
	if v := t.run(name, p, local, &budget); v.is != "" {
		return v
	}
	return verdict{is: t.chains[name].policy}
}

func (t *filterTable) run(name string, p *packet, local func(netip.Addr) bool, budget *int) verdict {
	for _, r := range t.chains[name].rules {
		if *budget--; *budget < 0 {
			return verdict{is: "DROP"}
		}
		if !r.fits(p, local) {
			continue
		}
		switch r.target {
		case "RETURN":
			return verdict{}
		case "ACCEPT", "DROP", "REJECT", "DNAT", "SNAT", "MASQUERADE", "REDIRECT":
			return verdict{r.target, r}
		case "MARK", "CONNMARK":
			r.setMark(p)
		case "", "LOG", "TCPMSS":
		default:
			if t.chains[r.target] == nil {
				continue
			}
			if v := t.run(r.target, p, local, budget); v.is != "" || r.isGoto {
				return v
			}
		}
	}
	return verdict{}
}

// setMark does what a target does with the marks of a packet and its connection.
func (r *filterRule) setMark(p *packet) {
	if text, ok := r.opts["--set-xmark"]; ok {
		value, mask := parseMark(text)
		if r.target == "MARK" {
			p.mark = p.mark&^mask ^ value
		} else {
			p.ctmark = p.ctmark&^mask ^ value
		}
	}
	mask := func(option string) uint32 {
		if text, ok := r.opts[option]; ok {
			value, _ := parseMark(text)
			return value
		}
		return 1<<32 - 1
	}
	if _, ok := r.opts["--restore-mark"]; ok {
		p.mark = p.mark&^mask("--nfmask") ^ p.ctmark&mask("--ctmask")
	}
	if _, ok := r.opts["--save-mark"]; ok {
		p.ctmark = p.ctmark&^mask("--ctmask") ^ p.mark&mask("--nfmask")
	}
}

// fits tells whether a rule is for the packet.
func (r *filterRule) fits(p *packet, local func(netip.Addr) bool) bool {
	if r.proto != "" && r.proto != p.proto || !r.src.holds(p.src.Addr()) || !r.dst.holds(p.dst.Addr()) || !r.in.is(p.in) || !r.out.is(p.out) {
		return false
	}
	for _, t := range r.tests {
		if t.fits(p, local) == t.not {
			return false
		}
	}
	return true
}

func (s scope) holds(a netip.Addr) bool {
	return !s.net.IsValid() || s.net.Contains(a) != s.not
}

func (d devname) is(name string) bool {
	if d.name == "" {
		return true
	}
	fits := d.name == name
	if begin, ok := strings.CutSuffix(d.name, "+"); ok {
		fits = strings.HasPrefix(name, begin)
	}
	return fits != d.not
}

func (t filterTest) fits(p *packet, local func(netip.Addr) bool) bool {
	switch t.option {
	case "--dport", "--dports":
		return portIn(t.value, p.dst.Port())
	case "--sport", "--sports":
		return portIn(t.value, p.src.Port())
	case "--ctstate", "--state":
		return strings.Contains(","+t.value+",", ","+p.state+",")
	case "--icmp-type", "--icmpv6-type":
		return t.value == p.kind
	case "--dst-type", "--src-type":
		a := p.dst.Addr()
		if t.option == "--src-type" {
			a = p.src.Addr()
		}
		switch t.value {
		case "LOCAL":
			return local(a)
		case "MULTICAST":
			return a.IsMulticast()
		}
		return false
	case "--mark":
		have := p.mark
		if t.module == "connmark" {
			have = p.ctmark
		}
		value, mask := parseMark(t.value)
		return have&mask == value
	case "--tcp-flags", "--syn":
		return p.state == "NEW" && p.proto == "tcp"
	case "--rt-type", "--hitcount", "--hl-eq": // none of the packets here has a routing header, comes often, or was counted down
		return false
	}
	return true
}

// portIn tells whether a port is in a list of ports and ranges.
func portIn(list string, port uint16) bool {
	for _, one := range strings.Split(list, ",") {
		low, high, isRange := strings.Cut(one, ":")
		if !isRange {
			high = low
		}
		a, err1 := strconv.Atoi(low)
		b, err2 := strconv.Atoi(high)
		if err1 == nil && err2 == nil && a <= int(port) && int(port) <= b {
			return true
		}
	}
	return false
}
