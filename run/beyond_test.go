package run

import (
	"slices"
	"strings"
	"testing"

	"postern/checks"
	"postern/remote"
	"postern/steps"
)

// What no change to a host makes or breaks is never asked around one: it can neither take it back nor hold it up.
func TestBeyondIsNotAskedAroundChanges(t *testing.T) {
	near := nearby(allProofs(steps.All()))
	if len(near) == 0 {
		t.Fatal("nothing is asked around a change")
	}
	for _, c := range near {
		if c.Beyond || strings.HasPrefix(c.ID, "dns.") {
			t.Errorf("%s is asked around changes", c.ID)
		}
	}
	if far := len(allProofs(steps.All())) - len(near); far < 9 {
		t.Errorf("%d checks lie beyond the hosts", far)
	}
}

// A task is proven when all that its check asked is ok, and says else what is there.
func TestTasksTickThemselves(t *testing.T) {
	result := func(id string, o checks.Outcome, saw string) checks.Result {
		return checks.Result{ID: id, Outcome: o, Saw: remote.Clean(saw)}
	}
	for _, c := range []struct {
		check   string
		results []checks.Result
		proven  bool
		found   string
	}{
		{"", []checks.Result{result("dns.mx", checks.OK, "10 mail")}, false, ""},
		{"dns.mx", nil, false, ""},
		{"dns.mx", []checks.Result{result("dns.mxx", checks.OK, "x")}, false, ""},
		{"dns.mx", []checks.Result{result("dns.mx", checks.OK, "10 mail")}, true, "10 mail"},
		{"dns.host", []checks.Result{result("dns.host", checks.OK, "a"), result("dns.host.v6", checks.Fail, "b"), result("dns.host.helo", checks.Warn, "c")}, false, "b"},
		{"dns.host", []checks.Result{result("dns.host", checks.Unknown, "why"), result("dns.host.v6", checks.OK, "none")}, false, "why"},
		{"smtp.outbound", []checks.Result{result("smtp.outbound", checks.OK, "open"), result("smtp.outbound.v6", checks.Skip, "no IPv6")}, true, "open"},
		{"smtp.outbound", []checks.Result{result("smtp.outbound.v6", checks.Skip, "no IPv6"), result("smtp.outbound", checks.OK, "open")}, true, "open"},
		{"smtp.outbound", []checks.Result{result("smtp.outbound.v6", checks.Skip, "no IPv6")}, false, "no IPv6"},
		{"dns.mx.a.test", []checks.Result{result("dns.mx.b.test", checks.OK, "x"), result("dns.mx.a.test", checks.Warn, "y")}, false, "y"},
	} {
		got := Measured([]steps.Task{{Check: c.check}}, c.results)[0]
		if got.Proven != c.proven || got.Found != c.found {
			t.Errorf("%s by %v: proven %t, found %q", c.check, c.results, got.Proven, got.Found)
		}
	}
}

// A task tells of each of its records what is there now, as its checks found it.
func TestTasksTellTheirRecords(t *testing.T) {
	record := func(name, now string) checks.Record {
		return checks.Record{Name: name, Type: "SRV", Value: "0 1 993 mail", Now: remote.Clean(now)}
	}
	results := []checks.Result{{ID: "dns.clients", Outcome: checks.Warn, Records: []checks.Record{record("_imaps", "ok"), record("_pop3", "other: \x1b[31mx")}}, {ID: "dns.mx", Records: []checks.Record{record("mx", "ok")}}}
	got := Measured([]steps.Task{{Check: "dns.clients", Now: []string{"of before"}}, {}}, results)
	if want := []string{"_imaps SRV  ok", "_pop3 SRV  other: x"}; !slices.Equal(got[0].Now, want) || got[1].Now != nil {
		t.Errorf("%q, want %q; %q", got[0].Now, want, got[1].Now)
	}
}
