package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/site"
	"postern/steps"
)

// armed is one host's part while it can still be taken back.
type armed struct {
	part  steps.Part
	id    string
	guard time.Duration // the host takes it back after this
	until time.Time     // and not before this
	due   time.Time     // and has done so by this
	anew  Login         // the new login that proves the way in
	kept  bool          // confirmed, and not undone since
	back  bool          // taken back, or about to be by the host itself
	lost  bool          // it cannot be seen whether it was kept
	lags  bool          // kept, and the host has not made it last yet

	unseen bool // back, but nobody could see it
}

// took notes how long something took that is done again before a change can be confirmed.
func (r *Runner) took(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slowest = max(r.slowest, d)
}

// guard is how long the hosts wait to be confirmed: what the runner gives them, and what the changes may take and the checks may
// settle beyond what is usual. Where they were slow so far, they have the time to be as slow while they are logged in to, asked, and
// asked again, within what the operator allows.
func (r *Runner) guard(parts []steps.Part, list []checks.Check) time.Duration {
	d, longest := max(r.Deadline, min(r.Longest, 6*r.slowest.Round(time.Second))), checks.Usual
	for _, p := range parts {
		for _, c := range p.Changes {
			d += c.Takes
		}
	}
	for _, c := range list {
		longest = max(longest, c.Settles)
	}
	return d + longest - checks.Usual
}

// begin arms and applies every part: all hosts at once, or one after the other, far host first, when one is reached
// through another. It returns what is armed also when a later host failed.
func (r *Runner) begin(ctx context.Context, d decision, next *site.Site) ([]*armed, error) {
	answers, err := site.Render(next)
	if err != nil {
		return nil, err
	}
	r.count(1)
	r.recent, r.lags = nil, nil
	parts, guard := far(d.site, d.parts), r.guard(d.parts, d.after)
	list := make([]*armed, len(parts))
	id := r.NewID()
	one := func(p steps.Part, begun func()) error {
		at := slices.IndexFunc(parts, func(one steps.Part) bool { return one.Host == p.Host })
		tx := remote.Transaction{ID: partOf(id, at), Operator: r.Operator, Deadline: guard, Changes: p.Changes}
		if d.answers {
			tx.Answers = &remote.File{Text: answers, Mode: 0o600, Owner: "0:0"} // a group root is not everywhere
		}
		start := r.Clock()
		session := r.hosts[p.Host].session
		tell := r.progress(p)
		err := session.Begin(ctx, tx, func(g remote.Progress) {
			if g.N > 0 {
				begun()
			}
			tell(g)
		})
		if err == nil || unanswered(err) { // then it may have begun all the same
			list[at] = &armed{part: p, id: tx.ID, guard: guard, until: start.Add(guard), due: r.Clock().Add(guard + outdated)}
		}
		if err != nil {
			return named(p.Host, "", err)
		}
		r.emit(steps.Event{Kind: "guard", Host: p.Host, Elapsed: r.Clock().Sub(start),
			Text: fmt.Sprintf("applied and guarded: the host takes it back by itself in %s unless a new login confirms it", tx.Deadline)})
		return nil
	}
	if jumped(d.site, parts) {
		for _, p := range parts {
			if err == nil {
				err = one(p, func() {})
			}
		}
	} else {
		err = inTurn(d.site, parts, one)
	}
	return slices.DeleteFunc(list, func(a *armed) bool { return a == nil }), err
}

// inTurn does f for every part at once, but a mail host's only when the proxies' changes have begun, and not at all when one
// of these failed by then: the mail host dials, and a tunnel whose first handshake met nobody tries again only after 5 s.
func inTurn(s *site.Site, parts []steps.Part, f func(steps.Part, func()) error) error {
	begun := map[string]chan struct{}{}
	for _, p := range parts {
		if h := s.Host(p.Host); h != nil && h.Role == site.Proxy {
			begun[p.Host] = make(chan struct{})
		}
	}
	var failed atomic.Bool
	return each(parts, func(p steps.Part) error {
		if mine := begun[p.Host]; mine != nil {
			now := sync.OnceFunc(func() { close(mine) })
			defer now()
			err := f(p, now)
			if err != nil {
				failed.Store(true)
			}
			return err
		}
		for _, b := range begun {
			<-b
		}
		if failed.Load() {
			return nil
		}
		return f(p, func() {})
	})
}

// jumped says whether a changed host is reached through another of the site.
func jumped(s *site.Site, parts []steps.Part) bool {
	return slices.ContainsFunc(parts, func(p steps.Part) bool {
		h := s.Host(p.Host)
		return h != nil && h.Jump != ""
	})
}

// relogin logs in anew to every changed host: a held connection proves nothing, because firewalls let established ones
// through (transaction.md 0.4). Until it works, or the deadline is near, it is tried again, at most every 8 s so that no
// rate limit bans the operator.
func (r *Runner) relogin(ctx context.Context, list []*armed) error {
	limit, cancel := r.within(ctx, list, 4)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, len(list))
	for i, a := range list {
		wg.Go(func() {
			start := r.Clock()
			for {
				next := time.After(patience)
				var err error
				if a.anew, err = r.again(limit, a); err == nil {
					r.emit(steps.Event{Kind: "connect", Host: a.part.Host, Text: "a new login works", Elapsed: r.Clock().Sub(start)})
					return
				}
				if errs[i] != nil && limit.Err() != nil {
					return // what kept it from working was told before the time was over
				}
				errs[i] = named(a.part.Host, "no new login", err)
				r.emit(steps.Event{Kind: "warn", Host: a.part.Host, Text: "a new login does not work yet: " + remote.Clean(remote.Words(err)).Line(160)})
				select {
				case <-limit.Done():
					return
				case <-next:
				}
			}
		})
	}
	wg.Wait()
	var failed []error
	for i, a := range list {
		if a.anew == nil {
			failed = append(failed, errs[i])
		}
	}
	return errors.Join(failed...)
}

// within ends when of any host's guard no more than that part is left.
func (r *Runner) within(ctx context.Context, list []*armed, part time.Duration) (context.Context, context.CancelFunc) {
	ends := []context.CancelFunc{}
	for _, a := range list {
		var end context.CancelFunc
		ctx, end = context.WithTimeoutCause(ctx, a.until.Sub(r.Clock())-a.guard/part, &OutOfTime{a.part.Host, a.guard})
		ends = append(ends, end)
	}
	return ctx, func() {
		for _, end := range ends {
			end()
		}
	}
}

// OutOfTime is the error of a change that could not be proven while its host waited.
type OutOfTime struct {
	Host  string
	Guard time.Duration
}

// Error says so, and what helps.
func (e *OutOfTime) Error() string {
	return fmt.Sprintf("it was not proven within the %s that %s waits: the hosts, or the way to them, are slow; --deadline gives them more", e.Guard, e.Host)
}

// again is a new login to an armed host, the way the first one came.
func (r *Runner) again(ctx context.Context, a *armed) (Login, error) {
	return r.enter(ctx, r.hosts[a.part.Host].target)
}

// outdated is how long after its deadline a host has taken a change back: the second watchdog wakes up after 3 s.
const outdated = 10 * time.Second

// outage is how long at least a host is asked what became of a change. One that is reached through another may be out of reach
// for two and a half minutes after that rebooted: a tunnel goes on with the key it has as long as that is good.
const outage = 4 * time.Minute

// insist asks a host over its new login, and over yet others while the link is lost, until it has long decided by itself.
// What is asked must be the same when asked twice.
func (r *Runner) insist(ctx context.Context, a *armed, ask func(context.Context, Login) error) error {
	end, told := r.Clock().Add(max(a.guard+30*time.Second, outage)), false
	for {
		next := time.After(patience)
		limit, cancel := context.WithTimeout(ctx, 30*time.Second)
		err := ask(limit, a.anew)
		if !unanswered(err) || r.Clock().After(end) {
			cancel()
			return err
		}
		if !told {
			r.emit(steps.Event{Kind: "warn", Host: a.part.Host, Text: "the connection broke while it was being decided; asking the host what became of it"})
			told = true
		}
		if anew, again := r.again(limit, a); again == nil {
			a.anew.Close()
			a.anew = anew
		} else {
			<-next
		}
		cancel()
	}
}

// unanswered says whether an error leaves open what the host did.
func unanswered(err error) bool {
	return errors.Is(err, remote.ErrLost) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// revertAll undoes a decision that was kept, from the hosts' snapshots, because of what was found only then.
func (r *Runner) revertAll(ctx context.Context, list []*armed, why error) (rolled []string, err error) {
	for _, a := range list {
		rolled = append(rolled, a.part.Host)
	}
	slices.Sort(rolled)
	if err := r.revert(ctx, list, "what was found then must not stand"); err != nil {
		return rolled, errors.Join(why, err)
	}
	return rolled, &TakenBack{Hosts: rolled, Why: why}
}

// revert undoes confirmed changes from their kept snapshots, and says why.
func (r *Runner) revert(ctx context.Context, list []*armed, why string) error {
	var errs []error
	for _, a := range list {
		err := r.insist(ctx, a, func(ctx context.Context, over Login) error { return over.Revert(ctx, a.id) })
		text := "undone from its snapshot, because " + why
		if err != nil {
			errs = append(errs, named(a.part.Host, "going back", err))
			text = "could not be undone: " + remote.Clean(remote.Words(err)).Line(160)
		} else {
			a.kept, a.back = false, true
		}
		r.emit(steps.Event{Kind: "rollback", Host: a.part.Host, Text: text})
	}
	return errors.Join(errs...)
}

// progress turns a transaction's progress into events.
func (r *Runner) progress(p steps.Part) func(remote.Progress) {
	return func(g remote.Progress) {
		r.emit(steps.Event{Kind: "change", Host: p.Host, N: g.N, Of: g.Of, Text: g.Text.String(), Elapsed: g.Elapsed})
	}
}

// each does f for every part at once and joins the errors.
func each(parts []steps.Part, f func(steps.Part) error) error {
	errs := make([]error, len(parts))
	var wg sync.WaitGroup
	for i, p := range parts {
		wg.Go(func() { errs[i] = f(p) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
