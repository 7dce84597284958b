package remote

import (
	"strings"
	"testing"
)

func TestHostileStatus(t *testing.T) {
	for _, out := range []string{"", "open\n", "open \x1b[2J\n", "ended .\n", "ended PERSISTED\nended ROLLEDBACK.x\n", "owner \x1b]0;x\a\n", "work \x00\n"} {
		st := ParseStatus(out)
		if strings.ContainsAny(st.ID+st.State+st.Why+st.Owner.String()+st.Job, "\x1b\x07\x00") {
			t.Errorf("%q gave %+v", out, st)
		}
	}
}

func FuzzVerdict(f *testing.F) {
	for _, seed := range []string{"result applied", "result E_LOCKED\nowner x", "change 001\nout x\nresult E_ROLLEDBACK failed", "result", "change -5\nresult E_TEST", "record\ncid x\nresult recorded"} {
		f.Add(seed)
	}
	changes := []Change{{Title: "one"}}
	f.Fuzz(func(t *testing.T, out string) {
		v := &verdict{}
		for line := range strings.Lines(out) {
			v.read(strings.TrimRight(line, "\n"))
		}
		if err := v.err(changes); err != nil && strings.ContainsAny(err.Error(), "\x1b\x00") {
			t.Errorf("a control character in %q", err)
		}
		for _, r := range parseRecords(out) {
			if strings.ContainsAny(r.Title, "\x1b\x00\n") {
				t.Errorf("a control character in %q", r.Title)
			}
		}
		ParseStatus(out)
	})
}
