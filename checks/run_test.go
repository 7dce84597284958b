package checks

import (
	"context"
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
	silent := Check{ID: "silent", Title: "t", Ask: func(context.Context, *Env) []Result { select {} }}
	heeds := Check{ID: "heeds", Title: "t", Ask: func(ctx context.Context, _ *Env) []Result {
		cancel()
		<-ctx.Done()
		return []Result{Question{From: Here, Want: "x"}.Unknown("stopped", "")}
	}}
	for _, r := range Run(ctx, []Check{silent, heeds}, &Env{}, nil) {
		if r.Outcome != Unknown || !strings.Contains(r.Saw.String(), "stopped") {
			t.Errorf("%s is %s: %s", r.ID, r.Outcome, r.Saw)
		}
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

func TestTook(t *testing.T) {
	now := time.Unix(0, 0)
	env := &Env{Clock: func() time.Time { now = now.Add(time.Second); return now }}
	if r := Run(context.Background(), []Check{says("x", OK)}, env, nil); r[0].Took != time.Second {
		t.Errorf("took %s", r[0].Took)
	}
}
