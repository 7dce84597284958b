package seen

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// Edges are what the rules that may let a packet on tell packets apart by: packets between two of them fare alike.
type Edges struct {
	Ports, From []int          // where packets go, and come from
	Sources     []netip.Prefix // of those that may let on
	In          []string       // interfaces
}

// Edges are those of the family of an address.
func (r Ruleset) Edges(a netip.Addr) Edges {
	e := Edges{Ports: []int{1}, From: []int{0}}
	for _, tables := range r.passes(a) {
		for _, t := range tables {
			for _, rules := range t.Chains {
				for i := range rules {
					e.draw(&rules[i])
				}
			}
		}
	}
	slices.SortFunc(e.Sources, netip.Prefix.Compare)
	e.Sources = slices.Compact(e.Sources)
	return Edges{sorted(e.Ports), sorted(e.From), e.Sources, sorted(e.In)}
}

// draw adds what one rule tells packets apart by.
func (e *Edges) draw(rule *Rule) {
	e.Ports, e.From = borders(e.Ports, rule.Ports), borders(e.From, rule.from)
	if rule.Target == "DROP" || rule.Target == "REJECT" {
		return
	}
	for _, p := range rule.src {
		if p.Bits() > 0 {
			e.Sources = append(e.Sources, p)
		}
	}
	if rule.In != "" {
		e.In = append(e.In, strings.TrimSuffix(rule.In, "+"))
	}
}

// Between is between which borders of ports a packet goes, and comes from.
func (e Edges) Between(p Packet) (at [2]int) {
	for i, side := range [2][]int{e.Ports, e.From} {
		at[i], _ = slices.BinarySearch(side, [2]int{p.Port, cmp.Or(p.From, Unnamed)}[i]+1)
	}
	return at
}

// Source is where a packet comes from: its address, and its port where that makes a difference.
func (p Packet) Source() string {
	if p.From == 0 {
		return p.Src.String()
	}
	return netip.AddrPortFrom(p.Src, uint16(p.From)).String()
}

// borders adds where a span begins, and where what lies behind it does.
func borders(list []int, spans []Span) []int {
	for _, s := range spans {
		if list = append(list, s.First); s.Last < 1<<16-1 {
			list = append(list, s.Last+1)
		}
	}
	return list
}

func sorted[T int | string](list []T) []T {
	slices.Sort(list)
	return slices.Compact(list)
}

// Sources are the networks that the rules of an address's family name.
func (r Ruleset) Sources(a netip.Addr) []netip.Prefix {
	var all []netip.Prefix
	for _, tables := range r.passes(a) {
		for _, t := range tables {
			all = append(all, t.Sources()...)
		}
	}
	return all
}

// strangers stand for anybody on the internet, over IPv4 and IPv6: they are reserved for documentation, so nobody has them, and
// rules hardly tell them from others. Where they do, as those who drop what cannot come from the internet, another must stand.
var strangers = [2]struct {
	usual, first netip.Addr
	world        netip.Prefix
}{
	{netip.MustParseAddr("192.0.2.77"), netip.MustParseAddr("1.0.0.1"), netip.MustParsePrefix("0.0.0.0/0")},
	{netip.MustParseAddr("2001:db8:ffff::77"), netip.MustParseAddr("2000::1"), netip.MustParsePrefix("2000::/3")},
}

// Strangers are two who may come from anywhere, over IPv4 and over IPv6, whom no rule names.
func (r Ruleset) Strangers() (all [2]netip.Addr) {
	for i, s := range strangers {
		named := r.Sources(s.usual)
		for _, tables := range r.passes(s.usual) {
			for _, t := range tables {
				for i := range t.Rules {
					named = append(named, t.Rules[i].Dst...) // answers go there
				}
			}
		}
		if all[i] = Someone(s.world, s.usual, named); !all[i].IsValid() {
			all[i] = cmp.Or(Someone(s.world, s.first, named), s.usual)
		}
	}
	return all
}

// Narrowed leaves out the rules that fit no packet like that one, whatever its ports: many that differ in nothing else are
// then followed quickly, even where thousands of addresses are banned.
func (r Ruleset) Narrowed(p Packet) Ruleset {
	narrow := Ruleset{}
	for i, tables := range r.passes(p.Src) {
		few := Tables{}
		for name, t := range tables {
			one := &Table{Policy: t.Policy, Chains: map[string][]Rule{}, hooks: t.hooks, of: t.of}
			for chain, rules := range t.Chains {
				var concern []Rule
				for i := range rules {
					if rules[i].concerns(p) {
						concern = append(concern, rules[i])
					}
				}
				one.Chains[chain] = concern
			}
			few[name] = one
		}
		if i == 0 {
			narrow.Four, narrow.Six = few, few
		} else {
			narrow.Beside = append(narrow.Beside, Set{Four: few, Six: few})
		}
	}
	return narrow
}
