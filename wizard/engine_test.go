package wizard

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"postern/remote"
	"postern/run"
	"postern/site"
)

// bench is an engine that runs, with what it says.
type bench struct {
	*engine
	said chan tea.Msg
	made []*run.Runner
	done chan struct{}
}

// newBench runs an engine whose hosts are never reached: dialing waits until the test lets it fail.
func newBench(t *testing.T, dial remote.Dialer) *bench {
	b := &bench{said: make(chan tea.Msg, 100), done: make(chan struct{})}
	o := Options{Clock: time.Now, Runner: func(s *site.Site, ask Asker) (*run.Runner, error) {
		r := &run.Runner{Site: s, Clock: time.Now, NewID: func() string { return "id" },
			Connect: run.SSH(remote.Options{Home: t.TempDir(), User: "me", Dial: dial, Ask: ask})}
		b.made = append(b.made, r)
		return r, nil
	}}
	b.engine = newEngine(o, func(m tea.Msg) { b.said <- m })
	ctx, cancel := context.WithCancel(context.Background())

	go func() { b.run(ctx); close(b.done) }()
	t.Cleanup(func() { cancel(); <-b.done })
	return b
}

// until waits for a message of a kind.
func until[T tea.Msg](t *testing.T, b *bench) T {
	t.Helper()
	for {
		select {
		case m := <-b.said:
			if got, ok := m.(T); ok {
				return got
			}
		case <-time.After(20 * time.Second):
			t.Fatal("the engine says nothing")
		}
	}
}

func reachedBy(t *testing.T, destination string) *site.Site {
	t.Helper()
	s := site.Default()
	for _, h := range s.Hosts {
		if err := site.Set(s, "host."+h.Name+".ssh", destination); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestEngineDoesOneJobAfterTheOther(t *testing.T) {
	refused := errors.New("nobody is there")
	b := newBench(t, dialing(func(context.Context) error { return refused }))
	s := reachedBy(t, "root@203.0.113.10")
	b.do(job{verb: look, steps: []string{"network"}}, s)
	b.do(job{verb: apply, steps: []string{"firewall"}}, s)
	for _, want := range []verb{look, apply} {
		if got := until[startedMsg](t, b); got.job.verb != want {
			t.Errorf("began %q, not %q", got.job.verb, want)
		}
		got := until[doneMsg](t, b)
		if got.job.verb != want || !errors.Is(got.err, refused) {
			t.Errorf("%q ended with %v", got.job.verb, got.err)
		}
	}
	if len(b.made) != 1 {
		t.Errorf("%d runners for one way to the hosts", len(b.made))
	}
	b.do(job{verb: look}, reachedBy(t, "root@203.0.113.11"))
	until[doneMsg](t, b)
	if len(b.made) != 2 {
		t.Errorf("%d runners after the way to the hosts changed", len(b.made))
	}
}

func TestEngineStops(t *testing.T) {
	b := newBench(t, dialing(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }))
	b.do(job{verb: apply}, reachedBy(t, "root@203.0.113.10"))
	until[startedMsg](t, b)
	b.engine.stop()
	if got := until[doneMsg](t, b); !errors.Is(got.err, context.Canceled) {
		t.Errorf("stopped, and ended with %v", got.err)
	}
}

func TestEngineLeavesTheWayThatIsNoneAnyMore(t *testing.T) {
	b := newBench(t, dialing(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }))
	b.do(job{verb: look}, reachedBy(t, "root@203.0.113.10"))
	until[startedMsg](t, b)
	b.do(job{verb: look}, reachedBy(t, "root@203.0.113.11"))
	if got := until[doneMsg](t, b); !errors.Is(got.err, context.Canceled) {
		t.Errorf("the first look ended with %v", got.err)
	}
	until[startedMsg](t, b)
	b.engine.stop()
	until[doneMsg](t, b)
}

func TestEngineAsks(t *testing.T) {
	b := newBench(t, nil)
	var secrets []string
	b.secret = func(s string) { secrets = append(secrets, s) }
	go func() {
		m := <-b.said
		m.(promptMsg).answer("hush", nil)
		m.(promptMsg).answer("too late", nil)
	}()
	got, err := b.ask(context.Background(), remote.Prompt{Kind: remote.Password, Host: "proxy"})
	if got != "hush" || err != nil || len(secrets) != 1 {
		t.Errorf("%q, %v; %d secrets were told", got, err, len(secrets))
	}
	var told []string
	b.pass = func(_ context.Context, what string) (string, error) {
		told = append(told, what)
		return "from a program", nil
	}
	got, err = b.ask(context.Background(), remote.Prompt{Kind: remote.Sudo, Host: "mail"})
	if got != "from a program" || err != nil || len(told) != 1 || told[0] != "sudo password on mail" || len(secrets) != 2 {
		t.Errorf("%q, %v; asked for %q, %d secrets were told", got, err, told, len(secrets))
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.ask(ctx, remote.Prompt{Kind: remote.HostKey}); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody answered: %v", err)
	}
}

// dialing is a way out that only fails.
type dialing func(context.Context) error

func (d dialing) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return nil, d(ctx)
}
