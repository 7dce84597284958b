package families

import (
	"context"
	"errors"
	"flag"
	"math/rand"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"postern/checks"
	"postern/remote"
	"postern/site"
)

var update = flag.Bool("update", false, "write the golden list anew")

func TestGoldenList(t *testing.T) {
	var b strings.Builder
	for _, c := range checks.All() {
		b.WriteString(c.ID + "\t" + c.Step + "\t" + c.Title + "\n")
	}
	const path = "testdata/checks.golden"
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("the list of checks changed; if that is meant, run with -update:\n%s", got)
	}
}

func TestEveryCheckSaysWhatItIs(t *testing.T) {
	for _, c := range checks.All() {
		if c.Page.Asks == "" || c.Page.OK == "" || c.Page.Mends == "" || c.Page.Warn+c.Page.Fail+c.Page.Unknown == "" {
			t.Errorf("%s lacks words of its page: %+v", c.ID, c.Page)
		}
		if c.Title == "" || c.Guide == "" || c.Step == "" || c.Ask == nil || c.Reads == nil {
			t.Errorf("%s lacks a title, a source, a step, its reads or its question: %+v", c.ID, c)
		}
	}
}

// The same ID must be the same query, because the answers are kept by ID.
func TestReadsWithOneIDAreOneQuery(t *testing.T) {
	s := site.Default()
	for _, h := range s.Hosts {
		seen := map[string]remote.Query{}
		for _, c := range checks.All() {
			for _, q := range c.Reads(s, h) {
				if other, ok := seen[q.ID]; ok && other != q {
					t.Errorf("%s: %s asks something else than another check", c.ID, q.ID)
				}
				seen[q.ID] = q
			}
		}
		if got := checks.Reads(checks.All(), s, h); len(got) != len(seen) {
			t.Errorf("Reads gives %d queries for %d IDs", len(got), len(seen))
		}
	}
}

// A healthy pair of hosts makes every check ok, or skipped for a reason.
func TestHealthyHostsAreOK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		results := checks.Run(context.Background(), checks.All(), w.env, nil)
		for _, r := range results {
			if r.Outcome != checks.OK && r.Outcome != checks.Skip {
				t.Errorf("%s from %s: %s: %s (%s)", r.ID, r.From, r.Outcome, r.Saw, r.Likely)
			}
			if r.Saw.String() == "" {
				t.Errorf("%s from %s is %s and does not say what it saw", r.ID, r.From, r.Outcome)
			}
		}
		if checks.Exit(results) != 0 {
			t.Errorf("exit %d", checks.Exit(results))
		}
		if len(w.listeners) > 0 {
			t.Errorf("listeners left behind: %v", w.listeners)
		}
		for dial, n := range w.dials { // one that is silent is asked again by a machine that is slow to look
			from, to, _ := strings.Cut(dial, ">")
			if _, _, answers := w.route(from, netip.MustParseAddrPort(to)); answers && strings.HasSuffix(dial, ":22") && n > 1 {
				t.Errorf("%s: sshd was dialled %d times; rate limits count that", dial, n)
			}
		}
	})
}

// What is not known is unknown, whatever cannot be reached: a host, all hosts, all places.
func TestNothingIsClaimedOfHostsThatCannotBeLookedAt(t *testing.T) {
	for name, cut := range map[string]func(*world){
		"no host":       func(w *world) { w.lose("proxy"); w.lose("mail") },
		"no facts":      func(w *world) { w.forget("proxy"); w.forget("mail"); w.mute() },
		"not even here": func(w *world) { w.lose("proxy"); w.lose("mail"); w.mute(); w.env.Here.Dial = nil },
		"no vantages":   func(w *world) { w.env.Hosts = map[string]*checks.Vantage{} },
	} {
		w := newWorld(t)
		cut(w)
		for _, r := range checks.Run(context.Background(), checks.All(), w.env, nil) {
			if r.Outcome != checks.Unknown && r.Outcome != checks.Skip {
				t.Errorf("%s: %s from %s is %s: %s", name, r.ID, r.From, r.Outcome, r.Saw)
			}
			if r.Outcome == checks.Unknown && (r.Saw.String() == "" || r.Likely == "" || r.Fix == "" || r.Want == "" || r.From == "") {
				t.Errorf("%s: %s does not say why it is unknown: %+v", name, r.ID, r)
			}
		}
	}
}

func (w *world) lose(host string) {
	w.env.Hosts[host] = &checks.Vantage{Name: host, Err: errors.New("connection refused")}
}

func (w *world) forget(host string) { w.env.Hosts[host].Facts.Answers = nil }

// mute makes every place unable to ask.
func (w *world) mute() {
	w.env.Here.Dial = nowhere{}
	for _, v := range w.env.Hosts {
		v.Dial, v.Run = nowhere{}, func(context.Context, remote.Query) (remote.Answer, error) { return remote.Answer{}, remote.ErrLost }
		v.Listen = func(context.Context, string, string) (*remote.Listener, error) { return nil, remote.ErrNoVantage }
	}
}

type nowhere struct{}

func (nowhere) DialContext(context.Context, string, string) (net.Conn, error) {
	return nil, remote.ErrNoVantage
}

// Whatever a host says, no check breaks and none says ok.
func TestHostileFactsAreNeverOK(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	noise := func() string {
		b := make([]byte, 1+random.Intn(2000))
		random.Read(b)
		return "\x00" + string(b)
	}
	sections := []string{"== status", "== v4", "== sockets", "== uid", "== now", "== addresses", "== ps", "== files", "== units", "== live", "== connection"}
	for round := range 32 {
		w := newWorld(t)
		w.mute()
		for _, v := range w.env.Hosts {
			for id, a := range v.Facts.Answers {
				switch round % 4 {
				case 0:
					a.Out = noise()
				case 1:
					a.Out = sections[random.Intn(len(sections))] + "\n" + noise() + "\n== end\n"
				case 2:
					a.Out = a.Out[:random.Intn(len(a.Out))] // broke off
					if strings.Contains(a.Out, "== end") || strings.HasPrefix(id, "/") {
						a.Out = noise()
					}
				case 3:
					a.Out = strings.Repeat("\x1b]0;x\x07"+strings.Repeat("A", 200)+"\n", 200)
				}
				v.Facts.Answers[id] = a
			}
		}
		for _, r := range checks.Run(context.Background(), checks.All(), w.env, nil) {
			if r.Outcome == checks.OK {
				t.Fatalf("round %d: %s from %s is ok: %s", round, r.ID, r.From, r.Saw)
			}
			if strings.Contains(r.Saw.String(), "broke:") {
				t.Fatalf("round %d: %s: %s\n%s", round, r.ID, r.Saw, r.Evidence)
			}
		}
	}
}
