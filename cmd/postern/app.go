package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"postern/checks"
	"postern/demo"
	"postern/remote"
	"postern/report"
	"postern/run"
	"postern/steps"
)

// app is one run of the program: what the command line said, and the ways to the operator.
type app struct {
	*globals
	world   world
	say     *voice
	ask     *asker
	secrets *secrets
	memory  *remote.Memory // what was answered to connect, asked for once
	log     *runLog
	said    report.Said // what was told already
	quiet   bool        // events are not worth a line
	last    atomic.Pointer[steps.Event]
	printed bool         // the final JSON object is out
	unsaid  bool         // it could not be written
	active  atomic.Bool  // hosts are being talked to
	drawing atomic.Bool  // the screen belongs to the wizard
	paging  atomic.Int32 // pagers that have the terminal, or had it a moment ago
	sim     *demo.World  // the simulated hosts; nil when they are real
	known   *answers     // of the demo
	of      string       // the path of the answers of this run
	guided  bool         // questions are asked
	waiting []steps.Step // chapters that lack answers, of an apply that named none
}

// command runs one command line and returns its exit code.
func command(args []string, w world) int {
	say := &voice{out: w.stdout, people: w.stdout, err: w.stderr, now: w.now}
	g, cmd, done, err := parse(args, w)
	switch {
	case done:
		return exitOK
	case err == nil && g.Version:
		say.line(plain, "postern %s", version)
		return exitOK
	}
	if g.JSON {
		say.people = w.stderr
	}
	a := newApp(g, w, say)
	if err != nil {
		return a.end(err)
	}
	if err := a.simulate(); err != nil {
		return a.end(err)
	}
	if a.sim != nil {
		defer a.sim.Close()
	}
	return interruptible(a, func(ctx context.Context) int { return a.end(cmd.Run(ctx, a)) })
}

func newApp(g *grammar, w world, say *voice) *app {
	say.colour = colours(&g.globals, w)
	if f, ok := say.people.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width >= 40 {
			say.width = width
		}
	}
	a := &app{globals: &g.globals, world: w, say: say, secrets: &secrets{}, memory: remote.NewMemory(), said: report.Said{}}
	a.ask = &asker{say: say, in: w.stdin, askpass: g.Askpass, secrets: a.secrets}
	return a
}

// colours says whether a terminal that may have colours is there and nobody asked for none.
func colours(g *globals, w world) bool {
	return !g.NoColor && !g.Plain && !g.JSON && !w.unadorned() && w.getenv("NO_COLOR") == "" && w.getenv("CLICOLOR") != "0" &&
		w.getenv("TERM") != "dumb" && w.getenv("TERM") != "" && term.IsTerminal(int(w.stdout.Fd()))
}

// unadorned says whether the environment wants plain lines.
func (w world) unadorned() bool {
	return w.getenv("CI")+w.getenv("ACCESSIBLE")+w.getenv("POSTERN_PLAIN") != ""
}

// end says what went wrong, if anything did, and returns the exit code.
func (a *app) end(err error) int {
	code, hints := verdict(err)
	var quiet silent
	if err != nil && !errors.As(err, &quiet) {
		a.say.fail(err, hints...)
		if a.JSON && !a.printed {
			a.final(failure{Schema: schema, Error: remote.Clean(remote.Words(err)).String(), Hints: hints, Exit: code})
		}
	}
	if code == exitOK && a.unsaid {
		code = exitFailed
	}
	if path := a.log.close(code); path != "" && code != exitOK {
		a.say.line(plain, "the log of this run is %s", path)
	}
	return code
}

// final prints the one object that ends a run with --json.
func (a *app) final(value any) {
	a.printed = true
	if err := a.say.json(value, true); err != nil {
		a.say.fail(err)
		a.unsaid = true
	}
}

// begin opens the log and makes ready to touch the hosts of a site.
func (a *app) begin(verb string, from *answers) (*run.Runner, error) {
	if err := a.openLog(verb); err != nil {
		return nil, err
	}
	a.of = from.file.Path
	r := &run.Runner{
		Site: from.site, Connect: a.connect(a.ask.answer), Reach: a.reach(), Here: a.here(), Trusts: a.trusts(), Diary: a.diary(), Clock: a.world.now, NewID: newID(a.world.now),
		Operator: a.world.user + "@" + a.world.hostname, Deadline: cmp.Or(a.Deadline, 2*time.Minute), Accept: a.accepted(),
		Emit: a.emit, Saved: from.saved, Answered: from.answered, Approve: a.approve, Ask: a.ask.answer,
	}
	if a.Deadline == 0 {
		r.Longest = 10 * time.Minute
	}
	a.active.Store(true)
	if a.sim != nil {
		publish(a.sim, from.site)
	}
	return r, nil
}

// ready makes ready to touch the hosts for chapters, whose names are checked.
func (a *app) ready(verb string, ids []string) (*run.Runner, error) {
	if err := named(ids, false); err != nil {
		return nil, err
	}
	from, err := a.answers(true)
	if err != nil {
		return nil, err
	}
	r, err := a.begin(verb+" "+strings.Join(ids, " "), from)
	if err == nil {
		r.Result = a.result
	}
	return r, err
}

// finish ends what begin began.
func (a *app) finish(r *run.Runner) {
	r.Close()
	a.active.Store(false)
}

func (a *app) openLog(verb string) error {
	if a.log != nil || a.sim != nil {
		return nil
	}
	log, err := openRunLog(stateFolder(a.world), a.world.now, a.secrets)
	if err != nil {
		a.say.line(amber, "no log is kept of this run: %s", remote.Words(err))
		log = nil
	}
	a.log, a.say.record = log, log.line
	log.line("postern " + version + " " + verb)
	return nil
}

// trusts are the authorities that count where the program runs; nil: those that the machine knows.
func (a *app) trusts() *x509.CertPool {
	if a.sim != nil {
		return a.sim.Roots()
	}
	return nil
}

// here dials from where the program runs.
func (a *app) here() remote.Dialer {
	if a.sim != nil {
		return a.sim.Dialer()
	}
	return &net.Dialer{}
}

// remote is what finding hosts needs from here, and what connecting needs but whom to ask.
func (a *app) remote() remote.Options {
	if a.sim != nil {
		return apart(a.sim)
	}
	return remote.Options{Home: a.world.home, User: a.world.user, AgentSock: a.world.getenv("SSH_AUTH_SOCK"),
		Log: func(host, line string) { a.log.line(host + ": " + line) }, Memory: a.memory}
}

// connect logs in to hosts. Somebody is asked for what only they know.
func (a *app) connect(ask func(context.Context, remote.Prompt) (string, error)) func(context.Context, remote.Target) (run.Login, error) {
	if a.sim != nil {
		return a.sim.Connect(ask)
	}
	o := a.remote()
	o.Ask = ask
	return run.SSH(o)
}

// diary remembers when the hosts let us in. Those that are simulated turn nobody away.
func (a *app) diary() run.Diary {
	if a.sim != nil {
		return run.Diary{}
	}
	path := filepath.Join(stateFolder(a.world), "visits.json")
	return run.Diary{
		Load: func() []byte { text, _ := os.ReadFile(path); return text },
		Keep: func(text []byte) { _ = os.WriteFile(path, text, 0o600) },
	}
}

// reach logs in by other ways. Nobody is asked for anything: what the first login was told is known.
func (a *app) reach() run.Reaching {
	if a.sim != nil {
		return nil
	}
	return run.Ways(a.remote())
}

func (a *app) accepted() map[string]bool {
	accepted := map[string]bool{}
	for _, risk := range a.AcceptRisk {
		accepted[risk] = true
	}
	return accepted
}

// emit takes one event to people, to the log and to the JSON stream.
func (a *app) emit(e steps.Event) {
	a.log.event(e)
	if a.Events {
		if err := a.say.json(eventOf(e), false); err != nil {
			a.say.fail(err)
		}
	}
	a.last.Store(&e)
	if !a.quiet || e.Kind == "warn" || e.Kind == "error" {
		a.say.lines(report.Event(e))
	}
}

// result takes one result of a check to people and to the log.
func (a *app) result(r checks.Result) {
	line := report.Result(r)
	a.log.line(line.Text)
	a.say.lines([]report.Line{line})
}

// approve shows what would be done and asks whether to do it.
func (a *app) approve(ctx context.Context, p *run.Proposal) (bool, error) {
	a.say.lines(report.Proposal(p, a.said, true))
	a.say.line(plain, "")
	question := "Do this now?"
	switch {
	case p.Last: // the heading says what stands in for the guard
	case p.Inert:
		question = "Make these preparations now?"
	default:
		a.say.prose(plain, "The hosts take it back by themselves unless new logins and the checks prove it.")
	}
	if a.Yes {
		a.say.line(plain, "%s yes (--yes)", question)
		return true, nil
	}
	agreed, err := a.ask.agree(ctx, question)
	if errors.Is(err, remote.ErrNoAnswer) {
		return false, &problem{code: exitUsage, err: fmt.Errorf("nobody agreed to the changes: %w", err),
			hints: []string{"nothing was changed; run it at a terminal, or agree beforehand with --yes"}}
	}
	return agreed, err
}

// newID makes IDs of transactions: when, and a part that nobody guesses.
func newID(now func() time.Time) func() string {
	return func() string {
		var b [6]byte
		rand.Read(b[:])
		return now().UTC().Format("20060102T150405") + hex.EncodeToString(b[:])
	}
}

// stateFolder is where logs are kept, after the XDG base directory rules.
func stateFolder(w world) string {
	if state := w.getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "postern")
	}
	return filepath.Join(w.home, ".local", "state", "postern")
}

// isCheck says whether an argument names a check, or one of its results: firewall.open, firewall.open.imaps.
func isCheck(id string) bool {
	_, ok := checks.Of(id)
	return ok
}
