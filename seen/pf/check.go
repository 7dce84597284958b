package pf

import (
	"fmt"
	"slices"
	"strings"
)

// combination is one of the rules that a rule stands for. Its parts are nil where the rule names none.
type combination struct {
	on       *Interface
	proto    string
	icmp     *ICMP
	src, dst *Address
	sport    *Ports
	dport    *Ports
	family   int
}

// combinations are the rules that a rule stands for, in pfctl's order, until do says that it is enough. Those of two families are
// left out, as pfctl leaves them out without a word; lost says how many.
func (r *Rule) combinations(do func(combination) bool) (lost int) {
	one := func(n int) int { return max(n, 1) }
	for i := range one(len(r.On)) {
		for j := range one(len(r.Protos)) {
			for k := range one(len(r.ICMP)) {
				for l := range one(len(r.From.Hosts)) {
					for m := range one(len(r.From.Ports)) {
						for n := range one(len(r.To.Hosts)) {
							for o := range one(len(r.To.Ports)) {
								c := combination{on: at(r.On, i), icmp: at(r.ICMP, k), src: at(r.From.Hosts, l), sport: at(r.From.Ports, m),
									dst: at(r.To.Hosts, n), dport: at(r.To.Ports, o)}
								if len(r.Protos) > 0 {
									c.proto = r.Protos[j]
								}
								if !c.join(r.Family) {
									lost++
								} else if !do(c) {
									return lost
								}
								if lost > maxExpanded {
									return lost
								}
							}
						}
					}
				}
			}
		}
	}
	return lost
}

func at[T any](list []T, i int) *T {
	if len(list) == 0 {
		return nil
	}
	return &list[i]
}

// join works out the family of a combination. It is false where two families meet.
func (c *combination) join(family int) bool {
	c.family = family
	for _, a := range []*Address{c.src, c.dst} {
		if a == nil || a.family() == 0 {
			continue
		}
		if c.family != 0 && a.family() != c.family {
			return false
		}
		c.family = a.family()
	}
	return true
}

// check looks for what pfctl refuses in a rule that it could read.
func (p *parser) check(r *Rule) {
	valid, whole := 0, true
	lost := r.combinations(func(c combination) bool {
		if p.made++; p.made > maxExpanded {
			p.unsure("too many rules")
			whole = false
			return false
		}
		valid++
		return p.fits(r, c)
	})
	switch r.lost = lost; {
	case lost > maxExpanded:
		p.unsure("too many rules")
	case valid == 0 && whole:
		p.wrong("the rule expands to no valid combination: its families do not fit each other")
	}
}

// fits notes what is wrong with one of the rules that a rule stands for.
func (p *parser) fits(r *Rule, c combination) bool {
	f := fault{line: r.Line}
	portless := c.proto != "tcp" && c.proto != "udp"
	hasPort := c.sport != nil || c.dport != nil
	switch kind := strings.TrimSuffix(r.Action, "-anchor"); {
	case kind == "nat" || kind == "binat":
		return true
	case hasPort && portless || kind == "rdr" && r.Pool != nil && r.Pool.First > 0 && portless:
		if f.why, f.refused = "a port only applies to tcp and udp", every; c.proto == "sctp" {
			f.refused = before(R14)
		}
	case kind == "rdr" && c.dport != nil && c.dport.Op != "=" && c.dport.Op != ":":
		f.why, f.refused = "invalid port operator for the destination port of rdr", every
	case kind == "rdr":
		return true
	default:
		f.why, f.refused = p.unfit(r, c), every
	}
	if f.why == "" {
		return true
	}
	p.note(f)
	return false
}

// unfit says what is wrong with a filter rule.
func (p *parser) unfit(r *Rule, c combination) string {
	_, conn := r.limit("max-src-conn")
	_, rate := r.limit("max-src-conn-rate")
	_, nodes := r.limit("max-src-nodes")
	_, overload := r.limit("overload")
	_, sloppy := r.limit("sloppy")
	track, _ := r.limit("source-track")
	icmp := c.proto == "icmp" || c.proto == "ipv6-icmp"
	switch {
	case c.icmp != nil && !icmp:
		return "icmp-type only applies to icmp"
	case c.icmp != nil && (c.proto == "ipv6-icmp") != r.icmp6:
		return "icmp-type and protocol do not fit each other"
	case c.icmp != nil && c.family == 0:
		return "icmp-type needs an address family (inet or inet6)"
	case c.proto == "icmp" && c.family == 6, c.proto == "ipv6-icmp" && c.family == 4:
		return fmt.Sprintf("proto %s doesn't match the address family", c.proto)
	case overload && !conn && !rate:
		return "overload needs max-src-conn or max-src-conn-rate"
	case r.options && r.Action != "pass":
		return "allow-opts is only for pass rules"
	case r.never && (c.sport != nil || c.dport != nil || c.icmp != nil || r.Flags != "" && r.Flags != "any"):
		return "fragments can be filtered only by what is in the IP header"
	case r.Return == "return-rst" && c.proto != "tcp":
		return "return-rst is only for tcp"
	case track == "global" && (nodes || conn || rate):
		return "source-track global does not go with max-src-nodes, max-src-conn or max-src-conn-rate"
	case r.Action != "pass" && r.State != "" && r.State != "no" && !strings.HasSuffix(r.Action, "anchor"):
		return "only pass rules keep state"
	case sloppy && (r.State == "modulate" || r.State == "synproxy"):
		return "sloppy does not go with modulate or synproxy state"
	case strings.Contains(r.Flags, "/") && len(r.Protos) > 0 && !slices.Contains(r.Protos, "tcp") && r.flagged:
		return "flags only apply to tcp"
	case len(r.From.OS) > 0 && len(r.Protos) > 0 && !slices.Contains(r.Protos, "tcp"):
		return "os only applies to tcp"
	}
	return ""
}
