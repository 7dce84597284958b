package seen

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// Packet is the first packet of a connection, or one of those that answer it.
type Packet struct {
	Proto    string
	Src, Dst netip.Addr
	Port     int
	From     int // the port that it comes from; 0 stands for one that no rule names
	In, Out  string
	Beyond   bool           // it is for no address of this host
	Answer   bool           // it answers a packet that this host let through
	Was      netip.AddrPort // where its connection was sent to before it was translated; invalid where that is not told
}

// Fate is what a table does with a packet.
type Fate struct {
	Verdict string // ACCEPT, DROP, REJECT, DNAT, or "" when no rule decided
	Rule    string // the deciding rule, or the policy
	To      string // of DNAT
	Unsure  bool   // a rule that is not understood might have decided before
	Doubt   Fork   // the first such rule
}

// Fork is a rule of which it cannot be told whether a packet fits, and what it would do with it.
type Fork struct{ Verdict, Rule string }

// refused says whether it is told off, or nothing of it is ever heard again.
func (f Fate) refused() bool { return f.Verdict == "DROP" || f.Verdict == "REJECT" }

// maxSteps bounds the rules that one packet meets: a hostile listing may call its chains in circles.
const maxSteps = 100_000

// Lets says what a chain does with a packet. Where rules are not understood, the verdict is what becomes of it if it fits none
// of them.
func (t *Table) Lets(chain string, p Packet) Fate {
	budget := maxSteps
	ends, falls := t.walk(chain, p, &budget)
	if falls {
		ends = append(ends, Fate{Verdict: t.Policy[chain], Rule: t.of + "policy of " + chain})
	}
	f := ends[len(ends)-1]
	for _, other := range ends {
		if other.To != f.To || other.Verdict != f.Verdict && !(other.refused() && f.refused()) {
			f.Unsure, f.Doubt = true, Fork{other.Verdict, other.Rule}
			break
		}
	}
	if budget < 0 {
		f.Unsure, f.Doubt = true, Fork{Rule: "too many rules"}
	}
	return f
}

// walk is how a packet may end in a chain, and whether it may fall through to what stands behind. Only a rule that is not
// understood makes several ends of it; the last is that of a packet which such rules do not fit.
func (t *Table) walk(chain string, p Packet, budget *int) (ends []Fate, falls bool) {
	for i := range t.Chains[chain] {
		r := &t.Chains[chain][i]
		if *budget--; *budget < 0 {
			return ends, true
		}
		if !r.fits(p) {
			continue
		}
		_, isChain := t.Policy[r.Target]
		strange := r.strange || r.asks(p)
		switch {
		case r.Target == "RETURN":
			if falls = true; !strange {
				return ends, true
			}
		case isChain:
			below, through := t.walk(r.Target, p, budget)
			ends = append(ends, below...)
			falls = falls || r.isGoto && through
			if !strange && (r.isGoto || !through) {
				return ends, falls
			}
		case !passing[r.Target]:
			if ends = append(ends, Fate{Verdict: r.Target, Rule: t.of + r.Text, To: r.To}); !strange {
				return ends, falls
			}
		}
	}
	return ends, true
}

// passing are the targets behind which a packet goes on to the next rule. All others decide, those that are not known too.
var passing = map[string]bool{"": true, "LOG": true, "NFLOG": true, "ULOG": true, "MARK": true, "CONNMARK": true, "TCPMSS": true, "CT": true,
	"TRACE": true, "TTL": true, "HL": true, "DSCP": true, "TOS": true, "CLASSIFY": true, "SET": true, "CHECKSUM": true, "AUDIT": true}

// fits says whether what is understood of the rule fits the packet.
func (r *Rule) fits(p Packet) bool { return r.concerns(p) && r.names(p) }

// asks says whether the rule asks for something that is not told of the packet.
func (r *Rule) asks(p Packet) bool { return len(r.was)+len(r.wasPort) > 0 && !p.Was.IsValid() }

// names says whether the packet's ports are those of the rule.
func (r *Rule) names(p Packet) bool {
	return (len(r.Ports) == 0 || HasPort(r.Ports, p.Port) != (r.negated["--dport"] || r.negated["--dports"])) &&
		(len(r.from) == 0 || HasPort(r.from, cmp.Or(p.From, Unnamed)) != (r.negated["--sport"] || r.negated["--sports"]))
}

// concerns says whether the rule fits the packet, but for its ports.
func (r *Rule) concerns(p Packet) bool {
	switch {
	case r.never, r.local && p.Beyond, r.beyond && !p.Beyond:
		return false
	case r.Proto != "" && r.Proto != "all" && (r.Proto == p.Proto) == r.negated["-p"]:
		return false
	case len(r.src) > 0 && Inside(r.src, p.Src) == r.negated["-s"]:
		return false
	case len(r.Dst) > 0 && Inside(r.Dst, p.Dst) == r.negated["-d"]:
		return false
	case len(r.was) > 0 && p.Was.IsValid() && Inside(r.was, p.Was.Addr()) == r.negated["--ctorigdst"]:
		return false
	case len(r.wasPort) > 0 && p.Was.IsValid() && HasPort(r.wasPort, int(p.Was.Port())) == r.negated["--ctorigdstport"]:
		return false
	case r.In != "" && sameDevice(r.In, p.In) == r.negated["-i"]:
		return false
	case r.Out != "" && sameDevice(r.Out, p.Out) == r.negated["-o"]:
		return false
	case r.first && p.Answer != (r.negated["--tcp-flags"] || r.negated["--syn"]):
		return false
	case len(r.states) > 0:
		state := "NEW"
		if p.Answer {
			state = "ESTABLISHED"
		}
		return slices.Contains(r.states, state) != (r.negated["--ctstate"] || r.negated["--state"])
	}
	return true
}

// Unnamed is the port that a connection comes from where it makes no difference.
const Unnamed = 40_000

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
