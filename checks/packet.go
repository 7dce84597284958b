package checks

import (
	"net/netip"
	"sort"
	"strings"
)

// packet is the first packet of a connection.
type packet struct {
	proto    string
	src, dst netip.Addr
	port     int
	in, out  string
	beyond   bool // it is for no address of this host
}

// fate is what a table does with a packet.
type fate struct {
	verdict string // ACCEPT, DROP, REJECT, DNAT, or "" when no rule decided
	rule    string // the deciding rule, or the policy
	to      string // of DNAT
	unsure  bool   // a rule that is not understood might have decided before
}

// lets says what a built-in chain does with a packet.
func (t *table) lets(chain string, p packet) fate {
	budget := maxSteps
	f := t.walk(chain, p, &budget)
	if f.verdict == "" {
		f.verdict, f.rule = t.policy[chain], "policy of "+chain
	}
	return f
}

// maxSteps bounds the rules that one packet meets: a hostile listing may call its chains in circles.
const maxSteps = 100_000

func (t *table) walk(chain string, p packet, budget *int) fate {
	var result fate
	for _, r := range t.rules[chain] {
		if *budget--; *budget < 0 {
			result.unsure = true
			return result
		}
		if !r.fits(p) {
			continue
		}
		_, isChain := t.policy[r.target]
		if r.strange {
			result.unsure = result.unsure || isChain || decides(r.target)
			continue
		}
		switch {
		case r.target == "RETURN":
			return result
		case r.target == "DNAT":
			result.verdict, result.rule, result.to = "DNAT", r.text, r.to
			return result
		case decides(r.target):
			result.verdict, result.rule = r.target, r.text
			return result
		case isChain:
			below := t.walk(r.target, p, budget)
			below.unsure = below.unsure || result.unsure
			if below.verdict != "" || r.isGoto {
				return below
			}
			result.unsure = below.unsure
		}
	}
	return result
}

func decides(target string) bool {
	return target == "ACCEPT" || target == "DROP" || target == "REJECT" || target == "DNAT" || target == "REDIRECT"
}

// fits says whether what is understood of the rule fits the packet.
func (r rule) fits(p packet) bool {
	switch {
	case r.never, r.local && p.beyond:
		return false
	case r.proto != "" && r.proto != "all" && (r.proto == p.proto) == r.negated["-p"]:
		return false
	case len(r.src) > 0 && inside(r.src, p.src) == r.negated["-s"]:
		return false
	case len(r.dst) > 0 && inside(r.dst, p.dst) == r.negated["-d"]:
		return false
	case r.in != "" && sameDevice(r.in, p.in) == r.negated["-i"]:
		return false
	case r.out != "" && sameDevice(r.out, p.out) == r.negated["-o"]:
		return false
	case len(r.dports) > 0 && within(r.dports, p.port) == (r.negated["--dport"] || r.negated["--dports"]):
		return false
	case len(r.states) > 0:
		return has(r.states, "NEW") != (r.negated["--ctstate"] || r.negated["--state"])
	}
	return true
}

func sameDevice(pattern, name string) bool {
	if begin, ok := strings.CutSuffix(pattern, "+"); ok {
		return strings.HasPrefix(name, begin)
	}
	return pattern == name
}

func inside(all []netip.Prefix, a netip.Addr) bool {
	for _, p := range all {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func within(all []span, port int) bool {
	for _, s := range all {
		if port >= s.first && port <= s.last {
			return true
		}
	}
	return false
}

func has(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

func sorted(list []string) []string {
	sort.Strings(list)
	return list
}
