package mailcow

import (
	"context"
	"fmt"

	"postern/checks"
	"postern/seen"
)

func init() {
	checks.Register(checks.Check{
		ID: "mailcow.containers", Rests: []string{"mailcow.space@", "host.ssh@"}, Step: "mailcow", Title: "Mailcow's containers run",
		Page: checks.Page{
			Asks:    "Does every container of Mailcow run, and stay up? Docker is asked.",
			OK:      "All of them run.",
			Fail:    "There is no Mailcow yet, or some of them do not run, or end again and again; they are named.",
			Skip:    "The mail server is another, or the site has no names yet.",
			Unknown: "The host could not be asked.",
			Mends:   "The chapter Mailcow starts what does not run. What ends again and again says why in its log: docker logs NAME.",
		},
		Guide: "mailcow, Starting Mailcow", Reads: seen.OfMailcow.Reads,
		Ask: each(checks.Question{Want: "every container of Mailcow runs", Fix: "mailcow", Likely: "it was stopped, or the host has no room for it"}, judgeContainers),
	})
}

func judgeContainers(_ context.Context, _ *checks.Env, q checks.Question, v *checks.Vantage, now seen.Mailcow) checks.Result {
	if now.Absent {
		return q.Fail("there is no Mailcow on "+v.Name+" yet", "the chapter was not applied yet", "")
	}
	if !now.Begun() {
		return q.Fail("none of its containers was ever made", "it was downloaded and not started yet", "")
	}
	var stopped, loops []string
	for _, c := range now.Containers {
		switch {
		case c.Loops():
			loops = append(loops, c.Name)
		case c.State != "running":
			stopped = append(stopped, fmt.Sprintf("%s is %s", c.Service, c.State))
		}
	}
	if len(loops) > 0 {
		q.Fix = "see why: docker logs --tail 50 " + loops[0] + ", on " + v.Name
		return q.Fail(checks.Few(append([]string{loops[0] + " ends and is started again and again"}, append(loops[1:], stopped...)...)), "what it needs is not there or not right: its log says what", "")
	}
	return q.None(stopped, "all %d run", len(now.Containers))
}
