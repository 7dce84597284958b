package run

import (
	"cmp"
	"context"
	"slices"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/site"
	"postern/steps"
)

// baseline is what worked before a change. It is asked while inert parts are made, which change nothing that it asks.
type baseline struct {
	list    []checks.Check
	since   time.Time
	took    time.Duration
	done    chan struct{}
	results []checks.Result
	err     error
}

// leftOn is the site as the last run left it on the hosts, reached as ours is; nil when they have none that fits. What
// works before a change is asked of it, because under the new answers nothing can be expected to work yet.
func leftOn(ours *site.Site, look steps.Look) *site.Site {
	var left *site.Site
	for _, h := range ours.Hosts {
		facts := look[h.Name]
		file, known := facts.File(remote.AnswersPath)
		if !known || file == nil {
			continue
		}
		if theirs, err := site.Parse(file.Text); err == nil && (left == nil || theirs.Revision > left.Revision) {
			left = theirs
		}
	}
	if left == nil || len(left.Hosts) != len(ours.Hosts) {
		return nil
	}
	for _, h := range ours.Hosts {
		t := left.Host(h.Name)
		if t == nil || t.Role != h.Role {
			return nil
		}
		t.SSH, t.Jump, t.Local, t.Become, t.Fingerprint = h.SSH, h.Jump, h.Local, h.Become, h.Fingerprint
	}
	return left
}

// keeps is how old a baseline may be: what others changed meanwhile must not be held against the change.
const keeps = time.Minute

// ask begins to ask the checks, to know what works now. The hosts are looked at before it returns.
func (r *Runner) ask(ctx context.Context, list []checks.Check) *baseline {
	r.emit(steps.Event{Kind: "prove", Text: proving(len(list), ", to know what works now")})
	b := &baseline{list: list, since: r.Clock(), done: make(chan struct{})}
	r.boots, r.anew = nil, nil // what works is known of these boots
	env, err := r.env(ctx, cmp.Or(r.left, r.Site), list, r.sessions())
	if err != nil {
		b.err = err
		close(b.done)
		return b
	}
	env.Hasty = true
	go func() {
		defer close(b.done)
		b.results = checks.Run(ctx, list, env, func(checks.Result) {})
		b.took = r.Clock().Sub(b.since)
		b.err = ctx.Err()
	}()
	return b
}

// before gives the results of a baseline of these checks, and asks anew where there is none or it has grown old.
func (r *Runner) before(ctx context.Context, early *baseline, list []checks.Check) ([]checks.Result, error) {
	if early == nil || !early.covers(list) || r.Clock().Sub(early.since) > keeps {
		early = r.ask(ctx, list)
	}
	<-early.done
	r.took(early.took)
	return early.results, early.err
}

// covers says whether a baseline is one of at least these checks.
func (b *baseline) covers(list []checks.Check) bool {
	return !slices.ContainsFunc(list, func(c checks.Check) bool {
		return !slices.ContainsFunc(b.list, func(had checks.Check) bool { return had.ID == c.ID })
	})
}
