package wizard

import (
	"testing"

	"postern/checks"
	"postern/steps"
)

// What could not be asked counts before a warning, and never as ok.
func TestWorst(t *testing.T) {
	for _, c := range []struct {
		outcomes []checks.Outcome
		want     checks.Outcome
	}{
		{[]checks.Outcome{checks.OK, checks.Skip}, checks.OK},
		{[]checks.Outcome{checks.OK, checks.Unknown, checks.Warn}, checks.Unknown},
		{[]checks.Outcome{checks.Unknown, checks.OK}, checks.Unknown},
		{[]checks.Outcome{checks.Warn, checks.OK}, checks.Warn},
		{[]checks.Outcome{checks.Unknown, checks.Fail, checks.OK}, checks.Fail},
	} {
		var list []checks.Result
		for _, o := range c.outcomes {
			list = append(list, checks.Result{Outcome: o})
		}
		if got, asked := worst(list); !asked || got != c.want {
			t.Errorf("%v: %v (%v), want %v", c.outcomes, got, asked, c.want)
		}
	}
	if _, asked := worst(nil); asked {
		t.Error("nothing was asked")
	}
}

// A question that is not asked any more goes with the next round of its chapter, and no other's does.
func TestWhatIsNotAskedAnyMoreGoes(t *testing.T) {
	x := looked(t, "started look", "done look", "started check firewall", "finding ok firewall firewall.open.imaps here | open", "finding ok network host.ssh proxy | in")
	x.tell(doneMsg{job: x.job("check firewall"), results: []checks.Result{{ID: "firewall.open.smtp", Step: "firewall", From: "here", Outcome: checks.OK}}})
	for key, want := range map[string]bool{"firewall.open.imaps@here": false, "firewall.open.smtp@here": true, "host.ssh@proxy": true} {
		if _, there := x.w.results[key]; there != want {
			t.Errorf("%s is there: %v, want %v", key, there, want)
		}
	}
}

// A task is done when its check says so, or, where none was asked, when a person says so.
func TestTaskIsDone(t *testing.T) {
	x := looked(t, "started look", "done look")
	task := steps.Task{ID: "provider.firewall.proxy", Check: "firewall.open"}
	if x.w.isDone(task) {
		t.Error("done before anything was said")
	}
	if err := x.w.file.Site.Mark(task.ID, "2026-11-21"); err != nil {
		t.Fatal(err)
	}
	if !x.w.isDone(task) {
		t.Error("not done although a person said so")
	}
	for _, c := range []struct {
		line string
		want bool
	}{
		{"finding unknown firewall firewall.open.smtp here | could not be asked", false},
		{"finding fail firewall firewall.open.smtp here | closed", false},
		{"finding ok firewall firewall.open.smtp here | open", true},
	} {
		x.says(c.line)
		if got := x.w.isDone(task); got != c.want {
			t.Errorf("after %q done is %v, want %v", c.line, got, c.want)
		}
	}
}
