package run

import (
	"context"
	"errors"
	"strings"
	"sync"

	"postern/remote"
	"postern/site"
	"postern/steps"
)

// readJob tells what a host is being prepared with now: the ID of the job, and the titles of its changes. A job belongs to
// the host, and goes on when the program that began it has gone.
var readJob = remote.Query{ID: "run.job", Run: `(cd /var/lib/postern 2>/dev/null && [ -e JOB ] && ! flock -s -n JOB true || exit 0
for j in job.*; do
	[ -e "$j/agent" ] && [ ! -e "$j/rc" ] || continue
	printf '%s\n' "${j#job.}"
	for c in "$j"/c/*; do cat "$c/title"; done
	break
done) || :`}

// awaitJobs waits for the jobs that were at work when the hosts were looked at, because what a half installed package looks like
// is no ground for a plan. It says whether there were any: then the hosts must be looked at again.
func (r *Runner) awaitJobs(ctx context.Context, s *site.Site, look steps.Look) (bool, error) {
	var wg sync.WaitGroup
	waited := false
	for _, h := range s.Hosts {
		facts := look[h.Name]
		answer, _ := facts.Get(readJob.ID)
		id, titles, _ := strings.Cut(strings.TrimSpace(answer), "\n")
		if id == "" {
			continue
		}
		waited = true
		part := steps.Part{Host: h.Name}
		for title := range strings.SplitSeq(titles, "\n") {
			part.Changes = append(part.Changes, remote.Change{Title: remote.Clean(title).Line(160)})
		}
		doing := part.Changes[0].Title
		r.emit(steps.Event{Kind: "look", Host: h.Name, Text: "an earlier run has it still at work (" + doing + "): waiting until that is over"})
		wg.Go(func() {
			err := r.hosts[h.Name].session.Watch(ctx, id, part.Changes, r.progress(part))
			switch {
			case err == nil:
				r.emit(steps.Event{Kind: "warn", Host: h.Name, Text: "it went on by itself with what an earlier run had begun, and is through with it: " + doing})
			case ctx.Err() == nil && !errors.Is(err, remote.ErrUnknownID) && !errors.Is(err, remote.ErrLost):
				r.emit(steps.Event{Kind: "warn", Host: h.Name, Text: "what an earlier run had it do failed: " + remote.Clean(err.Error()).Line(300)})
			}
		})
	}
	wg.Wait()
	return waited, ctx.Err()
}
