package seen

import (
	"net/netip"
	"slices"
	"strings"
)

// Packet is the first packet of a connection.
type Packet struct {
	Proto    string
	Src, Dst netip.Addr
	Port     int
	In, Out  string
	Beyond   bool // it is for no address of this host
}

// Fate is what a table does with a packet.
type Fate struct {
	Verdict string // ACCEPT, DROP, REJECT, DNAT, or "" when no rule decided
	Rule    string // the deciding rule, or the policy
	To      string // of DNAT
	Unsure  bool   // a rule that is not understood might have decided before
}

// maxSteps bounds the rules that one packet meets: a hostile listing may call its chains in circles.
const maxSteps = 100_000

// Lets says what a built-in chain does with a packet.
func (t *Table) Lets(chain string, p Packet) Fate {
	budget := maxSteps
	f := t.walk(chain, p, &budget)
	if f.Verdict == "" {
		f.Verdict, f.Rule = t.Policy[chain], "policy of "+chain
	}
	return f
}

func (t *Table) walk(chain string, p Packet, budget *int) Fate {
	var result Fate
	for _, r := range t.Chains[chain] {
		if *budget--; *budget < 0 {
			result.Unsure = true
			return result
		}
		if !r.fits(p) {
			continue
		}
		_, isChain := t.Policy[r.Target]
		if r.strange {
			result.Unsure = result.Unsure || isChain || decides(r.Target)
			continue
		}
		switch {
		case r.Target == "RETURN":
			return result
		case decides(r.Target):
			result.Verdict, result.Rule, result.To = r.Target, r.Text, r.To
			return result
		case isChain:
			below := t.walk(r.Target, p, budget)
			below.Unsure = below.Unsure || result.Unsure
			if below.Verdict != "" || r.isGoto {
				return below
			}
			result.Unsure = below.Unsure
		}
	}
	return result
}

func decides(target string) bool {
	return slices.Contains([]string{"ACCEPT", "DROP", "REJECT", "DNAT", "REDIRECT"}, target)
}

// fits says whether what is understood of the rule fits the packet.
func (r Rule) fits(p Packet) bool {
	switch {
	case r.never, r.local && p.Beyond:
		return false
	case r.Proto != "" && r.Proto != "all" && (r.Proto == p.Proto) == r.negated["-p"]:
		return false
	case len(r.src) > 0 && Inside(r.src, p.Src) == r.negated["-s"]:
		return false
	case len(r.Dst) > 0 && Inside(r.Dst, p.Dst) == r.negated["-d"]:
		return false
	case r.In != "" && sameDevice(r.In, p.In) == r.negated["-i"]:
		return false
	case r.Out != "" && sameDevice(r.Out, p.Out) == r.negated["-o"]:
		return false
	case len(r.Ports) > 0 && HasPort(r.Ports, p.Port) == (r.negated["--dport"] || r.negated["--dports"]):
		return false
	case len(r.states) > 0:
		return slices.Contains(r.states, "NEW") != (r.negated["--ctstate"] || r.negated["--state"])
	}
	return true
}

func sameDevice(pattern, name string) bool {
	if begin, ok := strings.CutSuffix(pattern, "+"); ok {
		return strings.HasPrefix(name, begin)
	}
	return pattern == name
}

// HasPort says whether a port lies in one of the ranges.
func HasPort(list []Span, port int) bool {
	return slices.ContainsFunc(list, func(s Span) bool { return port >= s.First && port <= s.Last })
}
