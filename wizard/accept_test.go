package wizard

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"postern/checks"
	"postern/run"
	"postern/site"
)

// A risk that was taken by its name is taken for that one job, and for no other.
func TestRiskIsTakenOnce(t *testing.T) {
	e := newEngine(Options{Clock: time.Now, Runner: func(s *site.Site, _ Asker) (*run.Runner, error) {
		return &run.Runner{Site: s, Accept: map[string]bool{"on.the.command.line": true}}, nil
	}}, func(tea.Msg) {})
	for _, c := range []struct {
		accept []string
		want   []string
	}{
		{nil, []string{"on.the.command.line"}},
		{[]string{"lose-ssh"}, []string{"lose-ssh", "on.the.command.line"}},
		{nil, []string{"on.the.command.line"}},
	} {
		if err := e.ready(job{verb: apply, site: site.Default(), accept: c.accept}); err != nil {
			t.Fatal(err)
		}
		if got := slices.Sorted(maps.Keys(e.runner.Accept)); !slices.Equal(got, c.want) {
			t.Errorf("accept %q: the runner accepts %q, want %q", c.accept, got, c.want)
		}
	}
}

// What is typed for a lock-out, and what is meant although it breaks something, goes to the engine by name.
func TestAcceptedByName(t *testing.T) {
	lost := []string{"open apply firewall", "started apply firewall",
		"done apply firewall error: " + run.ErrRefused.Error() + ": you would be locked out", "lockout firewall | you come from elsewhere"}
	broke := append([]string{"open apply firewall", "started apply firewall", "offer guarded firewall"}, append(proven, "ended apply firewall broke firewall.open.imaps")...)
	for _, c := range []struct {
		lines []string
		keys  string
		want  string
	}{
		{lost, `a "lose-ss" enter`, ""},
		{lost, `a "lose-ssh " enter`, ""},
		{lost, `a "lose-ssh" enter`, "lose-ssh"},
		{broke, "a a m", "firewall.open.imaps"},
		{broke, "a a r", ""},
	} {
		x := looked(t, append([]string{"started look", "done look"}, c.lines...)...)
		x.w.engine.waiting = nil
		x.keys(c.keys)
		got := ""
		for _, j := range x.w.engine.waiting {
			got += strings.Join(j.accept, " ")
		}
		if got != c.want {
			t.Errorf("%s: accepted %q, want %q", c.keys, got, c.want)
		}
	}
}

// What a check said in an earlier run is remembered, so that it is told what changed since; and it is kept for the next.
func TestChangedSinceAnEarlierRun(t *testing.T) {
	o := setup(t, known)
	yesterday := time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC)
	o.Past = func(path string) map[string]Past {
		return map[string]Past{"host.ssh@proxy": {Outcome: checks.OK, At: yesterday}, "host.clock@mail": {Outcome: checks.OK, At: yesterday}}
	}
	var kept map[string]Past
	o.Keep = func(path string, all map[string]Past) error {
		kept = all
		return nil
	}
	x := newTable(t, o)
	for _, l := range []string{"started look", "done look", "open overview", "started check", "finding fail network host.ssh proxy | no login", "finding ok network host.clock mail | equal",
		"ended check network changed"} {
		x.says(l)
	}
	x.keys(`/ "changed" enter`)
	screen := x.screen()
	if !strings.Contains(screen, "host.ssh") || strings.Contains(screen, "host.clock") || !strings.Contains(screen, "it was [ok] at 2026-11-20 18:00") {
		t.Errorf("not told what changed:\n%s", screen)
	}
	if kept["host.ssh@proxy"].Outcome != checks.Fail || kept["host.clock@mail"].At.Before(yesterday.Add(time.Hour)) {
		t.Errorf("kept %v", kept)
	}
}

// A finding that names the answer which mends it: f takes the answer, and the plan of the step follows.
func TestFixWithAnAnswer(t *testing.T) {
	x := looked(t, "started look", "done look", "open overview", "started check")
	r := finding("fail wireguard tunnel.mtu mail | 1340 bytes get through | packets that fit | another tunnel | wireguard | x")
	r.Answer = "tunnel.mtu=1340"
	x.tell(resultMsg{r})
	x.says("ended check wireguard changed")
	x.jobs()
	x.keys("n f")
	raw, _ := os.ReadFile(x.w.file.Path)
	if got := x.jobs(); !strings.Contains(got, "apply wireguard") || x.w.file.Site.Tunnel.MTU != 1340 || !strings.Contains(string(raw), "mtu = 1340") {
		t.Errorf("jobs %q, MTU %d\n%s", got, x.w.file.Site.Tunnel.MTU, x.screen())
	}
}

// The question of a finding is answered with the page of its check.
func TestHelpOnAFindingIsItsPage(t *testing.T) {
	x := looked(t, append([]string{"started look", "done look", "open prove firewall", "started check firewall"}, proven...)...)
	x.size("100x40")
	x.keys("?")
	for _, want := range []string{"# firewall.open: Each wanted port answers", "? unknown  This place cannot ask", "What mends it:", "Keys here"} {
		if !strings.Contains(x.screen(), want) {
			t.Errorf("%q is not told:\n%s", want, x.screen())
		}
	}
}
