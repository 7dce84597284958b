package wizard

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"postern/report"
)

// squeezed is text without blanks: what must not be lost or added when lines are broken.
func squeezed(text string) string { return strings.Join(strings.Fields(text), "") }

// FuzzTold: whatever a host says, no row is wider than the screen, nothing steers the terminal, and nothing is lost.
func FuzzTold(f *testing.F) {
	f.Add("+-A ufw-user-input -p tcp --dport 443 -j ACCEPT -m comment --comment postern", 30, false)
	f.Add("  note     proxy: \x1b[2Jone two three \u202e four\tfive \xff", 24, true)
	f.Add("\u4f60\u597d\u4f60\u597d\u4f60\u597d\u4f60\u597d\u4f60\u597d\u4f60\u597d", 25, true)
	f.Fuzz(func(t *testing.T, text string, width int, sentences bool) {
		if width < 20 || width > 200 || len(text) > 4000 {
			t.Skip()
		}
		th := newTheme(Options{Environ: []string{"LANG=C.UTF-8", "TERM=xterm"}})
		var all strings.Builder
		for _, l := range told([]report.Line{{Text: text, Prose: sentences}}, width) {
			if n := columns(l.text()); n > width {
				t.Errorf("%d columns of %d: %q", n, width, l.text())
			}
			if why := harm(th.draw(l, width)); why != "" {
				t.Errorf("%s in %q", why, l.text())
			}
			all.WriteString(l.text())
		}
		if got, want := squeezed(ansi.Strip(all.String())), squeezed(readable(text)); got != want {
			t.Errorf("%q became %q", want, got)
		}
	})
}

// Nothing of a split leaves its rows, at any size, and every row of both halves can be reached.
func TestSplitFits(t *testing.T) {
	for list := 1; list < 12; list += 3 {
		for details := range 15 {
			for height := 3; height < 14; height++ {
				var rows, below []line
				for range list {
					rows = append(rows, say(plain, "row"))
				}
				for range details {
					below = append(below, say(plain, "detail"))
				}
				s := &split{}
				for at := range list {
					s.picked = at
					if got := s.draw(rows, at, "words", below, 40, height); len(got) > height {
						t.Fatalf("%d rows of %d: list %d, details %d", len(got), height, list, details)
					}
				}
				for range 50 {
					s.key("pgdown", list)
					s.draw(rows, s.picked, "", below, 40, height)
				}
				if s.offset != s.most || s.room > 0 && s.offset+s.room < details {
					t.Fatalf("height %d, list %d: the end of %d details is out of reach (%+v)", height, list, details, s)
				}
			}
		}
	}
}

// A very long line is broken in time that grows with it, not with its square.
func BenchmarkToldLongLine(b *testing.B) {
	text := strings.Repeat("0123456789abcdef", 1<<14)
	for b.Loop() {
		told([]report.Line{{Text: text}}, 57)
	}
}
