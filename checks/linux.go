package checks

import (
	"context"
	"fmt"
	"strings"

	"postern/remote"
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

// ufw is what ufw says of itself.
type ufw struct {
	absent, active             bool
	incoming, outgoing, routed string
}

// told is what ufw said on one host.
type told struct {
	done chan struct{}
	ufw  ufw
	err  error
}

// ufw asks ufw on a host, once per Run. It is no part of the look that all checks wait for: ufw takes as long as all the
// rest of that together.
func (e *Env) ufw(ctx context.Context, v *Vantage) (ufw, error) {
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
			t.ufw, t.err = e.askUfw(run, v)
		}()
	}
	e.probes.mu.Unlock()
	select {
	case <-t.done:
		return t.ufw, t.err
	case <-ctx.Done():
		return ufw{}, ctx.Err()
	}
}

func (e *Env) askUfw(ctx context.Context, v *Vantage) (ufw, error) {
	if v.Run == nil {
		return ufw{}, fmt.Errorf("nothing can be run on %s", v.Name)
	}
	a, err := v.Run(ctx, render(e.Site, scripts[readUfw]))
	if err != nil {
		return ufw{}, err
	}
	return ufwOf(remote.Facts{Answers: map[string]remote.Answer{readUfw: a}})
}

// ufwOf parses `ufw status verbose`.
func ufwOf(f remote.Facts) (ufw, error) {
	s, err := parts(f, readUfw)
	if err != nil {
		return ufw{}, err
	}
	if s.has("absent") {
		return ufw{absent: true}, nil
	}
	var u ufw
	known := false
	for _, line := range s["status"] {
		key, value, _ := strings.Cut(line, ":")
		switch value = strings.TrimSpace(value); key {
		case "Status":
			u.active, known = value == "active", value == "active" || value == "inactive"
		case "Default":
			for _, one := range strings.Split(value, ",") {
				word, what, _ := strings.Cut(strings.TrimSpace(one), " ")
				switch what {
				case "(incoming)":
					u.incoming = word
				case "(outgoing)":
					u.outgoing = word
				case "(routed)":
					u.routed = word
				}
			}
		}
	}
	if !known || u.active && u.incoming == "" {
		return u, fmt.Errorf("ufw status said %q", remote.Clean(strings.Join(s["status"], "\n")).Line(80))
	}
	return u, nil
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
