package demo_test

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/run"
	"postern/seen"
	"postern/site"
	"postern/steps"
)

// questions are all that anybody asks of a host.
func questions(s *site.Site, h *site.Host) []remote.Query {
	all := checks.Reads(checks.All(), s, h)
	for _, fact := range seen.All() {
		all = append(all, fact.Reads(s, h)...)
	}
	for _, step := range steps.All() {
		if step.Reads != nil {
			all = append(all, step.Reads(s, h)...)
		}
	}
	for _, other := range s.HostsOf(map[site.Role]site.Role{site.Proxy: site.Mail, site.Mail: site.Proxy}[h.Role]) {
		all = append(all, seen.Through(s.TunnelAddress(other), []int{1420, 1280}).Query(s, h))
	}
	return append(all, seen.PathTo(netip.MustParseAddr("203.0.113.10")).Query(s, h), seen.Peers(s.Ports.IMAPS).Query(s, h))
}

// TestEveryQuestionIsAnswered asks all that anybody asks, of every host in every state: whole answers, of which each can be told.
func TestEveryQuestionIsAnswered(t *testing.T) {
	for name, scene := range map[string]func(t *testing.T) *operator{
		"Debian":  func(t *testing.T) *operator { return newOperator(t, 10*time.Minute) },
		"FreeBSD": func(t *testing.T) *operator { return newAbroad(t, "both-15-masks") },
		"jails":   func(t *testing.T) *operator { return newAbroad(t, "jails") },
	} {
		t.Run(name, story(func(t *testing.T) {
			o := scene(t)
			o.answered("bare")
			if err := o.apply(o.chapters...); err != nil {
				t.Fatal(err)
			}
			o.answered("set up")
			if err := o.undo(o.chapters...); err != nil {
				t.Fatal(err)
			}
			o.answered("undone")
		}))
	}
}

func (o *operator) answered(state string) {
	o.Helper()
	for _, h := range o.site.Hosts {
		l, err := o.connect(o.Context(), remote.Target{Name: h.Name, SSH: h.SSH})
		if err != nil {
			o.Fatal(err)
		}
		defer l.Close()
		facts, err := l.Facts(o.Context(), questions(o.site, h))
		if err != nil {
			o.Fatal(err)
		}
		for id, a := range facts.Answers {
			if word, _, _ := strings.Cut(id, " "); slices.Contains([]string{"unit", "user", "dir", "npm", "command", "packages", "haraka", "compose"}, word) {
				continue // of steps/does, each with a form of its own
			}
			if a.Code > 1 || a.Code == 1 && !strings.HasPrefix(id, "/") || !strings.HasPrefix(id, "/") && !strings.HasSuffix(a.Out, "== end\n") {
				o.Errorf("%s: %s: %s: %+v", state, h.Name, id, a)
			}
		}
		for _, fact := range seen.All() {
			if err := fact.Tell(facts); err != nil {
				o.Errorf("%s: %s: %v", state, h.Name, err)
			}
		}
	}
}

// TestScriptsParse has shells read every script that the demo's hosts are given, and every question: what simulated hosts do with
// them tells nothing of that.
func TestScriptsParse(t *testing.T) {
	story(func(t *testing.T) {
		o := newOperator(t, 10*time.Minute)
		scripts := map[string]string{}
		collect := func(_ context.Context, p *run.Proposal) (bool, error) {
			for _, part := range append(p.Parts(true), p.Parts(false)...) {
				for _, c := range part.Changes {
					for phase, text := range map[string]string{"test": c.Test, "do": c.Do, "undo": c.Undo, "keep": c.Keep} {
						scripts[fmt.Sprint(c.Title, " ", phase, " ", len(scripts))] = text
					}
				}
			}
			return true, nil
		}
		for _, verb := range []func(ctx context.Context, r *run.Runner, ids []string) (run.Outcome, error){
			func(ctx context.Context, r *run.Runner, ids []string) (run.Outcome, error) { return r.Apply(ctx, ids) },
			func(ctx context.Context, r *run.Runner, ids []string) (run.Outcome, error) { return r.Undo(ctx, ids) },
		} {
			if err := o.run(func(ctx context.Context, r *run.Runner) error {
				r.Approve = collect
				_, err := verb(ctx, r, nil)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		for _, h := range o.site.Hosts {
			for _, q := range questions(o.site, h) {
				scripts["question "+q.ID] = q.Run
			}
		}
		if len(scripts) < 60 {
			t.Errorf("only %d scripts", len(scripts))
		}
		var wg sync.WaitGroup
		for _, shell := range []string{"sh", "dash"} {
			if _, err := exec.LookPath(shell); err != nil {
				continue
			}
			wg.Go(func() {
				for name, text := range scripts {
					c := exec.Command(shell, "-n")
					c.Stdin = strings.NewReader(text)
					if out, err := c.CombinedOutput(); err != nil {
						t.Errorf("%s: %s: %v %s\n%s", shell, name, err, out, text)
					}
				}
			})
		}
		wg.Wait()
	})(t)
}
