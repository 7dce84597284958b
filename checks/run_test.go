package checks

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"postern/remote"
)

func says(id string, o Outcome) Check {
	return Check{ID: id, Step: "network", Title: id, Ask: func(context.Context, *Env) []Result {
		return []Result{{From: Here, Outcome: o, Saw: remote.Clean("x")}}
	}}
}

func TestRunKeepsTheOrderAndStreams(t *testing.T) {
	release := make(chan struct{})
	slow := Check{ID: "slow", Ask: func(context.Context, *Env) []Result {
		<-release
		return []Result{{From: Here, Outcome: OK}}
	}}
	var streamed []string
	results := Run(context.Background(), []Check{slow, says("fast", Warn)}, &Env{}, func(r Result) {
		streamed = append(streamed, r.ID)
		if r.ID == "fast" {
			close(release) // the slow one answers only once the fast one was emitted
		}
	})
	if len(results) != 2 || results[0].ID != "slow" || results[1].ID != "fast" {
		t.Errorf("order: %v", results)
	}
	if strings.Join(streamed, " ") != "fast slow" {
		t.Errorf("streamed: %v", streamed)
	}
	if results[1].Step != "network" {
		t.Errorf("the step is missing: %+v", results[1])
	}
}

func TestRunSurvivesAPanic(t *testing.T) {
	broken := Check{ID: "broken", Title: "t", Ask: func(context.Context, *Env) []Result { panic("boom") }}
	results := Run(context.Background(), []Check{broken, says("fine", OK)}, &Env{}, nil)
	if results[0].Outcome != Unknown || !strings.Contains(results[0].Saw.String(), "boom") || results[1].Outcome != OK {
		t.Errorf("%+v", results)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	deaf := Check{ID: "deaf", Title: "t", Ask: func(context.Context, *Env) []Result { select {} }}
	heeds := Check{ID: "heeds", Title: "t", Ask: func(ctx context.Context, _ *Env) []Result {
		cancel()
		<-ctx.Done()
		return []Result{question{from: Here, want: "x"}.unknown("stopped", "")}
	}}
	for _, r := range Run(ctx, []Check{deaf, heeds}, &Env{}, nil) {
		if r.Outcome != Unknown || !strings.Contains(r.Saw.String(), "stopped") {
			t.Errorf("%s is %s: %s", r.ID, r.Outcome, r.Saw)
		}
	}
}

// A run that was stopped before it began says nothing is ok that is measured on the network, and nothing is broken.
func TestStoppedRunBlamesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w := newWorld(t)
	var list []Check
	for _, id := range []string{"firewall.open", "firewall.closed", "firewall.dnat", "firewall.relay", "firewall.clients", "tunnel.tcp", "host.ways"} {
		c, _ := Find(id)
		list = append(list, c)
	}
	for _, r := range Run(ctx, list, w.env, nil) {
		if r.Outcome != Unknown && r.Outcome != Skip {
			t.Errorf("%s from %s is %s: %s", r.ID, r.From, r.Outcome, r.Saw)
		}
	}
}

// Checks that ask the same thing ask it once.
func TestOneDialServesAllChecks(t *testing.T) {
	w := newWorld(t)
	Run(context.Background(), All(), w.env, nil)
	if n := w.dials["here>203.0.113.10:993"]; n != 1 {
		t.Errorf("the forwarded port was dialled %d times for three checks", n)
	}
	if n := w.dials["here>203.0.113.10:2526"]; n != 1 {
		t.Errorf("the relay port was dialled %d times for two checks", n)
	}
	if w.most > 2*listenAtOnce {
		t.Errorf("%d listeners at once on two hosts", w.most)
	}
}

// From the proxy itself, outside is the mail host; from the mail host, the proxy is outside of itself all the same.
func TestOutsideIsElsewhere(t *testing.T) {
	for _, c := range []struct{ hereIs, host, want string }{
		{"", "proxy", Here}, {"", "mail", "proxy"}, {"proxy", "proxy", "mail"}, {"proxy", "mail", Here}, {"mail", "proxy", Here}, {"mail", "mail", "proxy"},
	} {
		w := newWorld(t)
		w.env.HereIs = c.hereIs
		v, err := w.env.outside(w.env.Site.Host(c.host))
		if err != nil || v.Name != c.want {
			t.Errorf("here is %q: outside of %s is %v (%v), want %s", c.hereIs, c.host, v, err, c.want)
		}
	}
	w := newWorld(t)
	w.env.HereIs = "proxy"
	w.lose("mail")
	if v, err := w.env.outside(w.env.Site.Host("proxy")); err == nil {
		t.Errorf("there is no outside, and %v was given", v)
	}
}

func TestExit(t *testing.T) {
	for _, c := range []struct {
		results []Result
		want    int
	}{
		{nil, 0},
		{[]Result{{Outcome: OK}, {Outcome: Warn}, {Outcome: Skip}}, 0},
		{[]Result{{Outcome: Unknown}, {Outcome: OK}}, 2},
		{[]Result{{Outcome: Unknown}, {Outcome: Fail}}, 1},
	} {
		if got := Exit(c.results); got != c.want {
			t.Errorf("%v: exit %d, want %d", c.results, got, c.want)
		}
	}
}

// Several hosts of a role give several results with keys of their own.
func TestTwoProxies(t *testing.T) {
	w := newWorld(t)
	second := *w.env.Site.Host("proxy")
	second.Name, second.Public4 = "second", netip.MustParseAddr("203.0.113.11")
	w.env.Site.Hosts = append(w.env.Site.Hosts, &second)
	seen := map[string]bool{}
	var about bool
	for _, r := range Run(context.Background(), All(), w.env, nil) {
		if seen[r.Key()] {
			t.Errorf("two results with the key %s", r.Key())
		}
		seen[r.Key()] = true
		about = about || strings.Contains(r.ID+r.From, "second") && r.Outcome == Unknown
	}
	if !about {
		t.Error("the second proxy, which was not looked at, is not told of")
	}
}

func TestToasterIsSkipped(t *testing.T) {
	w := newWorld(t)
	w.env.Site.Layout = "toaster"
	for _, r := range Run(context.Background(), All(), w.env, nil) {
		if strings.HasPrefix(r.ID, "firewall.") && r.Outcome != Skip {
			t.Errorf("%s is %s", r.ID, r.Outcome)
		}
	}
}

func TestTook(t *testing.T) {
	now := time.Unix(0, 0)
	env := &Env{Clock: func() time.Time { now = now.Add(time.Second); return now }}
	if r := Run(context.Background(), []Check{says("x", OK)}, env, nil); r[0].Took != time.Second {
		t.Errorf("took %s", r[0].Took)
	}
}
