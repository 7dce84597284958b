package wizard

import (
	"strings"
	"testing"

	"postern/checks/path"
)

// w on a finding says what will be done first, asks nothing before enter, and then shows the hop that breaks, with what to do.
func TestWhyOfAFinding(t *testing.T) {
	x := looked(t, "started look", "done look", "open overview", "started check")
	x.tell(resultMsg{finding("fail firewall firewall.dnat.imaps here | no answer | an answer | a rule | firewall | x")})
	x.says("ended check firewall changed")
	x.jobs()
	x.keys("n w")
	if got := x.jobs(); got != "" || !strings.Contains(x.screen(), "imaps, 993/tcp") || !strings.Contains(x.screen(), "nothing is changed") {
		t.Fatalf("jobs %q\n%s", got, x.screen())
	}
	x.keys("enter")
	if got := x.jobs(); !strings.Contains(got, "why imaps") {
		t.Fatalf("jobs %q\n%s", got, x.screen())
	}
	x.tell(doneMsg{job: job{verb: why, steps: []string{"imaps"}}, found: []path.Diagnosis{{Name: "imaps 993/tcp over IPv4", Broken: 1,
		Hops:  []path.Hop{{Name: "here", State: path.Passed}, {Name: "tunnel", State: path.Broken, Evidence: "\x1b[2Jstopped"}, {Name: "mail: listener", State: path.Unknown}},
		Words: "the tunnel is stopped on mail", On: "mail", Action: "systemctl start wg-quick@wg0", Confidence: path.Certain}}})
	for _, want := range []string{"HERE  tunnel", "FAIL", "the tunnel is stopped on mail", "do on mail: systemctl start wg-quick@wg0", "copy what to do"} {
		if !strings.Contains(x.screen(), want) {
			t.Errorf("no %q in\n%s", want, x.screen())
		}
	}
	x.keys("esc")
	if !strings.Contains(x.screen(), "firewall.dnat.imaps") {
		t.Errorf("esc does not lead back:\n%s", x.screen())
	}
}
