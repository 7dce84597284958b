package checks

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"postern/remote"
	"postern/site"
)

// grace is how long a check may still take to return once it was told to stop.
const grace = 2 * time.Second

// Reads lists what the checks of a list want to know of one host, each query once.
func Reads(list []Check, s *site.Site, h *site.Host) []remote.Query {
	seen := map[string]bool{}
	var queries []remote.Query
	for _, c := range list {
		if c.Reads == nil {
			continue
		}
		for _, q := range c.Reads(s, h) {
			if !seen[q.ID] {
				seen[q.ID] = true
				queries = append(queries, q)
			}
		}
	}
	return queries
}

// Run asks all checks at once and gives their results in the order of the list. Each check's results are emitted as soon
// as it has them, one call of emit at a time. When ctx ends, what has no answer yet is unknown.
func Run(ctx context.Context, list []Check, env *Env, emit func(Result)) []Result {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	env.asked.begin(ctx)
	answers := make([][]Result, len(list))
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i, c := range list {
		wg.Add(1)
		go func() {
			defer wg.Done()
			results := askOne(ctx, c, env)
			mu.Lock()
			defer mu.Unlock()
			answers[i] = results
			for _, r := range results {
				if emit != nil {
					emit(r)
				}
			}
		}()
	}
	wg.Wait()
	var results []Result
	for _, a := range answers {
		results = append(results, a...)
	}
	return results
}

// askOne asks one check: it outlives neither its context nor a panic, and says under which ID and step it asked.
func askOne(ctx context.Context, c Check, env *Env) []Result {
	began := env.clock()
	answered := make(chan []Result, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				r := Result{Outcome: Unknown, From: Here, Saw: remote.Clean(fmt.Sprintf("the check itself broke: %v", p)),
					Want: c.Title, Likely: "a defect of this program", Fix: "report it with the evidence",
					Evidence: remote.Clean(string(debug.Stack()))}
				answered <- []Result{r}
			}
		}()
		answered <- c.Ask(ctx, env)
	}()
	var results []Result
	select {
	case results = <-answered:
	case <-ctx.Done():
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case results = <-answered:
		case <-timer.C:
			results = []Result{{Outcome: Unknown, From: Here, Saw: remote.Clean("stopped before it answered"), Want: c.Title,
				Likely: "the run was stopped", Fix: "ask again"}}
		}
	}
	if len(results) == 0 {
		results = []Result{{Outcome: Skip, From: Here, Saw: remote.Clean("nothing of the site to ask about")}}
	}
	took := env.clock().Sub(began)
	seen := map[string]int{}
	for i := range results {
		r := &results[i]
		r.Step = c.Step
		r.ID = c.ID + r.ID
		if r.Rests == nil {
			r.Rests = c.Rests
		}
		if r.Took == 0 {
			r.Took = took
		}
		key := r.Key()
		if n := seen[key]; n > 0 {
			r.ID = fmt.Sprintf("%s.%d", r.ID, n+1)
		}
		seen[key]++
	}
	return results
}

// Exit is the exit status that results stand for: 1 when one failed, else 2 when one could not be asked, else 0.
func Exit(results []Result) int {
	status := 0
	for _, r := range results {
		switch {
		case r.Outcome == Fail:
			return 1
		case r.Outcome == Unknown:
			status = 2
		}
	}
	return status
}

func (e *Env) clock() time.Time {
	if e.Clock == nil {
		return e.Now
	}
	return e.Clock()
}
