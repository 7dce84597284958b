package report

import (
	"strings"
	"testing"

	"postern/steps"
)

// What is there now of each record is told where there are several, and only while the task is not done.
func TestRecordsOfATask(t *testing.T) {
	one := steps.Task{ID: "dns.clients", Title: "settings", Text: "Do it.", Check: "dns.clients", Found: "missing: _pop3", Now: []string{"_imaps SRV  ok", "_pop3 SRV  missing"}}
	said := func(t steps.Task) string {
		var b strings.Builder
		for _, line := range append(Left([]steps.Task{t}, "dns"), Task(t, "measured")...) {
			b.WriteString(line.Text + "\n")
		}
		return b.String()
	}
	if got := said(one); strings.Count(got, "  _pop3 SRV  missing\n") != 2 || strings.Count(got, "_imaps SRV  ok\n") != 2 {
		t.Errorf("not twice in\n%s", got)
	}
	one.Proven = true
	if got := said(one); strings.Contains(got, "SRV") {
		t.Errorf("done, and still\n%s", got)
	}
	one.Proven, one.Now = false, one.Now[:1]
	if got := said(one); strings.Contains(got, "SRV") {
		t.Errorf("one record is told twice:\n%s", got)
	}
}
