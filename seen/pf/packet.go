package pf

import (
	"net/netip"
	"slices"
)

// Packet is the first packet of a connection, as it reaches pf.
type Packet struct {
	Out   bool   // it leaves the host by On; else it comes in there
	On    string // the interface
	Proto string // tcp, udp, icmp, ipv6-icmp …
	From  netip.AddrPort
	To    netip.AddrPort
	ICMP  string // of a message: its type by pf's name (echoreq)
	Later bool   // it is none of the first: a connection goes on of which pf holds no state
	Stray bool   // the routes do not lead back to From by On

	vague struct{ from, to bool } // where it comes from or goes to is not known any more
}

// Decision is what the rules do with a packet.
type Decision struct {
	Verdict Verdict        // Pass, Block or Unknown
	Anchor  string         // the anchor in which the deciding rule stands, "" the main rules
	Line    int            // its line; 0 when no rule decides
	Rule    string         // its text, the host's: whoever shows it cleans it
	To      netip.AddrPort // where the packet goes when it passes; invalid where that is not known
	By      string         // the text of the translation that leads it there, "" without one
	Why     string         // of Unknown: what could decide otherwise, which may quote the host's text
}

// outcome is one way a packet may end.
type outcome struct {
	verdict Verdict
	rule    *Rule
	anchor  string
	why     string
}

// walk is one packet on its way through the rules.
type walk struct {
	main   *Ruleset
	host   Host
	loaded map[string]*Ruleset
	packet Packet
	final  []outcome // how it may have ended
	now    []outcome // how it ends if nothing more fits; several where it is not known what fitted
	moved  bool      // a rule of the filter that may fit translates
	hit    truth     // whether a rule fitted since it was asked last
	budget *int
}

// maxSteps bounds the rules that one packet meets: anchors may call each other.
const maxSteps = 100_000

// Decide says what becomes of a packet: it is translated first, then the last rule that fits decides, or the first that is
// quick. Where something unknown could decide, the verdict is Unknown. The Host is what is known when it is asked, with tables and
// anchors; without Listed every anchor may hold anything.
func (s *Ruleset) Decide(p Packet, h Host) Decision {
	if from, to := p.From.Addr().Unmap(), p.To.Addr().Unmap(); !from.IsValid() || !to.IsValid() || from.Is4() != to.Is4() || p.Proto == "" {
		return Decision{Verdict: Unknown, Why: "such a packet cannot be: it needs a protocol, and two addresses of one family"}
	}
	budget := maxSteps
	w := &walk{main: s, host: h, loaded: map[string]*Ruleset{}, packet: p, budget: &budget}
	gather(s.Statements, w.loaded, 0)
	skipped := w.skips()
	if skipped == yes {
		return Decision{Verdict: Pass, To: p.To, Rule: "set skip on " + p.On}
	}
	branches := w.translate()
	var ends []outcome
	for i, b := range branches {
		one := *w
		one.packet, one.now, one.final = b.packet, []outcome{one.otherwise()}, nil
		if b.pass {
			one.now = []outcome{{verdict: Pass, rule: b.rule, anchor: b.anchor}}
		} else {
			one.filter(s.Statements, "", 0)
			branches[i].packet.vague.to = b.packet.vague.to || one.moved || one.packet.vague.to
		}
		ends = append(ends, one.final...)
		ends = append(ends, one.now...)
	}
	if skipped == maybe {
		ends = append(ends, outcome{verdict: Pass, why: "whether pf skips " + p.On + " is not known"})
	}
	if budget < 0 {
		ends = append(ends, outcome{verdict: Unknown, why: "too many rules"})
	}
	return sumUp(ends, branches)
}

// otherwise is what becomes of a packet that no rule fits.
func (w *walk) otherwise() outcome {
	if w.host.Drops {
		return outcome{verdict: Block}
	}
	return outcome{verdict: Pass}
}

func sumUp(ends []outcome, branches []branch) Decision {
	last := ends[len(ends)-1]
	d := Decision{Verdict: last.verdict, Anchor: last.anchor, Why: last.why}
	if last.rule != nil {
		d.Line, d.Rule = last.rule.Line, last.rule.Text
	}
	for _, other := range ends {
		if other.verdict == last.verdict && other.verdict != Unknown {
			continue
		}
		if d.Verdict = Unknown; d.Why == "" {
			d.Why = other.why
		}
		if d.Why == "" && other.rule != nil {
			d.Why = "it is not known whether this fits: " + other.rule.Text
		}
	}
	if to := branches[0]; !slices.ContainsFunc(branches, func(b branch) bool { return b.packet.To != to.packet.To || b.packet.vague.to }) {
		d.To = to.packet.To
		if to.rule != nil {
			d.By = to.rule.Text
		}
	}
	return d
}

// gather finds the files that the text loads into anchors.
func gather(list []Statement, all map[string]*Ruleset, depth int) {
	for _, st := range list {
		if st.Loaded != nil && depth < maxDepth {
			all[st.Loaded.Anchor] = st.Loaded
			gather(st.Loaded.Statements, all, depth+1)
		}
	}
}

// skips says whether pf passes over all packets of the interface (set skip on).
func (w *walk) skips() truth {
	skips := no
	for _, st := range w.main.Statements {
		if st.Kind != Option || len(st.Option) == 0 || st.Option[0] != "skip" {
			continue
		}
		for _, name := range st.Option[1:] {
			if !slices.Contains([]string{"on", "{", "}", ",", "none"}, name) {
				skips = max(skips, w.host.inGroup(w.packet.On, name))
			}
		}
	}
	return skips
}
