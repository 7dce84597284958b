package checks_test

import (
	"context"
	"fmt"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

// A check asks the same of every host that it is about, of what was seen there, and says in plain words what it found. Who
// runs checks brings the places to look from: here they are two hosts, one of which could not be reached.
func Example() {
	root := checks.Check{
		ID: "host.root", Step: "network", Title: "The login is root's",
		Reads: seen.Privilege.Reads,
		Ask: func(_ context.Context, e *checks.Env) []checks.Result {
			q := checks.Question{Want: "root", Fix: "network", Likely: "the login may not use sudo"}
			return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
				may, err := seen.Privilege.Of(v.Facts)
				switch {
				case err != nil:
					return q.Cannot(err) // what could not be asked is never said to be broken
				case !may.Root:
					return q.Fail("user "+may.UID.String(), "", "")
				}
				return q.OK("root")
			}, site.Proxy, site.Mail)
		},
	}

	s := site.Default()
	answers := map[string]remote.Answer{}
	for _, q := range checks.Reads([]checks.Check{root}, s, s.Host("proxy")) { // one round trip, over a session
		answers[q.ID] = remote.Answer{Out: "== uid\n1000\n== name\n== etc\nread only\n== end\n"}
	}
	env := &checks.Env{Site: s, Hosts: map[string]*checks.Vantage{
		"proxy": {Name: "proxy", Facts: remote.Facts{Answers: answers}},
		"mail":  {Name: "mail", Err: fmt.Errorf("no route to host")},
	}}
	for _, r := range checks.Run(context.Background(), []checks.Check{root}, env, nil) {
		fmt.Printf("%s %s: %s\n", r.Key(), r.Outcome, r.Saw)
		fmt.Printf("  likely: %s\n", r.Likely)
	}
	// Output:
	// host.root@proxy fail: user 1000
	//   likely: the login may not use sudo
	// host.root@mail unknown: mail could not be looked at: no route to host
	//   likely: the host cannot be reached, or this look was refused there
}
