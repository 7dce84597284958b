package wizard

import (
	"testing"

	"postern/run"
)

// An engine that takes a no sooner than the review is gone leaves no page behind that waits for what is over.
func TestLeavingUnderAReview(t *testing.T) {
	x := newTable(t, setup(t, "host.proxy.ssh = root@203.0.113.10\nhost.mail.ssh = root@198.51.100.7"))
	j := x.job("apply firewall")
	x.tell(openMsg{newApply(&x.w.board, j)})
	x.tell(startedMsg{j, x.w.o.Clock()})
	x.tell(proposalMsg{j, x.proposal("firewall"), func(bool) {}})
	review, ok := x.w.top().page.(*reviewPage)
	if !ok {
		t.Fatalf("no review:\n%s", x.screen())
	}
	review.say(false)
	x.tell(doneMsg{job: j, outcome: run.Outcome{Declined: true}})
	x.tell(backMsg{})
	for _, l := range x.w.pages {
		if _, left := l.page.(*applyPage); left {
			t.Errorf("the page of the apply is still there:\n%s", x.screen())
		}
	}
	if len(x.w.pages) < 2 {
		t.Errorf("more than the apply went away:\n%s", x.screen())
	}
}
