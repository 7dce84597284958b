package seen

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen/pf"
)

// Sources are the networks that the rules of a table tell from others by where a packet comes from.
func (t *Table) Sources() []netip.Prefix {
	var all []netip.Prefix
	if t == nil {
		return nil
	}
	had := map[netip.Prefix]bool{}
	for _, r := range t.Rules {
		for _, p := range r.src {
			if p.Bits() > 0 && !had[p] {
				had[p], all = true, append(all, p)
			}
		}
	}
	return all
}

// For is the tables that packets of an address's family meet.
func (r Ruleset) For(a netip.Addr) Tables {
	if a.Is6() {
		return r.Six
	}
	return r.Four
}

// Limits says whether a rule counts who connects to one of these ports, and how often.
func (r Ruleset) Limits(ports []int) bool {
	for _, tables := range []Tables{r.Four, r.Six} {
		if tables["filter"] == nil {
			continue
		}
		for _, rule := range tables["filter"].Rules {
			counts := slices.ContainsFunc(rule.Options, func(o string) bool { return o == "-m recent" || o == "-m hashlimit" || o == "-m connlimit" })
			if counts && slices.ContainsFunc(ports, func(p int) bool { return HasPort(rule.Ports, p) }) {
				return true
			}
		}
	}
	return false
}

// Sent are the rules of other people that send a port of the host on to another address.
func (t Tables) Sent() []Rule {
	var all []Rule
	if nat := t["nat"]; nat != nil {
		for _, r := range nat.Rules {
			if r.Target == "DNAT" && len(r.Ports) > 0 && !strings.HasPrefix(r.Chain, "postern-") {
				all = append(all, r)
			}
		}
	}
	return all
}

// Gate is what becomes of a packet that comes to a host, by the rules that run there, whichever firewall made them.
type Gate func(Packet) Fate

// GateOf is the gate of a host whose rules and addresses were asked for. An error says why it cannot be told.
func GateOf(f remote.Facts) (Gate, error) {
	runs, err := PFRules.Of(f)
	if err == nil && runs.There {
		n, err := Addresses.Of(f)
		return runs.gate(n), err
	}
	rules, other := Rules.Of(f)
	switch {
	case other != nil:
		return nil, other
	case rules.Absent && err != nil:
		return nil, err
	case rules.Absent:
		return nil, fmt.Errorf("there is no iptables on the host")
	}
	return rules.Enters, nil
}

// gate is pf's: what it translates does not come to the host itself.
func (r PFRuns) gate(n Network) Gate {
	if !r.Running {
		return func(Packet) Fate { return Fate{Verdict: "ACCEPT", Rule: "pf is off"} }
	}
	set, h := r.Rules(n)
	return func(p Packet) Fate {
		to := netip.AddrPortFrom(p.Dst, uint16(p.Port))
		d := set.Decide(pf.Packet{On: p.In, Proto: p.Proto, From: netip.AddrPortFrom(p.Src, Unnamed), To: to}, h)
		return FateOf(d, to)
	}
}

// FateOf is what pf decides about a packet to that address, in the words of the other firewall.
func FateOf(d pf.Decision, to netip.AddrPort) Fate {
	f := Fate{Verdict: map[pf.Verdict]string{pf.Pass: "ACCEPT", pf.Block: "DROP"}[d.Verdict], Rule: d.Rule}
	if f.Rule == "" {
		f.Rule = "no rule"
	}
	switch {
	case d.Verdict == pf.Unknown:
		f.Unsure, f.Doubt = true, Fork{Verdict: "ACCEPT", Rule: d.Why}
	case d.Verdict == pf.Pass && d.To != to:
		f.Verdict, f.To = "DNAT", d.To.String()
	}
	return f
}

// Limit is how often one may connect before he is turned away: at most Count times in so many seconds.
type Limit struct{ Count, Seconds int }

// LimitsOf are the limits of a host's firewall on who connects to one of these ports; false where it has none. Who exceeds ufw's is kept
// off for a while; a rule of pf may ban him for long.
func LimitsOf(f remote.Facts, ports []int) (least Limit, limits bool, err error) {
	if runs, err := PFRules.Of(f); err == nil && runs.There {
		for _, rate := range runs.Rates(ports) {
			if one := Limit(rate); !limits || one.Count*least.Seconds < least.Count*one.Seconds {
				least, limits = one, true
			}
		}
		return least, limits, nil
	}
	rules, err := Rules.Of(f)
	return Limit{6, 30}, err == nil && rules.Limits(ports), err
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
