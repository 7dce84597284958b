package run

import (
	"context"
	"errors"
	"sync"

	"postern/remote"
	"postern/site"
	"postern/steps"
)

// standing is how a host stood when it was looked at.
func standing(look steps.Look, host string) remote.Status {
	facts := look[host]
	answer, _ := facts.Get(remote.ReadStatus.ID)
	return remote.ParseStatus(answer)
}

// awaitJobs waits for the jobs that were at work when the hosts were looked at, because what a half installed package looks like
// is no ground for a plan. It says whether there were any: then the hosts must be looked at again.
func (r *Runner) awaitJobs(ctx context.Context, s *site.Site, look steps.Look) (bool, error) {
	var wg sync.WaitGroup
	waited := false
	for _, h := range s.Hosts {
		st := standing(look, h.Name)
		if st.Job == "" || st.Dead || len(st.Doing) == 0 {
			continue
		}
		waited = true
		part := steps.Part{Host: h.Name}
		for _, title := range st.Doing {
			part.Changes = append(part.Changes, remote.Change{Title: title.Line(160)})
		}
		doing := part.Changes[0].Title
		r.emit(steps.Event{Kind: "look", Host: h.Name, Text: "an earlier run has it still at work (" + doing + "): waiting until that is over"})
		wg.Go(func() {
			err := r.hosts[h.Name].session.Watch(ctx, st.Job, part.Changes, r.progress(part))
			switch {
			case err == nil:
				r.emit(steps.Event{Kind: "warn", Host: h.Name, Text: "it went on by itself with what an earlier run had begun, and is through with it: " + doing})
			case ctx.Err() == nil && !errors.Is(err, remote.ErrUnknownID) && !errors.Is(err, remote.ErrLost):
				r.emit(steps.Event{Kind: "warn", Host: h.Name, Text: "what an earlier run had it do failed: " + remote.Clean(remote.Words(err)).Line(300)})
			}
		})
	}
	wg.Wait()
	return waited, ctx.Err()
}
