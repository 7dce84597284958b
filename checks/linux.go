package checks

import (
	"context"
	"strings"

	"postern/seen"
)

// linux is for the layout with a proxy and a mail host under Linux; another layout makes its check a skip.
func linux(ask func(context.Context, *Env) []Result) func(context.Context, *Env) []Result {
	return func(ctx context.Context, e *Env) []Result {
		if e.Site.Layout == "toaster" {
			return []Result{question{from: Here}.skip("the layout is toaster: one host, no tunnel, and pf")}
		}
		return ask(ctx, e)
	}
}

// told is what ufw said on one host.
type told struct {
	done chan struct{}
	ufw  seen.Ufw
	err  error
}

// ufw asks ufw on a host, once per Run. It is no part of the look that all checks wait for: ufw takes as long as all the
// rest of that together.
func (e *Env) ufw(ctx context.Context, v *Vantage) (seen.Ufw, error) {
	e.probes.mu.Lock()
	if e.probes.told == nil {
		e.probes.told = map[string]*told{}
	}
	t, run := e.probes.told[v.Name], e.probes.ctx
	if run == nil {
		run = ctx
	}
	if t == nil {
		t = &told{done: make(chan struct{})}
		e.probes.told[v.Name] = t
		go func() {
			defer close(t.done)
			t.ufw, t.err = askNow(run, e.Site, v, seen.UfwStatus)
		}()
	}
	e.probes.mu.Unlock()
	select {
	case <-t.done:
		return t.ufw, t.err
	case <-ctx.Done():
		return seen.Ufw{}, ctx.Err()
	}
}

// setting is the value of KEY=value in a shell-like file, quotes taken off; the last one counts.
func setting(text, key string) string {
	value := ""
	for _, line := range strings.Split(text, "\n") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), key+"="); ok {
			value = strings.Trim(strings.TrimSpace(v), `"'`)
		}
	}
	return value
}
