package pf

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// HostBits is a network that is written with bits of a host, which pf ignores: what is meant may be a smaller one.
type HostBits struct {
	Line    int
	Written netip.Prefix // 172.16.15.0/12
	Means   netip.Prefix // 172.16.0.0/12
}

// HostBits finds such networks in rules and tables, in the order of the text.
func (s *Ruleset) HostBits() (all []HostBits) {
	s.networks(func(line int, n netip.Prefix) {
		if n != n.Masked() {
			all = append(all, HostBits{line, n, n.Masked()})
		}
	})
	return all
}

// networks shows every address and network that the text names.
func (s *Ruleset) networks(each func(line int, n netip.Prefix)) {
	hosts := func(line int, list []Address) {
		for _, a := range list {
			if a.Kind == Net {
				each(line, a.Prefix)
			}
		}
	}
	s.rules(func(r *Rule) {
		hosts(r.Line, r.From.Hosts)
		hosts(r.Line, r.To.Hosts)
		if r.Pool != nil {
			hosts(r.Line, r.Pool.To)
		}
	})
	for _, st := range s.Statements {
		if st.Table != nil {
			hosts(st.Line, st.Table.Addresses)
		}
	}
}

// rules shows every rule of the text, those that stand in anchors too.
func (s *Ruleset) rules(each func(*Rule)) {
	for _, st := range s.Statements {
		for _, r := range st.Rules {
			if each(r); r.Body != nil {
				r.Body.rules(each)
			}
		}
	}
}

// Anchors are the names that the text calls in rules of this kind (Filter, Nat, Rdr or Binat), as they are written, in their order.
func (s *Ruleset) Anchors(kind Kind) (all []string) {
	for _, st := range s.Statements {
		for _, r := range st.Rules {
			if st.Kind == kind && r.Anchor != "" {
				all = append(all, r.Anchor)
			}
		}
	}
	return all
}

// Default is what becomes of what nobody provided for: a connection of a stranger to a port that no rule names, which comes in by
// this interface. Pass is an open host: of TCP, UDP, IPv4 and IPv6 one was let in.
func (s *Ruleset) Default(on string, h Host) Decision {
	var worst Decision
	port := s.unnamed(h)
	for _, to := range s.own(on, h) {
		from := s.stranger(to.Is4(), h)
		for _, proto := range []string{"tcp", "udp"} {
			d := s.Decide(Packet{On: on, Proto: proto, From: netip.AddrPortFrom(from, 0), To: netip.AddrPortFrom(to, port)}, h)
			if rank(d.Verdict) > rank(worst.Verdict) {
				worst = d
			}
		}
	}
	return worst
}

func rank(v Verdict) int { return slices.Index([]Verdict{"", Block, Unknown, Pass}, v) }

// own are the addresses of an interface at which strangers may arrive; where they are not known, one of each family that no rule
// names.
func (s *Ruleset) own(on string, h Host) (all []netip.Addr) {
	for _, n := range h.Interfaces[on] {
		if !n.Addr().IsLinkLocalUnicast() {
			all = append(all, n.Addr())
		}
	}
	if len(all) == 0 {
		all = []netip.Addr{s.stranger(true, h, netip.MustParseAddr("192.0.2.254")), s.stranger(false, h, netip.MustParseAddr("2001:db8:fffe::fe"))}
	}
	return all
}

// stranger is an address that no rule and no table names, if there is one at hand.
func (s *Ruleset) stranger(is4 bool, h Host, first ...netip.Addr) netip.Addr {
	for _, a := range []string{"203.0.113.77", "198.51.100.77", "198.18.77.77", "233.252.0.77", "2001:db8:dead::77", "3fff:dead::77", "2001:2:0:dead::77"} {
		if at := netip.MustParseAddr(a); at.Is4() == is4 {
			first = append(first, at)
		}
	}
	named := map[netip.Addr]bool{}
	each := func(_ int, n netip.Prefix) {
		for _, a := range first {
			named[a] = named[a] || n.Bits() > 0 && n.Contains(a)
		}
	}
	for _, set := range append(h.rulesets(), s) {
		set.networks(each)
	}
	for _, list := range h.Tables {
		for _, a := range list {
			each(0, a.Prefix)
		}
	}
	if i := slices.IndexFunc(first, func(a netip.Addr) bool { return !named[a] }); i >= 0 {
		return first[i]
	}
	return first[0]
}

func (h *Host) rulesets() (all []*Ruleset) {
	for _, s := range h.Anchors {
		if s != nil {
			all = append(all, s)
		}
	}
	return all
}

// unnamed is a port that no rule names, the lowest; 1 where there is none.
func (s *Ruleset) unnamed(h Host) uint16 {
	var named [65_536]bool
	for _, set := range append(h.rulesets(), s) {
		set.rules(func(r *Rule) {
			for _, p := range r.To.Ports {
				if p.Op == "=" {
					named[max(p.A, 0)] = true
					continue
				}
				for i := range named {
					named[i] = named[i] || p.Op != "!=" && p.holds(i) != no
				}
			}
		})
	}
	for i := 1; i < len(named); i++ {
		if !named[i] {
			return uint16(i)
		}
	}
	return 1
}

// Rate is how often one may connect before a rule turns him away: at most Count times in so many Seconds.
type Rate struct{ Count, Seconds int }

// Rates are those of the rules that let TCP in at a port and count who connects. One who has too many connections at once counts as one who
// opened them in a minute.
func (s *Ruleset) Rates(port int) (all []Rate) {
	s.rules(func(r *Rule) {
		tcp := len(r.Protos) == 0 || slices.Contains(r.Protos, "tcp")
		holds := len(r.To.Ports) == 0 || slices.ContainsFunc(r.To.Ports, func(p Ports) bool { return p.holds(port) != no })
		for _, l := range r.Limits {
			if r.Action != "pass" || !tcp || !holds {
				continue
			}
			count, seconds, rated := strings.Cut(l.Value, "/")
			n, err := strconv.Atoi(count)
			in, err2 := strconv.Atoi(seconds)
			switch {
			case err != nil || n < 1:
			case l.Name == "max-src-conn":
				all = append(all, Rate{n, 60})
			case l.Name == "max-src-conn-rate" && rated && err2 == nil && in > 0:
				all = append(all, Rate{n, in})
			}
		}
	})
	return all
}

// Names are the networks that the rules tell from others: of packets' ends, and some of each table that is known.
func (s *Ruleset) Names(h Host) (all []netip.Prefix) {
	const most, ofTable = 120, 8
	had := map[netip.Prefix]bool{}
	note := func(_ int, n netip.Prefix) {
		if n = n.Masked(); n.Bits() > 0 && !had[n] && len(all) < most {
			had[n], all = true, append(all, n)
		}
	}
	for _, set := range append(h.rulesets(), s) {
		set.networks(note)
	}
	for _, name := range slices.Sorted(maps.Keys(h.Tables)) {
		for _, a := range h.Tables[name][:min(ofTable, len(h.Tables[name]))] {
			note(0, a.Prefix)
		}
	}
	return all
}

// Borders are the ports at which rules begin or end, and those beside them.
func (s *Ruleset) Borders(h Host) []uint16 {
	at := map[uint16]bool{1: true, 65_535: true}
	for _, set := range append(h.rulesets(), s) {
		set.rules(func(r *Rule) {
			for _, p := range r.To.Ports {
				for _, n := range []int{p.A - 1, p.A, p.A + 1, p.B - 1, p.B, p.B + 1} {
					if n > 0 && n < 1<<16 {
						at[uint16(n)] = true
					}
				}
			}
		})
	}
	return slices.Sorted(maps.Keys(at))
}

// Tables are the names of the tables that the rules speak of.
func (s *Ruleset) Tables() []string {
	names := map[string]bool{}
	s.rules(func(r *Rule) {
		list := slices.Concat(r.From.Hosts, r.To.Hosts)
		if r.Pool != nil {
			list = append(list, r.Pool.To...)
		}
		for _, a := range list {
			if a.Kind == InTable {
				names[a.Name] = true
			}
		}
	})
	return slices.Sorted(maps.Keys(names))
}
