package wizard

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"postern/report"
	"postern/run"
	"postern/wizard/draw"
)

// key62 is a word that is wider than a page beside the chapters, as a key or a record is.
const key62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func init() {
	at := func(name, keys string, make func(t *testing.T) *table) {
		scenes = append(scenes, scene{"reader, " + name, func(t *testing.T) *table {
			x := make(t)
			x.keys(keys)
			return x
		}})
	}
	long := func(t *testing.T) *table {
		x := looked(t, "started look", "done look")
		text := []report.Line{{Text: "a sentence of which the words go on and on until it does not fit into one row any more, wherever that ends", Prose: true}}
		for range 50 {
			text = append(text, report.Line{Text: "dkim TXT " + strings.Repeat(key62, 4)}, report.Line{Style: report.Good, Text: "+ a rule that was added"})
		}
		x.tell(openMsg{&readerPage{board: &x.w.board, readMsg: readMsg{title: "text", text: text}}})
		x.screen()
		return x
	}
	at("at its top", "", long)
	at("sideways", "right right down", long)
	at("searching", `/ "rule"`, long)
	at("found", `/ "RULE" enter n n`, long)
	at("nowhere", `/ "nothing like it" enter`, long)
	at("of a review", "down o", func(t *testing.T) *table {
		return looked(t, "started look", "done look", "open apply firewall", "started apply firewall", "offer guarded firewall")
	})
}

// A word is never broken in a text over the whole screen, and no frame stands between the parts of what is to be copied.
func TestReaderKeepsWordsWhole(t *testing.T) {
	x := looked(t, "started look", "done look")
	line := "mail._domainkey TXT v=DKIM1 " + key62 + " " + key62
	x.tell(readMsg{title: "text", text: []report.Line{{Text: line}, {Text: "p=" + key62 + key62 + "END"}}})
	for _, size := range []string{"80x24", "120x40"} {
		x.size(size)
		if got := x.screen(); strings.Count(got, key62) != 3 || strings.ContainsAny(got, "│╭") {
			t.Errorf("%s:\n%s", size, got)
		}
	}
	x.size("80x24")
	x.keys("right right right")
	if got := x.screen(); !strings.Contains(got, "END") {
		t.Errorf("the end of a wide word cannot be reached:\n%s", got)
	}
	for _, l := range draw.Report([]report.Line{{Text: "      " + line}}, 70) {
		if text := l.String(); strings.TrimSpace(text) == "" || strings.Contains(text, "ABC") && !strings.Contains(text, key62) {
			t.Errorf("a word that fits is broken: %q", text)
		}
	}
}

// A search is told: how many lines, which one; every hit can be reached; what is nowhere is said to be; esc ends it before it goes back.
func TestReaderSearches(t *testing.T) {
	x := looked(t, "started look", "done look")
	var text []report.Line
	for i := range 90 {
		text = append(text, report.Line{Text: strings.Repeat("x", 1+i%3) + when(i%30 == 7, " The Needle", " hay")})
	}
	x.tell(readMsg{title: "text", text: text})
	for _, c := range []struct{ keys, says string }{
		{`/ "needle" enter`, "1 of 3 lines: needle"}, {"n", "2 of 3"}, {"N N", "3 of 3"}, {"n", "1 of 3"}, {"esc", " of 90"},
		{`/ "nail" enter`, "nowhere here: nail"}, {`/ "x" esc`, "/ search"}, {`end`, "71-90 of 90"},
	} {
		x.keys(c.keys)
		got := x.screen()
		if !strings.Contains(got, c.says) || strings.Contains(c.says, " of 3") && !strings.Contains(got, "The Needle") {
			t.Fatalf("%s: no %q:\n%s", c.keys, c.says, got)
		}
	}
	x.keys(`/ "needle" enter`)
	if rows := strings.Join(x.w.rows(), "\n"); !strings.Contains(rows, "\x1b[7mNeedle") {
		t.Errorf("the hit is not marked:\n%q", rows)
	}
	x.keys("esc esc")
	if _, reading := x.w.top().page.(*readerPage); reading {
		t.Error("esc does not go back")
	}
}

// What o opens has all of it, and nothing that steers a terminal; while hosts are at work it is never a pager, which would hold
// the engine back.
func TestLongTextsAreOpened(t *testing.T) {
	log := filepath.Join(t.TempDir(), "run.log")
	if err := os.WriteFile(log, []byte("06:12:00 the first line\n06:12:01 the last\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lines := []string{"started look", "done look", "open apply firewall", "started apply firewall", "offer guarded firewall"}
	for _, c := range []struct {
		name, keys, says string
		engine           []string
	}{
		{"a change", "down o", "do:", lines},
		{"a review", "o", "do:", lines},
		{"a review's words", `/ "undo" enter`, "1 of ", lines},
		{"the rescue page", "a o", "If all else fails", lines},
		{"help", "? o", "Keys everywhere", lines},
		{"help's words", `? / "file" enter`, "1 of ", lines},
		{"the log", "l", "the last", lines},
		{"a finding", "a o", "asked from here", []string{"started look", "done look", "finding fail firewall firewall.open.imaps here | \x1b[31mclosed"}},
		{"why it is not reached", "l", "the first line", []string{"started look", "done look error: " + run.ErrRefused.Error()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := setup(t, known)
			o.Log = func() string { return log }
			x := newTable(t, o)
			for _, l := range c.engine {
				x.says(l)
			}
			if c.name == "a finding" {
				x.tell(openMsg{newOverview(&x.w.board)})
				c.keys = "o"
			}
			x.keys(c.keys)
			p, reading := x.w.top().page.(*readerPage)
			if !reading {
				t.Fatalf("it is not read:\n%s", x.screen())
			}
			if got := x.screen() + report.Text(p.text); !strings.Contains(got, c.says) || strings.ContainsAny(got, "\x1b\x07") {
				t.Errorf("no %q:\n%s", c.says, got)
			}
		})
	}
	paged := ""
	o := setup(t, known)
	o.Log, o.Pager = func() string { return log }, func(text string) error { paged = text; return nil }
	x := newTable(t, o)
	x.says("started look")
	x.keys("l")
	if _, reading := x.w.top().page.(*readerPage); !reading || paged != "" {
		t.Errorf("a pager while the hosts are asked: %q\n%s", paged, ansi.Strip(x.screen()))
	}
}
