package wizard

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"postern/checks"
	"postern/remote"
	"postern/report"
	"postern/run"
	"postern/site"
	"postern/steps"
)

// verb is what a job does with the hosts.
type verb string

const (
	look  verb = "look"  // plans, and touches nothing
	apply verb = "apply" // asks with a proposal before each set of changes
	check verb = "check"
	undo  verb = "undo" // asks with a proposal
)

// job is one thing for the engine to do.
type job struct {
	verb  verb
	steps []string // none means all; of a check they may be checks
	site  *site.Site

	accept []string // risks that the operator took by their names
}

// changes says whether the job may change hosts: such a one is never cut short by another.
func (j job) changes() bool { return j.verb == apply || j.verb == undo }

// covers says whether a job asks, or is about, what a result answers.
func (j job) covers(r checks.Result) bool {
	if len(j.steps) == 0 || slices.Contains(j.steps, r.Step) {
		return true
	}
	c, ok := checks.Of(r.ID)
	return ok && slices.Contains(j.steps, c.ID)
}

// Asker puts a question of a connection to the operator.
type Asker func(context.Context, remote.Prompt) (string, error)

// engine is the goroutine that owns the run.Runner. It does one job after the other and turns the runner's callbacks into
// messages; where the runner asks, it waits for the answer. Sessions stay open between jobs until the way to a host changes.
type engine struct {
	make   func(*site.Site, Asker) (*run.Runner, error)
	send   func(tea.Msg)
	clock  func() time.Time
	secret func(string)
	pass   func(context.Context, string) (string, error)

	names *net.Resolver // looks up servers of others; nil in the demo

	life    context.Context // ends with the program
	mu      sync.Mutex
	waiting []job
	wake    chan struct{}
	current job
	cancel  context.CancelFunc // of the job at work, nil when there is none
	turn    sync.Mutex         // the operator is asked one thing at a time

	runner *run.Runner
	reach  string          // how the runner's hosts are reached
	accept map[string]bool // risks taken beforehand, on the command line
}

func newEngine(o Options, send func(tea.Msg)) *engine {
	names := net.DefaultResolver
	if o.Simulated != "" {
		names = nil
	}
	return &engine{names: names, make: o.Runner, send: send, clock: o.Clock, secret: o.Secret, pass: o.Askpass, wake: make(chan struct{}, 1)}
}

// do gives the engine a job. A check that runs gives way to it, and a look on the ways that are none any more; what changes
// something is ended first.
func (e *engine) do(j job, s *site.Site) {
	j.site = s.Clone()
	e.mu.Lock()
	if e.cancel != nil && (e.current.verb == check && j.verb != look || e.current.verb == look && access(e.current.site) != access(j.site)) {
		e.cancel()
	}
	e.waiting = append(e.waiting, j)
	e.mu.Unlock()
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// stop ends the job at work after the action it is at, and forgets the waiting ones. What is not confirmed is taken back.
func (e *engine) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.waiting = nil
	if e.cancel != nil {
		e.cancel()
	}
}

// run does jobs until ctx ends, then closes the sessions.
func (e *engine) run(ctx context.Context) {
	defer e.close()
	e.life = ctx
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.wake:
		}
		for e.next(ctx) {
		}
	}
}

// next does the job that waits longest, if there is one.
func (e *engine) next(ctx context.Context) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e.mu.Lock()
	if len(e.waiting) == 0 {
		e.mu.Unlock()
		return false
	}
	e.current, e.waiting, e.cancel = e.waiting[0], e.waiting[1:], cancel
	j := e.current
	e.mu.Unlock()
	e.send(startedMsg{j, e.clock()})
	done := e.work(ctx, j)
	done.job = j
	if ctx.Err() != nil || errors.Is(done.err, remote.ErrLost) {
		e.close() // a session that was left in the middle is of no use: the next job connects anew
	}
	e.mu.Lock()
	e.cancel = nil
	e.mu.Unlock()
	e.send(done)
	return true
}

func (e *engine) work(ctx context.Context, j job) (done doneMsg) {
	if done.err = e.ready(j); done.err != nil {
		return done
	}
	switch j.verb {
	case look:
		done.proposal, done.err = e.runner.Propose(ctx, j.steps)
	case apply:
		done.outcome, done.err = e.runner.Apply(ctx, j.steps)
		done.results = done.outcome.Results
	case undo:
		done.outcome, done.err = e.runner.Undo(ctx, j.steps)
		done.results = done.outcome.Results
	case check:
		done.results, done.err = e.runner.Check(ctx, j.steps)
	case why:
		e.follow(ctx, j, &done)
	}
	return done
}

// ready makes the runner fit for a job. When a host is reached in another way than before, all is connected anew.
func (e *engine) ready(j job) error {
	if reach := access(j.site); e.runner == nil || e.reach != reach {
		e.close()
		r, err := e.make(j.site, e.ask)
		if err != nil {
			return err
		}
		e.wire(r)
		e.runner, e.reach, e.accept = r, reach, r.Accept
	}
	e.runner.Site, e.runner.Accept = j.site, map[string]bool{}
	maps.Copy(e.runner.Accept, e.accept)
	for _, risk := range j.accept {
		e.runner.Accept[risk] = true
	}
	e.runner.Ask = e.ask
	e.runner.Approve = func(ctx context.Context, p *run.Proposal) (bool, error) {
		return await(ctx, func(answer func(bool)) { e.send(proposalMsg{j, p, answer}) })
	}
	return nil
}

// wire turns the runner's callbacks into messages. What it came with is told too, for the log.
func (e *engine) wire(r *run.Runner) {
	emit, result := r.Emit, r.Result
	r.Emit = func(ev steps.Event) {
		if emit != nil {
			emit(ev)
		}
		e.send(eventMsg{ev})
	}
	r.Result = func(one checks.Result) {
		if result != nil {
			result(one)
		}
		e.send(resultMsg{one})
	}
	r.Saved = func(s *site.Site) error {
		err, stopped := await(e.life, func(answer func(error)) { e.send(savedMsg{s.Revision, answer}) })
		return cmp.Or(stopped, err)
	}
	r.Answered = func(key, value string) error {
		err, stopped := await(e.life, func(answer func(error)) {
			e.send(answerMsg{[][2]string{{key, value}}, func(err error) tea.Msg { answer(err); return nil }})
		})
		return cmp.Or(stopped, err)
	}
}

// ask puts one of remote's prompts to the operator, or to the program that answers in their stead, and waits.
func (e *engine) ask(ctx context.Context, p remote.Prompt) (string, error) {
	e.turn.Lock()
	defer e.turn.Unlock()
	if report.Masked(p) && e.pass != nil {
		text, err := e.pass(ctx, report.Asked(p))
		return e.hushed(p, text, err)
	}
	type reply struct {
		text string
		err  error
	}
	got, err := await(ctx, func(answer func(reply)) {
		e.send(promptMsg{p, func(text string, err error) { answer(reply{text, err}) }})
	})
	return e.hushed(p, got.text, cmp.Or(err, got.err))
}

// hushed tells of a secret that was answered, so that no log holds it.
func (e *engine) hushed(p remote.Prompt, text string, err error) (string, error) {
	if err == nil && report.Masked(p) && text != "" && e.secret != nil {
		e.secret(text)
	}
	return text, err
}

// await asks and waits for the first answer, or for the end of ctx.
func await[T any](ctx context.Context, put func(answer func(T))) (T, error) {
	answers := make(chan T, 1)
	put(func(a T) {
		select {
		case answers <- a:
		default: // only the first counts
		}
	})
	select {
	case a := <-answers:
		return a, nil
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

func (e *engine) close() {
	if e.runner != nil {
		e.runner.Close()
		e.runner = nil
	}
}

// access is how the hosts of a site are reached, to tell whether that changed.
func access(s *site.Site) string {
	var keys []string
	for _, h := range s.Hosts {
		for _, key := range []string{"ssh", "jump", "local", "become", "fingerprint"} {
			keys = append(keys, "host."+h.Name+"."+key)
		}
	}
	text := ""
	for _, f := range site.Named(s, keys) {
		text += f.Key + "=" + f.Get(s) + "\n"
	}
	return text
}
