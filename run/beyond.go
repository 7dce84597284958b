package run

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"postern/checks"
	"postern/steps"
)

// beyond says of a check that no change to a host makes or breaks what it asks.
func beyond(c checks.Check) bool { return c.Beyond }

// nearby are the checks of a list that a change to a host may make or break.
func nearby(list []checks.Check) []checks.Check { return slices.DeleteFunc(list, beyond) }

// Apply brings the steps of those IDs, all when there are none, in place: inert parts first, then everything else as one
// guarded decision over all hosts, kept only when new logins and the checks prove it. Then it asks what of those steps lies beyond
// the hosts, and which tasks for a person are done by that.
func (r *Runner) Apply(ctx context.Context, ids []string) (Outcome, error) {
	list, err := pick(ids)
	if err != nil {
		return Outcome{}, err
	}
	out, err := r.bring(ctx, list)
	list = slices.DeleteFunc(list, func(s steps.Step) bool { return len(ids) == 0 && len(r.done.plans[s.ID].Foreign) > 0 })
	far := slices.DeleteFunc(proofs(r.Site, list), func(c checks.Check) bool { return !beyond(c) })
	if err == nil && !out.Declined && len(far) > 0 {
		r.emit(steps.Event{Kind: "prove", Text: proving(len(far), " of what lies beyond the hosts")})
		var more []checks.Result
		more, err = r.prove(ctx, far, r.sessions())
		r.report(more)
		out.Results = append(out.Results, more...)
	}
	out.Tasks = Measured(out.Tasks, out.Results)
	return out, err
}

// Measured notes of each task what its check saw, and whether that was ok. What does not apply to a site, such as IPv6, says nothing where
// the check saw something else.
func Measured(tasks []steps.Task, results []checks.Result) []steps.Task {
	for i := range tasks {
		t := &tasks[i]
		t.Now = nil
		asked := false
		for _, r := range results {
			if t.Check == "" || r.ID != t.Check && !strings.HasPrefix(r.ID, t.Check+".") {
				continue
			}
			applies, well := r.Outcome != checks.Skip, r.Outcome == checks.OK
			if applies && !asked || !well && applies && t.Proven || t.Found == "" {
				t.Found, t.Proven = r.Saw.Line(200), well
			}
			asked = asked || applies
			for _, one := range r.Records {
				t.Now = append(t.Now, fmt.Sprintf("%s %s  %s", one.Name, one.Type, one.Now.Line(120)))
			}
		}
	}
	return tasks
}
