package run

import (
	"errors"
	"strings"
	"testing"

	"postern/remote"
	"postern/site"
	"postern/steps"
)

// lookAt is a look at the proxy that finds those answers on it.
func lookAt(t *testing.T, s *site.Site) steps.Look {
	t.Helper()
	text, err := site.Render(s)
	if err != nil {
		t.Fatal(err)
	}
	return steps.Look{"proxy": remote.Facts{Host: "proxy", Answers: map[string]remote.Answer{remote.AnswersPath: {Out: text}}}}
}

func TestNewerAnswersOfAHost(t *testing.T) {
	ours, theirs := site.Default(), site.Default()
	ours.Revision, theirs.Revision = 3, 5
	r := &Runner{Site: ours}
	if err := r.fresh(lookAt(t, theirs)); err != nil || ours.Revision != 5 {
		t.Errorf("the same answers under a newer revision: %v, revision %d, want 5 and no error", err, ours.Revision)
	}
	var kept int
	r.Saved = func(s *site.Site) error { kept = s.Revision; return nil }
	if err := r.catchUp(); err != nil || kept != 5 {
		t.Errorf("saved %d, %v; want 5", kept, err)
	}
	theirs.Revision = 7
	if err := site.Set(theirs, "ports.imaps", "1993"); err != nil {
		t.Fatal(err)
	}
	err := r.fresh(lookAt(t, theirs))
	if !errors.Is(err, ErrStale) || !strings.Contains(err.Error(), `ports.imaps: here "993", on proxy "1993"`) || ours.Revision != 5 {
		t.Errorf("other answers under a newer revision: %v, revision %d", err, ours.Revision)
	}
	theirs.Revision = 5
	if err := r.fresh(lookAt(t, theirs)); err != nil {
		t.Errorf("other answers of our own revision: %v", err)
	}
}

func TestHostIsNamedOnce(t *testing.T) {
	for in, want := range map[string]string{"no route": "mail: looking: no route", "mail: no route": "looking: mail: no route"} {
		if got := named("mail", "looking", errors.New(in)).Error(); got != want {
			t.Errorf("%q is named %q, want %q", in, got, want)
		}
	}
	if got := named("mail", "", errors.New("mail: no route")).Error(); got != "mail: no route" {
		t.Errorf("got %q", got)
	}
}

func TestWhatWorksIsAskedOfTheSiteThatIsThere(t *testing.T) {
	ours, theirs := site.Default(), site.Default()
	for _, s := range []*site.Site{ours, theirs} {
		if err := site.Set(s, "host.proxy.ssh", "root@203.0.113.10"); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(site.Set(ours, "ports.imaps", "1993"), site.Set(theirs, "host.proxy.ssh", "admin@203.0.113.10")); err != nil {
		t.Fatal(err)
	}
	left := leftOn(ours, lookAt(t, theirs))
	if left == nil || left.Ports.IMAPS != 993 || left.Host("proxy").SSH != "root@203.0.113.10" {
		t.Errorf("left %+v, want the host's ports and our way to it", left)
	}
	if left := leftOn(ours, steps.Look{}); left != nil {
		t.Errorf("left %+v of hosts that have none", left)
	}
	if err := site.Set(theirs, "host.other.ssh", "root@203.0.113.11"); err == nil {
		if left := leftOn(ours, lookAt(t, theirs)); left != nil {
			t.Errorf("left %+v with a host we do not know", left)
		}
	}
}
