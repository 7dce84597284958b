package firewall

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "firewall.doubled", Rests: []string{"firewall.active@"}, Step: "firewall", Title: "No rule is there twice",
		Page: checks.Page{
			Asks:  "Is any rule there more than once? The rules that the kernels run are read. The public guide's NAT block multiplies with every reload of ufw, which works for months and then does not.",
			OK:    "Every rule is there once. A port that you opened twice yourself is no fault.",
			Warn:  "Rules of another program multiplied; they are left alone.",
			Fail:  "Rules of ours, or of the guide's, multiplied.",
			Skip:  "The host runs FreeBSD: pf's rules are loaded as a whole.",
			Mends: "The chapter Firewall takes the block over into chains of its own, which a reload cannot double.",
		},
		Guide: "firewall, Configuring NAT Rules in UFW",
		Reads: checks.Join(seen.Systems.Reads, seen.Rules.Reads), Ask: checks.Linux(askDoubled),
	})
}

// askDoubled finds rules that multiplied: the guide's NAT block is added anew by every ufw reload. What ufw keeps in its own
// file is there as often as somebody asked for it: "allow 22" and "allow 22/tcp" make one rule of the kernel twice.
func askDoubled(_ context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "every rule once", Fix: "firewall",
		Likely: "a NAT block in before.rules without chains of its own: each ufw reload adds it again"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		if h.BSD() {
			return q.Skip("it has pf, whose rules are loaded as a whole: none can be left of an earlier time")
		}
		var bad, odd []string
		total := 0
		rules, err := rulesOf(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		for _, family := range rules.Families() {
			for _, name := range []string{"nat", "filter", "mangle"} {
				t := family.Tables[name]
				if t == nil {
					continue
				}
				total += len(t.Rules)
				for _, d := range doubles(t) {
					line := family.Name + " " + name + ": " + d.String()
					if ours(e.Site, d.Rule) {
						bad = append(bad, line)
					} else {
						odd = append(odd, line)
					}
				}
			}
		}
		switch {
		case len(bad) > 0:
			return q.Fail(fmt.Sprintf("%d rules are there more than once: %s", len(bad), bad[0]), "", strings.Join(append(bad, odd...), "\n"))
		case len(odd) > 0:
			q.Fix = "find the program that adds them at each start: this one leaves other people's rules alone"
			return q.Warn(fmt.Sprintf("%d rules of other programs are there more than once: %s", len(odd), odd[0]), "another program adds its rules at each start",
				strings.Join(odd, "\n"))
		}
		return q.OK("%d rules, each once", total)
	}, site.Proxy, site.Mail)
}

// ours says whether a rule is in a chain of ours or jumps to one, or translates what goes into the tunnel, as the guide's do.
func ours(s *site.Site, r seen.Rule) bool {
	inside := func(a netip.Addr) bool { return s.Tunnel.Network.Contains(a) || s.Tunnel.Network6.Contains(a) }
	to, _ := netip.ParseAddrPort(r.To)
	return strings.HasPrefix(r.Chain, ownMark+"-") || strings.HasPrefix(r.Target, ownMark+"-") || r.Target == "DNAT" && inside(to.Addr()) ||
		r.Target == "MASQUERADE" && slices.ContainsFunc(r.Dst, func(p netip.Prefix) bool { return inside(p.Addr()) })
}

// double is a rule that is there more than once.
type double struct {
	seen.Rule
	times int
}

func (d double) String() string {
	return fmt.Sprintf("%d times: %s", d.times, remote.Clean(d.Text).Line(160))
}

// doubles lists the rules of a table that occur more than once in their chain, but for those that ufw keeps for people.
func doubles(t *seen.Table) []double {
	at := map[string]int{}
	var all []double
	for _, r := range t.Rules {
		if strings.HasPrefix(r.Chain, "ufw-user-") || strings.HasPrefix(r.Chain, "ufw6-user-") {
			continue
		}
		i, had := at[r.Text]
		if !had {
			i = len(all)
			at[r.Text] = i
			all = append(all, double{Rule: r})
		}
		all[i].times++
	}
	return slices.DeleteFunc(all, func(d double) bool { return d.times == 1 })
}
