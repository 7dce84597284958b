package report

import (
	"strings"
	"testing"

	"postern/checks/path"
)

// A diagnosis marks the first hop that breaks and names one thing to do; what is not certain says what would settle it.
func TestWhy(t *testing.T) {
	hops := []path.Hop{{Name: "here", State: path.Passed, Evidence: "reached"}, {Name: "provider", State: path.Broken, Evidence: "no SYN"}, {Name: "listener", State: path.Unknown}}
	for name, c := range map[string]struct {
		d    path.Diagnosis
		says []string
		not  string
	}{
		"broken": {path.Diagnosis{Hops: hops, Broken: 1, Words: "it is dropped", Action: "open it", On: "proxy", Confidence: path.Certain},
			[]string{"  ok    here ", "  HERE  provider ", "  ?     listener", "[FAIL]    it is dropped", "do on proxy: open it"}, "settles"},
		"likely": {path.Diagnosis{Hops: hops, Broken: 1, Words: "w", Action: "open it", Confidence: path.Likely, Settles: "ask"}, []string{"do: open it", "likely; what settles it: ask"}, " on "},
		"open":   {path.Diagnosis{Hops: hops[:1], Broken: -1, Words: "w", Confidence: path.Open, Settles: "ask"}, []string{"[unknown] w", "open; what settles it: ask"}, "do"},
		"works":  {path.Diagnosis{Hops: hops[:1], Broken: -1, Words: "w", Confidence: path.Certain}, []string{"[ok]      w"}, "settles"},
	} {
		text := Text(Why(c.d))
		for _, want := range c.says {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", name, want, text)
			}
		}
		if strings.Contains(text, c.not) {
			t.Errorf("%s: %q in\n%s", name, c.not, text)
		}
	}
}
