package wizard

import (
	"slices"
	"testing"

	tea "charm.land/bubbletea/v2"
)

// Once an apply began before its page was there: the page never said how long it took. Commands of a batch have no order, so
// here each batch is run from its end.
func TestAJobBeginsWhenItsPageIsThere(t *testing.T) {
	x := looked(t, "started look", "done look firewall")
	x.keys("2 e")
	for x.w.top().page.(*askPage).picked != goOn {
		x.keys("tab")
	}
	x.jobs()
	var backwards func(tea.Cmd)
	backwards = func(cmd tea.Cmd) {
		if cmd == nil {
			return
		}
		m := cmd()
		if batch, ok := m.(tea.BatchMsg); ok {
			for _, c := range slices.Backward(batch) {
				backwards(c)
			}
			return
		}
		if _, there := x.w.top().page.(*applyPage); !there && len(x.w.engine.waiting) > 0 {
			t.Fatal("the engine works already, and its page is not there")
		}
		if m != nil {
			_, next := x.w.Update(m)
			backwards(next)
		}
	}
	_, cmd := x.w.Update(tea.KeyPressMsg(named["enter"]))
	backwards(cmd)
	if _, there := x.w.top().page.(*applyPage); !there || len(x.w.engine.waiting) != 1 {
		t.Errorf("%d jobs, and this on top:\n%s", len(x.w.engine.waiting), x.screen())
	}
}
