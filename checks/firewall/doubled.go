package firewall

import (
	"context"
	"fmt"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "firewall.doubled", Step: "firewall", Title: "No rule is there twice",
		Page: checks.Page{
			Asks:  "Is any rule there more than once? The rules that the kernels run are read. The public guide's NAT block multiplies with every reload of ufw, which works for months and then does not.",
			OK:    "Every rule is there once.",
			Warn:  "Rules of another program multiplied; they are left alone.",
			Fail:  "Rules of ours, or of the guide's, multiplied.",
			Mends: "The chapter Firewall takes the block over into chains of its own, which a reload cannot double.",
		},
		Guide: "firewall, Configuring NAT Rules in UFW",
		Reads: seen.Rules.Reads, Ask: checks.Linux(askDoubled),
	})
}

// askDoubled finds rules that multiplied: the guide's NAT block is added anew by every ufw reload.
func askDoubled(_ context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "every rule once", Fix: "firewall",
		Likely: "a NAT block in before.rules without chains of its own: each ufw reload adds it again"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
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
					line := family.Name + " " + name + ": " + d
					if name == "filter" && !strings.Contains(d, "ufw") && !strings.Contains(d, ownMark) {
						odd = append(odd, line)
					} else {
						bad = append(bad, line)
					}
				}
			}
		}
		switch {
		case len(bad) > 0:
			return q.Fail(fmt.Sprintf("%d rules are there more than once: %s", len(bad), bad[0]), "", strings.Join(append(bad, odd...), "\n"))
		case len(odd) > 0:
			return q.Warn(fmt.Sprintf("%d rules of other programs are there more than once: %s", len(odd), odd[0]), "another program adds its rules at each start",
				strings.Join(odd, "\n"))
		}
		return q.OK("%d rules, each once", total)
	}, site.Proxy, site.Mail)
}

// doubles lists the rules of a table that occur more than once in their chain.
func doubles(t *seen.Table) []string {
	count := map[string]int{}
	var found []string
	for _, r := range t.Rules {
		count[r.Text]++
		if count[r.Text] == 2 {
			found = append(found, r.Text)
		}
	}
	for i, text := range found {
		found[i] = fmt.Sprintf("%d times: %s", count[text], remote.Clean(text).Line(160))
	}
	return found
}
