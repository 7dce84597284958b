package demo_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/checks"
	"postern/demo"
	"postern/remote"
	"postern/run"
	"postern/site"
	"postern/steps"
)

// operator is somebody who sets up the simulated hosts with the engine itself.
type operator struct {
	*testing.T
	w    *demo.World
	site *site.Site

	deadline time.Duration
	start    time.Time
	mu       sync.Mutex
	log      []string
	last     []checks.Result
}

func newOperator(t *testing.T, speed float64, deadline time.Duration, faults ...string) *operator {
	t.Helper()
	w, err := demo.New(demo.Options{Faults: faults, Speed: speed})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	s := site.Default()
	s.Domain, s.Hostname = "example.org", "mail.example.org"
	for _, h := range s.Hosts {
		h.SSH = map[string]string{"proxy": "root@" + demo.ProxyAddress, "mail": "root@" + demo.MailAddress}[h.Name]
	}
	s.Host("proxy").Public4 = netip.MustParseAddr(demo.ProxyAddress)
	return &operator{T: t, w: w, site: s, deadline: deadline, start: time.Now()}
}

func (o *operator) note(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	line := fmt.Sprintf("%6.2f ", time.Since(o.start).Seconds()) + fmt.Sprintf(format, args...)
	o.log = append(o.log, line)
	if os.Getenv("DEMO_LOG") != "" {
		o.Log(line)
	}
}

// options are how the hosts are reached.
func (o *operator) options() remote.Options {
	return remote.Options{Home: o.TempDir(), Apart: true, User: "ann", Dial: o.w.Dialer(), Memory: remote.NewMemory(),
		Ask: func(_ context.Context, p remote.Prompt) (string, error) {
			if p.Kind == remote.HostKey {
				return "yes", nil
			}
			return "postern", nil
		},
		Log: func(host, line string) { o.note("%s %s", host, line) }}
}

// target is one of the hosts.
func (o *operator) target(name string) remote.Target {
	return remote.Target{Name: name, SSH: o.site.Host(name).SSH}
}

// run makes a fresh run, as each command is one.
func (o *operator) run(verb func(ctx context.Context, r *run.Runner) error) error {
	o.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	o.last = nil
	r := &run.Runner{
		Site:    o.site,
		Connect: run.SSH(o.options()),
		Here:    o.w.Dialer(), Clock: time.Now, Operator: "ann@laptop", Deadline: o.deadline,
		NewID: func() string {
			var b [6]byte
			rand.Read(b[:])
			return "t" + hex.EncodeToString(b[:])
		},
		Emit:    func(e steps.Event) { o.note("event %s %s %s", e.Kind, e.Host, e.Text) },
		Result:  func(c checks.Result) { o.last = append(o.last, c) },
		Approve: func(context.Context, *run.Proposal) (bool, error) { return true, nil },
		Saved:   func(s *site.Site) error { o.site = s; return nil },
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

// whole is all of a host that an undo must bring back: files, rules that run, interfaces, units.
const whole = `find /etc -type f | sort | while read -r f; do echo "$f $(stat -c '%a %u:%g' "$f") $(sha256sum <"$f")"; done
for f in iptables-save ip6tables-save; do $f | grep -E '^-A|^:[^ ]* -|DROP'; done
ip -o link show | cut -d: -f2; ip -o -4 addr; ip route; ip rule; sysctl -e net.ipv4.ip_forward net.ipv6.conf.all.forwarding
systemctl list-units; ls -A /tmp /etc/wireguard 2>&1`

// bare is whole of hosts that nothing was done to but installing packages.
func bare(t *testing.T) map[string]string {
	w, err := demo.New(demo.Options{Speed: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	out := map[string]string{}
	for _, h := range []*demo.Host{w.Proxy, w.Mail} {
		demo.Sh(h, "apt-get install -y ufw wireguard-tools iptables; mkdir -p /etc/wireguard")
		out[h.Name] = demo.Sh(h, whole)
	}
	return out
}

// TestSetup is the main job on the simulated hosts: from bare to proven, a second time with nothing to do, and all back.
func TestSetup(t *testing.T) {
	o := newOperator(t, 10, 10*time.Minute)
	start := time.Now()
	err := o.run(func(ctx context.Context, r *run.Runner) error {
		out, err := r.Apply(ctx, nil)
		if err == nil && !out.Changed {
			err = fmt.Errorf("nothing was changed: %+v", out)
		}
		if bad := bad(out.Results); bad != "" {
			t.Errorf("after the apply:\n%s", bad)
		}
		return err
	})
	if err != nil {
		t.Fatalf("apply: %v\n%s\n%s", err, bad(o.last), o.told())
	}
	t.Logf("applied in %v", time.Since(start))
	start = time.Now()
	if err := o.run(func(ctx context.Context, r *run.Runner) error {
		results, err := r.Check(ctx, nil)
		if bad := bad(results); bad != "" {
			t.Errorf("check:\n%s", bad)
		}
		return err
	}); err != nil {
		t.Errorf("check: %v", err)
	}
	t.Logf("checked in %v", time.Since(start))
	if err := o.run(func(ctx context.Context, r *run.Runner) error {
		out, err := r.Apply(ctx, nil)
		if err == nil && !out.Empty {
			err = fmt.Errorf("a second apply is not empty: %+v", out)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	if err := o.run(func(ctx context.Context, r *run.Runner) error {
		_, err := r.Undo(ctx, nil)
		return err
	}); err != nil {
		t.Errorf("undo: %v", err)
	}
	for _, h := range []*demo.Host{o.w.Proxy, o.w.Mail} {
		if got, want := demo.Sh(h, whole), bare(t)[h.Name]; got != want {
			t.Errorf("%s after the undo:\n%s\nwant\n%s", h.Name, got, want)
		}
	}
}

// A run that ends while a host installs packages leaves the host at it. The next one waits until that is over, and goes on.
func TestTheNextRunOutwaitsAJob(t *testing.T) {
	o := newOperator(t, 1, 10*time.Minute)
	if err := o.run(func(ctx context.Context, r *run.Runner) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		emit := r.Emit
		r.Emit = func(e steps.Event) {
			emit(e)
			if e.Kind == "change" && strings.HasPrefix(e.Text, "installing") {
				cancel()
			}
		}
		_, err := r.Apply(ctx, []string{"firewall"})
		return err
	}); err == nil {
		t.Fatalf("the first run was not ended:\n%s", o.told())
	}
	if err := o.run(func(ctx context.Context, r *run.Runner) error {
		_, err := r.Apply(ctx, []string{"firewall"})
		return err
	}); err != nil {
		t.Fatalf("%v\n%s", err, o.told())
	}
	if !strings.Contains(o.told(), "waiting until that is over") {
		t.Errorf("nobody waited:\n%s", o.told())
	}
}
