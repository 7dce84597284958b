package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"postern/remote"
	"postern/seen"
	"postern/steps"
)

// Whoever connects six times in 30 s is turned away by ufw's limit, and he has to be quiet for as long. So nobody of us connects
// more than visitsMost times in visitsIn to a host that limits, and a login is tried again only every patience.
const (
	visitsIn   = 31 * time.Second
	visitsMost = 4
	patience   = 8 * time.Second
	lately     = time.Hour   // a port that let us in so long ago is not the wrong one
	justNow    = time.Minute // what turns us away so soon after may be a limit, which ends while one waits
)

// Diary keeps what is remembered of visits to hosts from one run to the next. The zero one keeps nothing.
type Diary struct {
	Load func() []byte // as it was kept; nothing when it was not
	Keep func([]byte)  // as well as it can be: without it the next run only waits less
}

// diary is when which host let us in, also in runs before: what of it matters to the pace of the next login.
type diary struct {
	Diary

	mu   sync.Mutex
	read bool
	of   map[string]*visits
}

// visits are those to one address of a host.
type visits struct {
	At    []time.Time // connections, the last few
	In    time.Time   // the last that got in
	Limit bool        // the host limits how often one may connect
	Most  int         // at most so often in Span, where the host's own rule allows less than we take
	Span  time.Duration
}

// pace is how often one may connect to the host, and in how long: less than its rule allows, for we are not the only ones.
func (v *visits) pace() (most int, in time.Duration) {
	if v.Most > 0 {
		return v.Most, v.Span
	}
	return visitsMost, visitsIn
}

// to is what is known of an address. The caller holds mu.
func (v *diary) to(key string) *visits {
	if !v.read {
		v.read, v.of = true, map[string]*visits{}
		if v.Load != nil {
			_ = json.Unmarshal(v.Load(), &v.of) // what cannot be read is not known
		}
		if v.of == nil { // it was the text "null"
			v.of = map[string]*visits{}
		}
	}
	if v.of[key] == nil {
		v.of[key] = &visits{}
	}
	return v.of[key]
}

// note takes in a connection and whether it got in.
func (v *diary) note(key string, at time.Time, in bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	one := v.to(key)
	if one.At = append(one.At, at); len(one.At) > visitsMost {
		one.At = slices.Clone(one.At[len(one.At)-visitsMost:])
	}
	if in {
		one.In = at
	}
	v.keep()
}

// limited takes in whether a host limits, and how. A rule of pf may ban for days whom it counts too often.
func (v *diary) limited(key string, limit seen.Limit, limits bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	most, span := 0, time.Duration(0)
	if in := time.Duration(min(limit.Seconds, 3600)+1) * time.Second; limits && (limit.Count-1)*int(visitsIn) < visitsMost*int(in) {
		most, span = min(max(2, limit.Count-1), visitsMost), in // two are what a change takes
	}
	if one := v.to(key); one.Limit != limits || one.Most != most || one.Span != span {
		one.Limit, one.Most, one.Span = limits, most, span
		v.keep()
	}
}

// keep writes it down.
func (v *diary) keep() {
	if text, err := json.Marshal(v.of); err == nil && v.Keep != nil {
		v.Keep(text)
	}
}

// wait is how long to wait before the next connection to an address of a host.
func (v *diary) wait(host, key string, now time.Time) time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	one := v.to(key)
	most, in := v.to(host).pace()
	if !v.to(host).Limit || len(one.At) < most {
		return 0
	}
	return max(0, min(in, one.At[len(one.At)-most].Add(in).Sub(now)))
}

// in is how long ago an address let us in; false when that is not known, or long ago.
func (v *diary) in(key string, now time.Time) (time.Duration, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	ago := now.Sub(v.to(key).In)
	return ago, ago >= 0 && ago < lately
}

// visit does one login to an address of a host, at a pace that the host takes for no attack, and remembers it.
func (r *Runner) visit(ctx context.Context, t remote.Target, key string, login func() error) error {
	if d := r.diary().wait(t.SSH, key, r.Clock()); d > 0 {
		r.emit(steps.Event{Kind: "connect", Host: t.Name, Text: fmt.Sprintf("waiting %s: the host limits how often one may connect, and turns away who does so more often", d.Round(time.Second))})
		if !pause(ctx, d) {
			return context.Cause(ctx)
		}
	}
	at := r.Clock()
	err := login()
	r.diary().note(key, at, err == nil)
	return err
}

// told is what an address that turns us away is taken for: where a login worked a short while ago it is no other port.
func (r *Runner) told(t remote.Target, err error) error {
	if ago, known := r.diary().in(t.SSH, r.Clock()); known && t.Via == nil && !t.Local && errors.Is(err, remote.ErrTurnedAway) {
		return &banned{err, ago}
	}
	return err
}

// banned is a host that turns us away although it let us in a short while ago.
type banned struct {
	err error
	ago time.Duration
}

// Error says what that is, and what it is not.
func (b *banned) Error() string {
	met, _, _ := strings.Cut(b.err.Error(), ": no SSH server")
	return fmt.Sprintf("%s, and let us in %s ago: a ban or a limit on how often one may connect (fail2ban, sshguard, the firewall), a rule made since, or the host is down. "+
		"A ban ends by itself, mostly within an hour; another network, or the other host, may lead in meanwhile", met, b.ago.Round(time.Second))
}

// Unwrap is what was met.
func (b *banned) Unwrap() error { return b.err }

// enter logs in to a host once, at its pace, and says what it is taken for when it turns us away.
func (r *Runner) enter(ctx context.Context, t remote.Target) (session Login, err error) {
	err = r.visit(ctx, t, t.SSH, func() (err error) { session, err = r.Connect(ctx, t); return err })
	return session, r.told(t, err)
}

// login logs in to a host. One that turns us away a short while after it let us in is given the time that a limit lasts.
func (r *Runner) login(ctx context.Context, t remote.Target) (session Login, err error) {
	for try := 1; ; try++ {
		session, err = r.enter(ctx, t)
		var ban *banned
		if !errors.As(err, &ban) || ban.ago > justNow || try == 2 {
			return session, err
		}
		r.emit(steps.Event{Kind: "warn", Host: t.Name, Text: fmt.Sprintf("it takes no connection, and let us in %s ago: a ban, or a limit on how often one may connect; trying again in %s",
			ban.ago.Round(time.Second), visitsIn)})
		if !pause(ctx, visitsIn) {
			return nil, err
		}
	}
}

// pause waits; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// heed learns from a look whether a host limits.
func (r *Runner) heed(name string, facts remote.Facts) {
	via, err := seen.SSH.Of(facts)
	if err != nil {
		return
	}
	limit, limits, err := seen.LimitsOf(facts, via.Ports)
	if one := r.hosts[name]; one != nil && err == nil {
		r.diary().limited(one.target.SSH, limit, limits)
	}
}

// diary is this run's.
func (r *Runner) diary() *diary {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.visits == nil {
		r.visits = &diary{Diary: r.Diary}
	}
	return r.visits
}
