package run

import (
	"errors"
	"net/netip"
	"reflect"
	"sync"
	"testing"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/site"
	"postern/steps"
)

func TestRegressions(t *testing.T) {
	result := func(id string, o checks.Outcome) checks.Result { return checks.Result{ID: id, Outcome: o} }
	for _, c := range []struct {
		name          string
		before, after checks.Outcome
		lost          bool
	}{
		{"stays ok", checks.OK, checks.OK, false},
		{"breaks", checks.OK, checks.Fail, true},
		{"cannot be asked any more", checks.OK, checks.Unknown, true},
		{"a warning is not a loss", checks.OK, checks.Warn, false},
		{"was broken before", checks.Fail, checks.Fail, false},
		{"was never asked", checks.Unknown, checks.Fail, false},
		{"becomes not applicable", checks.OK, checks.Skip, false},
	} {
		lost := regressions([]checks.Result{result("x", c.before)}, []checks.Result{result("x", c.after)})
		if (len(lost) > 0) != c.lost {
			t.Errorf("%s: lost %v, want %v", c.name, lost, c.lost)
		}
	}
	for before, is := range map[checks.Outcome]int{"": 1, checks.Skip: 1, checks.Unknown: 1, checks.OK: 1, checks.Fail: 0} {
		relay := result("x", checks.Fail)
		relay.Grave = true
		if lost := regressions([]checks.Result{result("x", before)}, []checks.Result{relay}); len(lost) != is {
			t.Errorf("what is grave after %q: lost %v", before, lost)
		}
	}
	served, vacant := checks.Result{ID: "x", Outcome: checks.OK, Want: "a"}, checks.Result{ID: "x", Outcome: checks.OK, Want: "a", Vacant: true}
	for _, c := range []struct {
		before, after checks.Result
		lost          bool
	}{{served, vacant, true}, {vacant, served, false}, {vacant, vacant, false}, {checks.Result{ID: "x", Outcome: checks.OK, Want: "b"}, vacant, false}} {
		if lost := regressions([]checks.Result{c.before}, []checks.Result{c.after}); (len(lost) > 0) != c.lost {
			t.Errorf("vacant %v after %v: lost %v, want %v", c.after.Vacant, c.before.Vacant, lost, c.lost)
		}
	}
	if lost := regressions(nil, []checks.Result{result("x", checks.Fail)}); len(lost) > 0 {
		t.Errorf("nothing was known before, yet lost %v", lost)
	}
}

func TestAcceptedByName(t *testing.T) {
	r := &Runner{Accept: map[string]bool{"a": true}}
	left := r.unaccepted([]checks.Result{{ID: "a"}, {ID: "b"}})
	if len(left) != 1 || left[0].ID != "b" {
		t.Errorf("left %v, want b alone", left)
	}
}

func TestMergeReplacesWhatWasAskedAgain(t *testing.T) {
	old := []checks.Result{{ID: "a", Outcome: checks.Fail}, {ID: "b", Outcome: checks.OK}}
	got := merge(old, []checks.Result{{ID: "a", Outcome: checks.OK}, {ID: "c", Outcome: checks.Skip}})
	want := []checks.Result{{ID: "a", Outcome: checks.OK}, {ID: "b", Outcome: checks.OK}, {ID: "c", Outcome: checks.Skip}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if old[0].Outcome != checks.Fail {
		t.Error("merge changed its argument")
	}
}

func TestFarHostIsDecidedFirst(t *testing.T) {
	s := site.Default()
	got := far(s, []steps.Part{{Host: "proxy"}, {Host: "mail"}})
	if got[0].Host != "mail" || got[1].Host != "proxy" {
		t.Errorf("order %v, want mail before proxy", got)
	}
}

func TestPartsJoinTheStepsPerHost(t *testing.T) {
	p := &Proposal{Site: site.Default(), Plans: []steps.Plan{
		{Step: "firewall", Parts: []steps.Part{{Host: "mail", Changes: []remote.Change{{ID: "a"}}}, {Host: "proxy", Inert: true, Changes: []remote.Change{{ID: "p"}}}}},
		{Step: "wireguard", Parts: []steps.Part{{Host: "mail", Changes: []remote.Change{{ID: "b"}}}}},
	}}
	parts := p.Parts(false)
	if len(parts) != 1 || parts[0].Host != "mail" || len(parts[0].Changes) != 2 {
		t.Fatalf("guarded parts %+v, want one for mail with two changes", parts)
	}
	if parts[0].Changes[0].Step != "firewall" || parts[0].Changes[1].Step != "wireguard" {
		t.Errorf("the changes lost their steps: %+v", parts[0].Changes)
	}
	if inert := p.Parts(true); len(inert) != 1 || inert[0].Host != "proxy" {
		t.Errorf("inert parts %+v, want one for proxy", inert)
	}
}

func TestEveryProofIsACheck(t *testing.T) {
	for _, s := range steps.All() {
		if len(s.Proof) == 0 {
			t.Errorf("nothing proves step %s", s.ID)
		}
		for _, id := range s.Proof {
			if _, ok := checks.Find(id); !ok {
				t.Errorf("step %s is proven by %q, which is no check", s.ID, id)
			}
		}
	}
	proven := map[string]bool{}
	for _, s := range steps.All() {
		for _, id := range s.Proof {
			proven[id] = true
		}
	}
	for _, c := range checks.All() {
		if !proven[c.ID] {
			t.Errorf("check %s proves no step: it would never be asked", c.ID)
		}
	}
}

func TestTargetGoesThroughTheOtherHost(t *testing.T) {
	s := site.Default()
	s.Host("proxy").SSH, s.Host("mail").SSH, s.Host("mail").Jump = "root@203.0.113.10", "root@10.0.0.2", "proxy"
	if via := target(s, s.Host("mail")).Via; via == nil || via.SSH != "root@203.0.113.10" {
		t.Errorf("via %+v, want the proxy", via)
	}
	s.Host("mail").Jump = "bastion.example.org"
	if via := target(s, s.Host("mail")).Via; via == nil || via.SSH != "bastion.example.org" {
		t.Errorf("via %+v, want the bastion", via)
	}
	s.Host("proxy").Local, s.Host("mail").Jump = true, "proxy"
	if via := target(s, s.Host("mail")).Via; via != nil {
		t.Errorf("via %+v, want none: the program runs on the jump host", via)
	}
}

func TestHavingNamesEachCheckOnce(t *testing.T) {
	list := []checks.Check{{ID: "a"}, {ID: "a.b"}, {ID: "c"}}
	results := []checks.Result{
		{ID: "a.one", Outcome: checks.Fail}, {ID: "a.two", Outcome: checks.Unknown}, {ID: "c", Outcome: checks.OK},
	}
	got := having(list, results, checks.Fail, checks.Unknown)
	if len(got) != 1 || got[0].ID != "a" {
		t.Errorf("got %v, want the check a once", got)
	}
}

// The mail host, which dials, begins only when the proxy's changes have begun, and not when the proxy failed before that.
func TestTheDialledHostBeginsFirst(t *testing.T) {
	s := site.Default()
	parts := []steps.Part{{Host: "mail"}, {Host: "proxy"}}
	var mu sync.Mutex
	var order []string
	note := func(what string) { mu.Lock(); defer mu.Unlock(); order = append(order, what) }
	mailBegan := make(chan struct{})
	err := inTurn(s, parts, func(p steps.Part, begun func()) error {
		note(p.Host)
		if p.Host == "mail" {
			close(mailBegan)
			return nil
		}
		begun()
		<-mailBegan // it need not wait for the proxy's end
		note("proxy ends")
		return nil
	})
	if want := []string{"proxy", "mail", "proxy ends"}; err != nil || !reflect.DeepEqual(order, want) {
		t.Errorf("order %v, %v, want %v", order, err, want)
	}

	broken := errors.New("broken")
	err = inTurn(s, parts, func(p steps.Part, _ func()) error {
		if p.Host == "mail" {
			t.Error("mail began though the proxy had failed")
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want the proxy's", err)
	}
}

// A check is named by its own ID or by that of one of its results, a chapter by its own: what is asked is in the steps' order.
func TestQuestions(t *testing.T) {
	ids := func(list []checks.Check) (all []string) {
		for _, c := range list {
			all = append(all, c.ID)
		}
		return all
	}
	for _, c := range []struct{ named, want []string }{
		{[]string{"tunnel.mtu", "firewall.open.imaps"}, []string{"firewall.open", "tunnel.mtu"}},
		{[]string{"firewall.open", "firewall.open.smtp"}, []string{"firewall.open"}},
	} {
		got, err := questions(site.Default(), c.named)
		if err != nil || !reflect.DeepEqual(ids(got), c.want) {
			t.Errorf("%v: %v, %v; want %v", c.named, ids(got), err, c.want)
		}
	}
	chapter, err := questions(site.Default(), []string{"wireguard"})
	if s, _ := steps.Find("wireguard"); err != nil || len(chapter) != len(s.Proof) {
		t.Errorf("wireguard: %v, %v; want %v", ids(chapter), err, s.Proof)
	}
	if _, err := questions(site.Default(), []string{"tunnel"}); err == nil {
		t.Error("half a name was taken")
	}
}

// The guard gives the changes the time they say they take, and the checks the time they say they settle.
func TestGuardFollowsFromTheChanges(t *testing.T) {
	r := &Runner{Deadline: 2 * time.Minute}
	parts := []steps.Part{{Changes: []remote.Change{{}, {Takes: 30 * time.Second}}}, {Changes: []remote.Change{{Takes: time.Minute}}}}
	for _, c := range []struct {
		parts []steps.Part
		list  []checks.Check
		want  time.Duration
	}{
		{nil, nil, 2 * time.Minute},
		{nil, []checks.Check{{Settles: checks.Usual}}, 2 * time.Minute},
		{parts, nil, 3*time.Minute + 30*time.Second},
		{parts, []checks.Check{{Settles: checks.Usual + time.Minute}, {Settles: checks.Usual}}, 4*time.Minute + 30*time.Second},
	} {
		if got := r.guard(c.parts, c.list); got != c.want {
			t.Errorf("%d parts, %d checks: %s, want %s", len(c.parts), len(c.list), got, c.want)
		}
	}
}

// Whatever is undone, one must still get in; and who came through a tunnel does not take it away.
func TestUndoLeavesAWayIn(t *testing.T) {
	var ways []string
	for _, c := range checks.All() {
		if c.Way {
			ways = append(ways, c.ID)
		}
	}
	if want := []string{"host.privilege", "host.ssh"}; !reflect.DeepEqual(ways, want) {
		t.Errorf("an undo is proven by %v, want %v", ways, want)
	}
	f := &Fake{Name: "mail", Clock: time.Now, Source: netip.MustParseAddrPort("10.0.0.1:22")}
	login, err := Fakes(f)(t.Context(), remote.Target{Name: "mail"})
	if err != nil {
		t.Fatal(err)
	}
	s := site.Default()
	s.Hosts = []*site.Host{s.Host("mail")}
	r := &Runner{Site: s, hosts: map[string]*host{"mail": {session: login}}}
	for _, one := range steps.All() {
		why := r.sawnOff(one, steps.Plan{Parts: []steps.Part{{Host: "mail"}}})
		if (len(why) > 0) != (one.ID == "wireguard") {
			t.Errorf("undoing %s cuts off %v", one.ID, why)
		}
	}
}

// What steps and checks want to know of a host may be the same, and then it is asked once; it never has one name for two things.
func TestNothingIsAskedTwice(t *testing.T) {
	s := site.Default()
	for key, value := range map[string]string{"domain": "example.org", "host.proxy.ssh": "root@203.0.113.10", "host.mail.ssh": "root@192.168.50.2",
		"host.proxy.public4": "203.0.113.10", "host.proxy.interface": "eth0", "host.mail.interface": "eth0"} {
		if err := site.Set(s, key, value); err != nil {
			t.Fatal(err)
		}
	}
	for _, h := range s.Hosts {
		named := map[string]remote.Query{}
		for _, q := range append(stepReads(s, h, steps.All()), checks.Reads(checks.All(), s, h)...) {
			if other, known := named[q.ID]; known && other != q {
				t.Errorf("%s: two things are called %q", h.Name, q.ID)
			}
			named[q.ID] = q
		}
		if len(named) < 10 {
			t.Errorf("%s is asked %d things only", h.Name, len(named))
		}
	}
}

// A host on which something is left open, or a job died, is tidied before anything is planned; one at work is waited for.
func TestOpened(t *testing.T) {
	look := steps.Look{}
	for host, status := range map[string]string{"proxy": "dead j1\ndoing x\n", "mail": "work j2\ndoing x\nended ROLLEDBACK.t1.boot\n"} {
		look[host] = remote.Facts{Answers: map[string]remote.Answer{remote.ReadStatus.ID: {Out: status}}}
	}
	if got := opened(site.Default(), look); !reflect.DeepEqual(got, []string{"proxy"}) {
		t.Errorf("with a dead job: %v", got)
	}
	look["mail"].Answers[remote.ReadStatus.ID] = remote.Answer{Out: "open t2 ARMED \nowner ann\n"}
	if got := opened(site.Default(), look); len(got) != 2 {
		t.Errorf("with a change open: %v", got)
	}
}
