package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/site"
	"postern/steps"
)

// fate is what befalls one host, or the program, during a decision.
type fate struct {
	name string
	at   string // the verb it strikes at
	does func(c *decided, ctx context.Context, call Call) error
	ends ending
}

// ending is what a fate leaves to be decided: nothing, that all go back, or that the struck host alone cannot be seen any more.
type ending int

const (
	asWanted ending = iota // in the end it is as if nothing had happened
	unproven               // all is kept, and what is asked afterwards is not
	goesBack
	dies   // the program; all hosts decide by themselves, alike
	unseen // the struck host decides by itself, and the other has kept the change
	split  // the struck host goes back, and the other cannot be undone
)

var fates = []fate{
	{"nothing", "", nil, asWanted},
	{"its change fails", "begin", func(c *decided, _ context.Context, call Call) error { c.breaks.Store(true); return nil }, goesBack},
	{"another holds it", "begin", func(*decided, context.Context, Call) error { return &remote.ErrLocked{} }, goesBack},
	{"the way to it breaks before it begins", "begin", once(Call{N: 1}), goesBack},
	{"the way to it breaks while it begins", "begin", once(Call{N: 1, Done: true}), goesBack},
	{"it is started anew while it is asked", "facts", func(c *decided, _ context.Context, call Call) error {
		if c.struck.Open() != "" {
			c.struck.Reboot()
			return remote.ErrLost
		}
		return nil
	}, goesBack},
	{"it is started anew, and all is well when it is asked", "connect", func(c *decided, _ context.Context, call Call) error {
		if c.struck.Open() != "" {
			c.struck.Reboot()
		}
		return nil
	}, goesBack},
	{"its new login fails at first", "connect", once(Call{N: 1}), asWanted},
	{"no new login works", "connect", func(c *decided, _ context.Context, call Call) error {
		if c.struck.Open() != "" {
			return errors.New("no route to host")
		}
		return nil
	}, goesBack},
	{"the way to it breaks before it is confirmed", "confirm", once(Call{N: 1}), asWanted},
	{"the way to it breaks while it is confirmed", "confirm", once(Call{N: 1, Done: true}), asWanted},
	{"it is confirmed too late", "confirm", func(c *decided, _ context.Context, call Call) error {
		if !call.Done && call.N == 1 {
			c.struck.Reboot()
			return remote.ErrLost
		}
		return nil
	}, goesBack},
	{"it is confirmed too late, and the other cannot be undone", "confirm", func(c *decided, _ context.Context, call Call) error {
		if !call.Done && call.N == 1 {
			c.stuck.Store(true)
			c.struck.Reboot()
			return remote.ErrLost
		}
		return nil
	}, split},
	{"it is not seen again before it is confirmed", "confirm", func(c *decided, _ context.Context, call Call) error {
		c.dark.Store(true)
		return remote.ErrLost
	}, unseen},
	{"it is not seen again once it is confirmed", "confirm", func(c *decided, _ context.Context, call Call) error {
		if c.dark.Store(call.Done); call.Done {
			return remote.ErrLost
		}
		return nil
	}, unseen},
	{"the operator stops while it begins", "begin", stops(false), goesBack},
	{"the operator stops while it is logged in to", "connect", func(c *decided, ctx context.Context, call Call) error {
		c.stop()
		return nil
	}, goesBack},
	{"the operator stops while it is confirmed", "confirm", stops(true), unproven},
	{"the program is killed once it has begun", "begin", func(c *decided, _ context.Context, call Call) error {
		if call.Done {
			c.dead.Store(true)
		}
		return nil
	}, dies},
	{"the program is killed while it logs in anew", "connect", func(c *decided, _ context.Context, call Call) error {
		c.dead.Store(true)
		return nil
	}, dies},
}

// once breaks the link at one call, and never again.
func once(at Call) func(*decided, context.Context, Call) error {
	return func(_ *decided, _ context.Context, call Call) error {
		if call.N == at.N && call.Done == at.Done {
			return remote.ErrLost
		}
		return nil
	}
}

func stops(done bool) func(*decided, context.Context, Call) error {
	return func(c *decided, _ context.Context, call Call) error {
		if call.Done == done {
			c.stop()
		}
		return nil
	}
}

// decided is one decision over fake hosts, and how it went.
type decided struct {
	fate                      fate
	hosts                     []string       // that are changed; the last one is struck
	finds                     checks.Outcome // by the check, once a change is in place
	was, kept                 checks.Outcome // by the check before, ok when empty, and once the change is kept, as before when empty
	grave                     bool           // what it finds, when it fails
	heals                     time.Duration  // after this it is ok again; 0: never; less: once the change is kept
	says, takes               time.Duration  // how long the change says it may take, and does
	asks                      time.Duration  // how long the check asks, once a change is in place
	slow, longest             time.Duration  // how long it asks always, and the longest deadline that is allowed
	accepts                   bool           // that the check breaks
	jump                      bool           // the mail host is reached through the proxy
	fakes                     map[string]*Fake
	struck                    *Fake
	stop                      func()
	breaks, dark, stuck, dead atomic.Bool
	held                      atomic.Bool // a check was asked over a login older than the change
	first                     map[string]Login
	logins                    atomic.Int32 // to the struck host, since the decision began

	r       *Runner
	since   time.Time // a change was in place
	results []checks.Result
	saved   int
	events  []steps.Event
	rolled  []string
	err     error
}

// state is OLD or NEW, or what else it is, of a host's file, of what runs, and of the answers, which go together.
func state(f *Fake) string {
	text := f.File("/etc/x").Text + f.File("/run/x").Text
	if f.File(remote.AnswersPath) != nil {
		text += " with answers"
	}
	switch text {
	case "oldold":
		return "OLD"
	case "newnew with answers":
		return "NEW"
	}
	return text
}

// decide makes the decision, in a world whose time passes when all wait.
func (c *decided) decide(t *testing.T) {
	s := site.Default()
	s.Host("proxy").SSH, s.Host("mail").SSH = "proxy", "mail"
	if c.jump {
		s.Host("mail").Jump = "proxy"
	}
	c.fakes = map[string]*Fake{}
	var all []*Fake
	for _, h := range s.Hosts {
		f := &Fake{Name: h.Name, Clock: time.Now}
		f.Write("/etc/x", &remote.File{Text: "old"})
		f.Write("/run/x", &remote.File{Text: "old"})
		f.Do = func(one remote.Change, phase string, say func(string)) error {
			if phase == "do" {
				time.Sleep(c.takes)
			}
			f.Write("/run/x", &remote.File{Text: map[string]string{"do": one.Do, "undo": one.Undo}[phase]})
			if f == c.struck && phase == "do" && c.breaks.Load() {
				return errors.New("exit status 1")
			}
			return nil
		}
		f.Fault = func(ctx context.Context, call Call) error { return c.fault(ctx, f, call) }
		c.fakes[h.Name], all = f, append(all, f)
	}
	c.struck = c.fakes[c.hosts[len(c.hosts)-1]]
	n := 0
	c.r = &Runner{Site: s, Connect: Fakes(all...), Clock: time.Now, Accept: map[string]bool{"x": c.accepts}, Operator: "ann", Deadline: 2 * time.Minute, Longest: c.longest,
		NewID: func() string { n++; return fmt.Sprint("t", n) },
		Emit:  func(e steps.Event) { c.events = append(c.events, e) },
		Saved: func(*site.Site) error { c.saved++; return nil }}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	if err := c.r.connect(ctx); err != nil || c.r.unreachable() != nil {
		t.Fatal(err, c.r.unreachable())
	}
	c.stop, c.first = stop, c.r.sessions()
	d := decision{site: s, answers: true, before: []checks.Check{c.check()}, after: []checks.Check{c.check()}}
	for _, h := range c.hosts {
		d.parts = append(d.parts, steps.Part{Host: h, Changes: []remote.Change{{ID: "x", Step: "x", Title: "x", Path: "/etc/x",
			Old: &remote.File{Text: "old"}, New: &remote.File{Text: "new"}, Do: "new", Undo: "old", Takes: c.says}}})
	}
	c.results, c.rolled, c.err = c.r.change(ctx, d)
}

// fault lets the fate strike.
func (c *decided) fault(ctx context.Context, f *Fake, call Call) error {
	switch {
	case c.dead.Load(), c.dark.Load() && f == c.struck:
		return remote.ErrLost
	case call.Verb == "revert" && c.stuck.Load():
		return errors.New("no space left on device")
	case f == c.struck && call.Verb == c.fate.at && c.stop != nil:
		if call.Verb == "connect" {
			if call.N = int(c.logins.Load()); !call.Done {
				call.N = int(c.logins.Add(1))
			}
		}
		return c.fate.does(c, ctx, call)
	}
	return nil
}

// check is ok as long as no host has a change in place, and then what it is to find.
func (c *decided) check() checks.Check {
	is := func(o checks.Outcome) []checks.Result {
		return []checks.Result{{From: "here", Outcome: o, Grave: c.grave && o == checks.Fail}}
	}
	return checks.Check{ID: "x", Step: "x", Settles: checks.Usual, Ask: func(ctx context.Context, env *checks.Env) []checks.Result {
		pause, end := context.WithTimeout(ctx, c.slow)
		<-pause.Done()
		end()
		for h, f := range c.fakes {
			if f.File("/etc/x").Text != "new" {
				continue
			}
			if f.Open() != "" && env.Hosts[h].Dial == c.first[h] {
				c.held.Store(true)
			}
			if c.since.IsZero() {
				c.since = time.Now()
				pause, end := context.WithTimeout(ctx, c.asks)
				<-pause.Done()
				end()
			}
			if healed := c.heals > 0 && time.Since(c.since) >= c.heals || c.heals < 0 && f.Open() == ""; !healed {
				return is(c.finds)
			}
			if f.Open() == "" {
				return is(cmp.Or(c.kept, c.was, checks.OK))
			}
		}
		return is(cmp.Or(c.was, checks.OK))
	}}
}

// expected is how every changed host must end, and the kind of the error; a host that nobody could see may be either.
func (c *decided) expected() (states map[string]string, err error) {
	worse := c.finds != checks.OK && !c.accepts
	states = map[string]string{}
	for _, h := range c.hosts {
		struck := c.fakes[h] == c.struck
		switch {
		case c.fate.ends == dies, c.fate.ends == goesBack, worse:
			states[h], err = "OLD", ErrRolledBack
		case c.fate.ends == unseen:
			states[h], err = "NEW", ErrUntold
			if struck && !strings.Contains(c.fate.name, "once it is confirmed") {
				states[h] = "OLD"
			}
		case c.fate.ends == split && struck:
			states[h], err = "OLD", ErrRolledBack
		default:
			if states[h] = "NEW"; c.fate.ends == unproven {
				err = context.Canceled
			}
		}
	}
	return states, err
}

// began says whether a change was in place on any host.
func (c *decided) began() bool {
	for _, f := range c.fakes {
		if len(remote.ParseStatus(f.status()).Ended) > 0 {
			return true
		}
	}
	return false
}

// judge holds a decision against what must be.
func (c *decided) judge(t *testing.T) {
	want, wantErr := c.expected()
	if errors.Is(wantErr, ErrRolledBack) && !c.began() {
		wantErr = ErrRefused
	}
	if !errors.Is(c.err, wantErr) && c.fate.ends != dies || (c.err == nil) != (wantErr == nil) {
		t.Errorf("it ended with %v, want %v", c.err, wantErr)
	}
	var lost *Regression
	broke, reached := errors.As(c.err, &lost), c.fate.ends == asWanted || c.fate.at == "confirm"
	switch {
	case strings.Contains(c.fate.name, "started anew"): // what a reboot broke is told as that
		if c.fate.at == "connect" && c.began() && c.err != nil && !broke {
			t.Errorf("it was started anew, and that is not told, or only after others were confirmed: %v", c.err)
		}
		if broke && (!slices.Equal(lost.Anew, []string{c.struck.Name}) || len(lost.IDs()) > 0 || !strings.Contains(lost.Error(), c.struck.Name+" rebooted")) {
			t.Errorf("it was started anew, and that is told as %v", lost)
		}
	case broke != (reached && c.finds != checks.OK && !c.accepts) || broke && len(lost.Anew) > 0:
		t.Errorf("what broke: %v", lost)
	}
	alone := c.fate.ends == dies || c.fate.ends == unseen // it takes its deadline
	for _, h := range c.hosts {
		f := c.fakes[h]
		if got := state(f); got != want[h] && !(alone && f.Open() != "") {
			t.Errorf("%s is %s at the end of the run, want %s", h, got, want[h])
		}
	}
	if (c.err == nil || c.fate.ends == unproven && !errors.Is(wantErr, ErrRolledBack)) != (c.saved == 1) || c.r.Site.Revision != site.Default().Revision+c.saved {
		t.Errorf("the answers were saved %d times under revision %d, with %v", c.saved, c.r.Site.Revision, c.err)
	}
	if c.held.Load() {
		t.Error("it was proven over a connection that was there before")
	}
	if c.fate.ends == unseen && errors.Is(wantErr, ErrUntold) && len(c.rolled) > 0 {
		t.Errorf("told to have gone back, unseen: %v", c.rolled)
	}
	time.Sleep(time.Hour)
	for h, f := range c.fakes {
		if got := state(f); slices.Contains(c.hosts, h) && got != want[h] || !slices.Contains(c.hosts, h) && got != "OLD" {
			t.Errorf("%s is %s, want %s", h, got, want[h])
		}
		if f.Open() != "" {
			t.Errorf("%s is still held", h)
		}
		if c.fate.ends != dies && c.fate.ends != unseen {
			c.truth(t, h)
		}
	}
}

// truth: who is told to have gone back did, and what was told last of a host is how it is.
func (c *decided) truth(t *testing.T, host string) {
	last := ""
	for _, e := range c.events {
		if e.Host == host && (e.Kind == "confirm" || e.Kind == "rollback" && !strings.Contains(e.Text, "could not")) {
			last = e.Kind
		}
	}
	is := state(c.fakes[host])
	if last == "confirm" && is != "NEW" || last == "rollback" && is != "OLD" || last == "" && is == "NEW" {
		t.Errorf("told of %s last: %q; it is %s", host, last, is)
	}
	if slices.Contains(c.rolled, host) && is != "OLD" || last == "rollback" && !slices.Contains(c.rolled, host) {
		t.Errorf("told to have gone back: %v; told of %s last: %q; it is %s", c.rolled, host, last, is)
	}
}

// TestDecision enumerates what can happen while a change is decided on.
func TestDecision(t *testing.T) {
	for _, f := range fates {
		for _, hosts := range []string{"proxy", "mail", "mail proxy", "proxy mail"} {
			for _, finds := range []checks.Outcome{checks.OK, checks.Fail, checks.Unknown} {
				for _, more := range []string{"", "jump", "accepted"} {
					c := &decided{fate: f, hosts: strings.Fields(hosts), finds: finds, jump: more == "jump", accepts: more == "accepted"}
					t.Run(fmt.Sprint(f.name, "/", hosts, "/", finds, more), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							c.decide(t)
							c.judge(t)
							if t.Failed() {
								for _, e := range c.events {
									t.Log(e.Kind, e.Host, e.Text)
								}
							}
							c.r.Close()
						})
					})
				}
			}
		}
	}
}
