package wizard

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"postern/run"
	"postern/site"
)

func TestADestinationIsLookedUpOnceTypingPauses(t *testing.T) {
	o := setup(t, "")
	var asked []string
	o.Leads = func(_ context.Context, s *site.Site, host string) (string, error) {
		asked = append(asked, host+" "+s.Host(host).SSH)
		if strings.HasSuffix(s.Host(host).SSH, ".99") {
			return "", errors.New("there is no such name")
		}
		return "leads to root@203.0.113.10:22", nil
	}
	x := newTable(t, o)
	var pauses []func(time.Time) tea.Msg
	x.w.later = func(_ time.Duration, f func(time.Time) tea.Msg) tea.Cmd {
		pauses = append(pauses, f)
		return nil
	}
	x.keys(`enter enter enter "root@203.0.113.10"`)
	if len(pauses) < 2 || len(asked) != 0 {
		t.Fatalf("%d pauses, asked of %q while it is typed", len(pauses), asked)
	}
	for _, pause := range pauses { // of all of them only the last one counts
		x.tell(pause(time.Time{}))
	}
	if len(asked) != 1 || asked[0] != "proxy root@203.0.113.10" {
		t.Fatalf("asked of %q", asked)
	}
	if !strings.Contains(x.screen(), "leads to root@203.0.113.10:22") {
		t.Errorf("not told:\n%s", x.screen())
	}
	if x.w.file.Site.Host("proxy").SSH != "" {
		t.Error("what is being typed became an answer")
	}
	x.keys(`ctrl+u "root@203.0.113.99"`)
	x.tell(pauses[len(pauses)-1](time.Time{}))
	if !strings.Contains(x.screen(), "▲ warn there is no such name") {
		t.Errorf("not told:\n%s", x.screen())
	}
	x.keys("enter")
	if x.w.file.Site.Host("proxy").SSH != "root@203.0.113.99" {
		t.Error("a name that is not known now cannot be answered")
	}
	for x.w.top().page.(*askPage).picked != "domain" {
		x.keys("tab")
	}
	for _, pause := range pauses { // they end while another question is asked, which is about no host
		x.tell(pause(time.Time{}))
	}
}

// shelf is a folder of sites.
func shelf(t *testing.T) (Options, *[]string) {
	o := Options{Environ: []string{"LANG=C.UTF-8"}}
	var done []string
	dir := t.TempDir()
	for _, name := range []string{"home", "office"} {
		f := site.NewFile(filepath.Join(dir, name+".toml"), site.Default())
		if err := f.Set("domain", name+".example"); err != nil {
			t.Fatal(err)
		}
		if err := f.Save(); err != nil {
			t.Fatal(err)
		}
	}
	o.Sites = Sites{
		List: func() ([]Known, error) {
			var list []Known
			found, _ := filepath.Glob(filepath.Join(dir, "*.toml"))
			for _, path := range found {
				list = append(list, Known{Name: siteName(path), Path: path, Says: "x"})
			}
			return list, nil
		},
		Open: site.Load,
		New: func(name string) (*site.File, error) {
			return site.NewFile(filepath.Join(dir, name+".toml"), site.Default()), nil
		},
		Adopt: func(_ context.Context, destination, _ string, ask Asker) (*site.File, error) {
			done = append(done, "adopt "+destination)
			return nil, errors.New("no answers lie there")
		},
		Rename: func(path, name string) (string, error) {
			done = append(done, "rename "+siteName(path)+" "+name)
			to := filepath.Join(dir, name+".toml")
			return to, os.Rename(path, to)
		},
		Forget: func(path string) error {
			done = append(done, "forget "+siteName(path))
			return os.Remove(path)
		},
	}
	return o, &done
}

func TestSitesAreOpenedMadeAndForgotten(t *testing.T) {
	o, done := shelf(t)
	x := newTable(t, o)
	x.keys(`f "y" enter`)
	if !strings.Contains(x.screen(), "Type yes") || len(*done) != 0 {
		t.Fatalf("%q:\n%s", *done, x.screen())
	}
	x.keys(`"es" enter`)
	if strings.Contains(x.screen(), "home") || !strings.Contains(x.screen(), "office") {
		t.Errorf("home is still listed:\n%s", x.screen())
	}
	x.keys(`r ctrl+u "work" enter`)
	x.keys(`a "root@203.0.113.10" enter`)
	if got := strings.Join(*done, ", "); got != "forget home, rename office work, adopt root@203.0.113.10" {
		t.Errorf("did %s", got)
	}
	if !strings.Contains(x.screen(), "no answers lie there") || strings.Contains(x.screen(), "asking the host") {
		t.Errorf("an adoption that fails is not told:\n%s", x.screen())
	}
	x.keys("enter")
	if x.w.file == nil || x.w.file.Site.Domain != "office.example" {
		t.Fatalf("not opened:\n%s", x.screen())
	}
	if !strings.Contains(x.screen(), "1 of 7") {
		t.Errorf("a site without destinations does not begin with the first chapter:\n%s", x.screen())
	}
}

func TestEscapeLeadsHomeFromEverywhere(t *testing.T) {
	for _, s := range scenes {
		x := s.make(t)
		for range 12 {
			x.keys("esc")
			if x.w.changing() && slices.Contains(x.chosen, "proposal: false") { // what the engine says then
				x.tell(doneMsg{job: *x.w.busy, outcome: run.Outcome{Declined: true}})
			}
		}
		if x.w.changing() && strings.Contains(x.screen(), "the hosts are being changed") {
			continue // nobody leaves that page before it is decided; ctrl+c stops it
		}
		if len(x.w.pages) != 1 || x.w.helping != nil || len(x.w.prompts) != 0 {
			t.Errorf("%s: esc does not lead back:\n%s", s.name, x.screen())
		}
	}
}

func TestEveryScreenIsLeftByCtrlC(t *testing.T) {
	for _, s := range scenes {
		x := s.make(t)
		x.keys("ctrl+c ctrl+c")
		if !x.quit {
			t.Errorf("%s: ctrl+c does not leave", s.name)
		}
	}
}

func TestTheAnswersRevisionFollowsTheHosts(t *testing.T) {
	x := newTable(t, setup(t, known))
	var said error
	x.tell(savedMsg{7, func(err error) { said = err }})
	again, err := site.Load(x.w.file.Path)
	if said != nil || err != nil || again.Site.Revision != 7 {
		t.Errorf("%v, %v", said, err)
	}
}

func TestARolledBackApplyIsTheExitCode(t *testing.T) {
	x := newTable(t, setup(t, known))
	x.says("started apply firewall")
	x.says("done apply firewall error: " + run.ErrRolledBack.Error() + ": the login did not work")
	if got := x.w.farewell(); got.Code != 4 || !strings.Contains(strings.Join(got.Lines, "\n"), "the login did not work") {
		t.Errorf("%d: %q", got.Code, got.Lines)
	}
}
