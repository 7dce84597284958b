package steps_test

import (
	"fmt"
	"strings"

	"postern/remote"
	"postern/site"
	"postern/steps"
)

// A step asks, looks, and plans: what it must see of a host is asked in one round trip, and the plan is made of the answers
// alone. Of hosts that have no firewall yet it installs one first, and says what will be planned once that can be seen.
func Example() {
	step, _ := steps.Find("firewall")
	s := site.Default()
	_ = site.Set(s, "ports.imaps", "1993")

	look := steps.Look{}
	for _, h := range s.Hosts {
		facts := remote.Facts{Host: h.Name, Answers: map[string]remote.Answer{}}
		for _, q := range step.Reads(s, h) { // over a session: session.Facts(ctx, step.Reads(s, h))
			switch q.ID {
			case "system":
				facts.Answers[q.ID] = remote.Answer{Out: "== kernel\nLinux\n== init\nsystemd\n== release\nID=debian\n== end\n"}
			case "tools":
				facts.Answers[q.ID] = remote.Answer{Out: "== tools\niptables\n== end\n"}
			}
		}
		look[h.Name] = facts
	}

	filled, _ := steps.Detect(s, look)
	plan := step.Plan(filled, look)
	for _, part := range plan.Parts {
		for _, c := range part.Changes {
			fmt.Printf("%s, inert %t: %s\n", part.Host, part.Inert, c.Title)
		}
	}
	fmt.Println("then", plan.Then[1])
	fmt.Println("proven by", strings.Join(step.Proof[:3], ", "), "…")
	// Output:
	// proxy, inert true: install ufw on proxy
	// mail, inert true: install ufw on mail
	// then mail: deny what comes in, admit SSH and what the tunnel brings, allow what goes out, on both families
	// proven by host.ssh, host.privilege, host.ways …
}
