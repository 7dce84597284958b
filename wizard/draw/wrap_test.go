package draw

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
		th := NewTheme([]string{"LANG=C.UTF-8", "TERM=xterm"}, false, false)
		var all strings.Builder
		for _, l := range Report([]report.Line{{Text: text, Prose: sentences}}, width) {
			if n := Columns(l.String()); n > width {
				t.Errorf("%d columns of %d: %q", n, width, l.String())
			}
			if why := harm(th.Draw(l, width)); why != "" {
				t.Errorf("%s in %q", why, l.String())
			}
			all.WriteString(l.String())
		}
		if got, want := squeezed(ansi.Strip(all.String())), squeezed(Readable(text)); got != want {
			t.Errorf("%q became %q", want, got)
		}
	})
}

// Nothing of a split leaves its rows, at any size, and every row of both halves can be reached.
func TestSplitFits(t *testing.T) {
	for list := 1; list < 12; list += 3 {
		for details := range 15 {
			for height := 3; height < 14; height++ {
				var rows, below []Line
				for range list {
					rows = append(rows, Say(Plain, "row"))
				}
				for range details {
					below = append(below, Say(Plain, "detail"))
				}
				s := &Split{}
				for at := range list {
					s.Picked = at
					if got := s.Draw(rows, at, "words", below, 40, height); len(got) > height {
						t.Fatalf("%d rows of %d: list %d, details %d", len(got), height, list, details)
					}
				}
				for range 50 {
					s.Key("pgdown", list)
					s.Draw(rows, s.Picked, "", below, 40, height)
				}
				if s.Offset != s.Most || s.Room > 0 && s.Offset+s.Room < details {
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
		Report([]report.Line{{Text: text}}, 57)
	}
}
