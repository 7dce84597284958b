package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"postern/remote"
)

// Fake is a host that is none: it has files, and does with changes what the agent does, as seen from outside. What else a host
// is, its functions say; those that are nil say nothing. They may use the Fake's own methods.
type Fake struct {
	Name   string
	Answer func(remote.Query) remote.Answer                                 // what a snippet prints
	Clock  func() time.Time                                                 // now
	After  func(time.Duration, func()) (stop func() bool)                   // nil: time.AfterFunc
	Do     func(c remote.Change, phase string, say func(line string)) error // what a script does: phase is test, do, undo or keep; one at a time
	Fault  func(context.Context, Call) error                                // what goes wrong; it may wait, too
	Exec   func(context.Context, remote.Query) (remote.Answer, error)
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
	Listen func(ctx context.Context, network, address string) (*remote.Listener, error)
	Source netip.AddrPort // where logins come from, and the host's own port they come in at

	mu      sync.Mutex // of all below; let go while one of the functions is at work
	turn    *sync.Cond // told of everything that changes
	busy    bool       // a change is being applied, kept or taken back, or a job is at work
	files   map[string]*remote.File
	asked   map[string]int // by verb
	logins  []*fakeLogin
	open    *fakeChange
	ended   []*fakeChange // the newest last
	job     *fakeJob
	records []*fakeRecord
	boots   int
}

// Call is one thing asked of a Fake: an error before it is Done means that the host never heard of it, one afterwards that its
// answer was lost. After remote.ErrLost nothing more is heard over that login.
type Call struct {
	Verb string // connect, facts, exec, listen, dial, recorded, hand, prepare, watch, begin, confirm, cancel, revert or tidy
	N    int    // the how manieth of its verb on this host, from 1
	Done bool
}

// Fakes logs in to the host that a target names, through those that its way goes through.
func Fakes(hosts ...*Fake) func(context.Context, remote.Target) (Login, error) {
	var to func(context.Context, remote.Target) (*fakeLogin, error)
	to = func(ctx context.Context, t remote.Target) (*fakeLogin, error) {
		at := slices.IndexFunc(hosts, func(f *Fake) bool { return f.Name == t.Name })
		if at < 0 {
			return nil, fmt.Errorf("%s: there is no such host", t.Name)
		}
		l := &fakeLogin{f: hosts[at]}
		if t.Via != nil {
			via, err := to(ctx, *t.Via)
			if err != nil {
				return nil, err
			}
			l.via = via
		}
		err := l.call(ctx, "connect", func() error { l.f.logins = append(l.f.logins, l); return nil })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.Name, err)
		}
		return l, nil
	}
	return func(ctx context.Context, t remote.Target) (Login, error) {
		l, err := to(ctx, t)
		if err != nil {
			return nil, err
		}
		return l, nil
	}
}

// File is a file of the host, nil when it is absent. Nobody may change it.
func (f *Fake) File(path string) *remote.File {
	defer f.lock()()
	return f.files[path]
}

// Write puts a file there, or takes it away when it is nil.
func (f *Fake) Write(path string, file *remote.File) {
	defer f.lock()()
	f.write(path, file)
}

func (f *Fake) write(path string, file *remote.File) {
	if f.files[path] = file; file == nil {
		delete(f.files, path)
	}
}

// Paths are the files of the host, sorted.
func (f *Fake) Paths() []string {
	defer f.lock()()
	return slices.Sorted(maps.Keys(f.files))
}

// Open is the ID of the transaction that is neither kept nor taken back yet, "" for none.
func (f *Fake) Open() string {
	defer f.lock()()
	if f.open == nil {
		return ""
	}
	return f.open.ID
}

// Reboot ends every login and the job, and takes back what is not confirmed.
func (f *Fake) Reboot() {
	defer f.lock()()
	f.boots++
	for _, l := range f.logins {
		l.cut = true
	}
	if f.logins = nil; f.job != nil {
		f.job.end(errors.New("the job on the host ended without a result, as after a reboot: it can be started again"))
	}
	f.back(f.open, "boot")
}

func (f *Fake) lock() (unlock func()) {
	f.mu.Lock()
	if f.turn == nil {
		if f.After == nil {
			f.After = func(d time.Duration, do func()) func() bool { return time.AfterFunc(d, do).Stop }
		}
		f.turn, f.files, f.asked = sync.NewCond(&f.mu), map[string]*remote.File{}, map[string]int{}
	}
	return func() { f.turn.Broadcast(); f.mu.Unlock() }
}

// outside lets go of the lock while one of the functions is at work.
func (f *Fake) outside(do func()) {
	f.turn.Broadcast()
	f.mu.Unlock()
	defer f.mu.Lock()
	do()
}

// until waits for something, at most as long as ctx.
func (f *Fake) until(ctx context.Context, it func() bool) error {
	defer context.AfterFunc(ctx, func() { defer f.lock()() })()
	for !it() && ctx.Err() == nil {
		f.turn.Wait()
	}
	return context.Cause(ctx)
}

// enter waits until nobody changes the host.
func (f *Fake) enter() (leave func()) {
	for f.busy {
		f.turn.Wait()
	}
	f.busy = true
	return func() { f.busy = false; f.turn.Broadcast() } // whoever leaves may wait for another who waits to enter
}

// fakeLogin is one login to a Fake.
type fakeLogin struct {
	f   *Fake
	via *fakeLogin
	cut bool // the host's lock guards it
}

func (l *fakeLogin) alive() bool {
	if l.via != nil && !l.via.alive() {
		return false
	}
	defer l.f.lock()()
	return !l.cut
}

// call has the host do what a verb is, with the faults of that. do has the lock.
func (l *fakeLogin) call(ctx context.Context, verb string, do func() error) error {
	unlock := l.f.lock()
	l.f.asked[verb]++
	call := Call{Verb: verb, N: l.f.asked[verb]}
	unlock()
	fault := func() error {
		err := ctx.Err()
		if err == nil && l.f.Fault != nil {
			err = l.f.Fault(ctx, call)
		}
		if errors.Is(err, remote.ErrLost) {
			l.Close()
		}
		if err == nil && !l.alive() {
			err = remote.ErrLost
		}
		return err
	}
	if err := fault(); err != nil {
		return err
	}
	unlock = l.f.lock()
	err := do()
	unlock()
	call.Done = true
	if lost := fault(); lost != nil {
		return lost
	}
	return err
}

func (l *fakeLogin) Close() error {
	defer l.f.lock()()
	l.cut = true
	return nil
}

func (l *fakeLogin) Way() (netip.Addr, int, bool) {
	return l.f.Source.Addr(), int(l.f.Source.Port()), l.f.Source.IsValid()
}

func (l *fakeLogin) Alive(ctx context.Context) error {
	return l.call(ctx, "alive", func() error { return nil })
}

// Facts answers files and what is asked of changes and jobs by itself.
func (l *fakeLogin) Facts(ctx context.Context, queries []remote.Query) (remote.Facts, error) {
	facts := remote.Facts{Host: l.f.Name, At: l.f.Clock(), Answers: map[string]remote.Answer{}}
	err := l.call(ctx, "facts", func() error {
		for _, q := range queries {
			file := l.f.files[q.File]
			switch {
			case q == remote.ReadBoot:
				facts.Answers[q.ID] = remote.Answer{Out: fmt.Sprint("boot ", l.f.boots)}
			case q == remote.ReadStatus:
				facts.Answers[q.ID] = remote.Answer{Out: l.f.status()}
			case q.File != "" && file == nil:
				facts.Answers[q.ID] = remote.Answer{Code: 1}
			case q.File != "":
				facts.Answers[q.ID] = remote.Answer{Out: file.Text, Mode: file.Mode, Owner: file.Owner}
			case l.f.Answer != nil:
				l.f.outside(func() { facts.Answers[q.ID] = l.f.Answer(q) })
			default:
				facts.Answers[q.ID] = remote.Answer{}
			}
		}
		return nil
	})
	return facts, err
}

func (l *fakeLogin) Exec(ctx context.Context, q remote.Query) (remote.Answer, error) {
	return probe(ctx, l, "exec", l.f.Exec != nil, nil, func() (remote.Answer, error) { return l.f.Exec(ctx, q) })
}

func (l *fakeLogin) Listen(ctx context.Context, network, address string) (*remote.Listener, error) {
	return probe(ctx, l, "listen", l.f.Listen != nil, remote.ErrNoVantage, func() (*remote.Listener, error) { return l.f.Listen(ctx, network, address) })
}

func (l *fakeLogin) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return probe(ctx, l, "dial", l.f.Dial != nil, remote.ErrNoVantage, func() (net.Conn, error) { return l.f.Dial(ctx, network, address) })
}

// probe asks one of the host's functions; none is what a host without it says.
func probe[T any](ctx context.Context, l *fakeLogin, verb string, has bool, none error, ask func() (T, error)) (answer T, err error) {
	err = l.call(ctx, verb, func() error {
		err := none
		if has {
			l.f.outside(func() { answer, err = ask() })
		}
		return err
	})
	return answer, err
}
