package draw

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// hostile is what must never reach a terminal.
var hostile = []string{
	"\x1b]52;c;cm0gLXJmIC8=\x07clip", "\x1b[2J\x1b[Hhome", "\x9b31mc1", "\x1bP0;1|17/ab\x1b\\dcs", "\x1b]0;title\x07", "a\x08\x08b", "one\rtwo",
	"\u202egnp.exe", "\u2066x\u2069", "\xff\xfe\xfd", "a\u0300\u0301\u0302\u0303", "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "tab\there",
	"\u2028line", "\U000e0041tag", "日本語テキスト", "👩‍👩‍👧‍👦", "\x1b[", "\x1b", "\x00nul", "\ue000", strings.Repeat("\u0301", 500),
}

// harm is what in a drawn line is more than printable text and colours, or "".
func harm(text string) string {
	if !utf8.ValidString(text) {
		return "invalid UTF-8"
	}
	for text != "" {
		if rest, ok := strings.CutPrefix(text, "\x1b["); ok {
			end := strings.IndexByte(rest, 'm')
			if end < 0 || !parameters(rest[:end]) {
				return "an escape sequence that is no colour"
			}
			text = rest[end+1:]
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		if invisible(r) {
			return "an invisible sign"
		}
		text = text[size:]
	}
	return ""
}

func TestHostileTextIsDrawnHarmless(t *testing.T) {
	for _, ascii := range []bool{false, true} {
		th := NewTheme([]string{"LANG=C.UTF-8"}, ascii, false)
		for _, text := range append(hostile, strings.Join(hostile, " "), strings.Repeat("x", 10<<20), strings.Repeat("\x1b[31m", 1<<20)) {
			for s := Plain; s <= Widget; s++ {
				if s == Widget && len(text) > 1<<16 {
					continue // a widget of ours holds no such text
				}
				for _, l := range append(Prose(s, text, 30), Line{Spans: []Span{{s, text}}, Chosen: true}) {
					got := th.Draw(l, 30)
					if why := harm(got); why != "" {
						t.Fatalf("%.40q drawn as %q: %s", text, got, why)
					}
					if w := ansi.StringWidth(got); w > 30 {
						t.Fatalf("%.40q is %d columns wide", text, w)
					}
				}
			}
		}
	}
}

func TestOnlyASCIIReachesAnASCIIScreen(t *testing.T) {
	th := NewTheme([]string{"TERM=linux", "LANG=C.UTF-8"}, false, false)
	if got := th.Draw(Say(Plain, "%s", "münchen.example"), 40); got != "m?nchen.example" {
		t.Errorf("drew %q", got)
	}
}

func FuzzDraw(f *testing.F) {
	for _, text := range hostile {
		f.Add(text, 20, byte(0))
		f.Add(text, 3, byte(Widget))
	}
	th := NewTheme([]string{"LANG=C.UTF-8"}, false, false)
	f.Fuzz(func(t *testing.T, text string, width int, s byte) {
		width = min(max(width, 0), 300)
		one := Style(s % byte(Widget+1))
		for _, l := range append(Prose(one, text, max(width, 1)), Say(one, "%s", text), Pick(Say(one, "%s", text), true)) {
			got := th.Draw(l, width)
			if why := harm(got); why != "" {
				t.Fatalf("drawn as %q: %s", got, why)
			}
			if w := ansi.StringWidth(got); w > width {
				t.Fatalf("drawn as %q: %d columns, %d at most", got, w, width)
			}
		}
	})
}

func TestProseKeepsEveryWord(t *testing.T) {
	text := "one two three, and a-rather-long-word-that-does-not-fit-anywhere four\n  indented command --flag value"
	for width := 8; width < 60; width++ {
		var all string
		for _, l := range Prose(Plain, text, width) {
			if w := Columns(l.String()); w > width {
				t.Fatalf("at %d: %q is %d wide", width, l.String(), w)
			}
			all += l.String() + " "
		}
		for _, word := range []string{"one", "three,", "four", "--flag", "value"} {
			if !strings.Contains(all, word) {
				t.Errorf("at %d: %q is lost", width, word)
			}
		}
	}
}

func TestMiddle(t *testing.T) {
	for in, want := range map[string]string{"short": "short", "a-very-long-name.example.org": "a-ve..e.org"} {
		if got := Middle(in, 11); got != want {
			t.Errorf("middle(%q) = %q", in, got)
		}
	}
}
