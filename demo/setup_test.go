package demo_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"postern/checks"
	"postern/demo"
	"postern/remote"
	"postern/run"
	"postern/site"
	"postern/steps"
	"postern/zone"
)

// operator is somebody who sets up the simulated hosts with the engine itself.
type operator struct {
	*testing.T
	w    *demo.World
	site *site.Site
	// the chapters that a scene is about; none means all
	chapters []string
	connect  func(context.Context, remote.Target) (run.Login, error)

	deadline time.Duration
	mu       sync.Mutex
	log      []string
	last     []checks.Result
	events   func(steps.Event)
	given    map[string]string // answers that a run gave itself
	turn     int               // how often plans of saved looks were compared
}

// story is a test in a world whose time passes when all wait, so that no machine is too slow for it.
func story(tell func(t *testing.T)) func(t *testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, tell)
	}
}

func newOperator(t *testing.T, deadline time.Duration, faults ...string) *operator {
	t.Helper()
	w, err := demo.New(demo.Options{Faults: faults, Speed: 5})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	s := site.Default()
	s.Domain, s.Hostname = "example.org", "mail.example.org"
	for _, h := range s.Hosts {
		h.SSH = map[string]string{"proxy": "root@" + demo.ProxyAddress, "mail": "root@" + demo.MailAddress}[h.Name]
	}
	o := &operator{T: t, w: w, site: s, deadline: deadline, events: func(steps.Event) {}}
	o.connect = w.Connect(func(_ context.Context, p remote.Prompt) (string, error) {
		o.note("asked %s %s %s", p.Kind, p.Host, p.Text)
		return map[remote.Kind]string{remote.HostKey: "yes", remote.Password: "postern"}[p.Kind], nil
	})
	return o
}

func (o *operator) note(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	line := fmt.Sprintf(format, args...)
	o.log = append(o.log, line)
	if os.Getenv("DEMO_LOG") != "" {
		o.Log(time.Now().Format("05.000 ") + line)
	}
}

// publish has the DNS tell what the site wants, as somebody would have published it.
func (o *operator) publish() {
	known := o.site.Clone()
	proxy := known.HostsOf(site.Proxy)[0]
	proxy.Public4, proxy.Public6 = netip.MustParseAddr(demo.ProxyAddress), netip.MustParseAddr(demo.ProxyAddress6)
	var lines []string
	for _, r := range slices.Concat(zone.Host(known, proxy), zone.Mail(known, proxy, known.Domain), zone.Back(known, proxy)) {
		lines = append(lines, r.Line())
	}
	o.w.Publish(lines)
}

// run makes a fresh run, as each command is one.
func (o *operator) run(verb func(ctx context.Context, r *run.Runner) error) error {
	o.Helper()
	o.publish()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	o.last = nil
	r := &run.Runner{
		Site: o.site, Connect: o.connect, Here: o.w.Dialer(), Trusts: o.w.Roots(), Clock: o.w.Now, Operator: "ann@laptop", Deadline: o.deadline,
		NewID: func() string {
			var b [6]byte
			rand.Read(b[:])
			return "t" + hex.EncodeToString(b[:])
		},
		Emit:    func(e steps.Event) { o.note("event %s %s %s", e.Kind, e.Host, e.Text); o.events(e) },
		Result:  func(c checks.Result) { o.last = append(o.last, c) },
		Approve: func(context.Context, *run.Proposal) (bool, error) { return true, nil },
		Saved:   func(s *site.Site) error { o.site = s; return nil },
		Answered: func(key, value string) error {
			o.given = map[string]string{key: value}
			return nil
		},
	}
	defer r.Close()
	return verb(ctx, r)
}

// told is the log, for a test that failed.
func (o *operator) told() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.log, "\n")
}

func bad(results []checks.Result) string {
	var b strings.Builder
	for _, r := range results {
		if r.Outcome != checks.OK && r.Outcome != checks.Skip {
			fmt.Fprintf(&b, "%s %s %s: saw %s, want %s, likely %s\n  %s\n", r.Outcome, r.ID, r.From, r.Saw, r.Want, r.Likely, r.Evidence)
		}
	}
	return b.String()
}

// apply is one `apply`.
func (o *operator) apply(ids ...string) error {
	o.Helper()
	return o.run(func(ctx context.Context, r *run.Runner) error {
		_, err := r.Apply(ctx, ids)
		return err
	})
}

// check is one `check`.
func (o *operator) check() (results []checks.Result) {
	o.Helper()
	if err := o.run(func(ctx context.Context, r *run.Runner) (err error) {
		results, err = r.Check(ctx, nil)
		return err
	}); err != nil {
		o.Errorf("check: %v", err)
	}
	return results
}

// undo is one `undo`.
func (o *operator) undo(ids ...string) error {
	o.Helper()
	return o.run(func(ctx context.Context, r *run.Runner) error {
		_, err := r.Undo(ctx, ids)
		return err
	})
}

// proven wants every check to be ok; of those named a warning will do.
func (o *operator) proven(when string, warned ...string) {
	o.Helper()
	if err := o.run(func(ctx context.Context, r *run.Runner) error {
		results, err := r.Check(ctx, nil)
		for _, id := range warned {
			for i, c := range results {
				if c.ID == id && c.Outcome == checks.Warn {
					results[i].Outcome = checks.OK
				}
			}
		}
		if bad := bad(results); bad != "" {
			o.Errorf("%s:\n%s", when, bad)
		}
		return err
	}); err != nil {
		o.Errorf("%s: %v", when, err)
	}
}

// idle wants a second apply to be empty.
func (o *operator) idle() {
	o.Helper()
	if err := o.run(func(ctx context.Context, r *run.Runner) error {
		out, err := r.Apply(ctx, nil)
		if err == nil && !out.Empty {
			err = fmt.Errorf("a second apply is not empty: %+v", out)
		}
		return err
	}); err != nil {
		o.Error(err)
	}
}

// TestSetup is the main job on the simulated hosts: from bare to proven, a second time with nothing to do, and all back.
func TestSetup(t *testing.T) {
	story(func(t *testing.T) {
		o := newOperator(t, 10*time.Minute)
		bare := newOperator(t, time.Minute)
		if err := o.apply(); err != nil {
			t.Fatalf("apply: %v\n%s\n%s", err, bad(o.last), o.told())
		}
		o.proven("after the apply")
		o.idle()
		if err := o.undo(); err != nil {
			t.Errorf("undo: %v", err)
		}
		for i, h := range []*demo.Host{bare.w.Proxy, bare.w.Mail} {
			demo.Install(h, "ufw", "iptables", "wireguard-tools")
			if h == bare.w.Proxy {
				demo.Install(h, "nodejs", "npm", "openssl", "caddy")
			}
			if got, want := demo.Whole([]*demo.Host{o.w.Proxy, o.w.Mail}[i]), demo.Whole(h); got != want {
				t.Errorf("%s after the undo:\n%s\nwant\n%s", h.Name, got, want)
			}
		}
	})(t)
}

// A run that ends while a host installs packages leaves the host at it. The next one waits until that is over, and goes on.
func TestTheNextRunOutwaitsAJob(t *testing.T) {
	story(func(t *testing.T) {
		o := newOperator(t, 10*time.Minute, "apt")
		if err := o.run(func(ctx context.Context, r *run.Runner) error {
			ctx, cancel := context.WithCancel(ctx)
			o.events = func(e steps.Event) {
				if e.Kind == "change" && strings.HasPrefix(e.Text, "waiting for another apt") {
					cancel()
				}
			}
			_, err := r.Apply(ctx, []string{"firewall"})
			return err
		}); err == nil {
			t.Fatalf("the first run was not ended:\n%s", o.told())
		}
		o.events = func(steps.Event) {}
		if err := o.apply("firewall"); err != nil {
			t.Fatalf("%v\n%s", err, o.told())
		}
		if !strings.Contains(o.told(), "waiting until that is over") {
			t.Errorf("nobody waited:\n%s", o.told())
		}
	})(t)
}
