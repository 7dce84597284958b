package report

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWrap(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"short", "short"},
		{"one two three four five", "one two three four\nfive"},
		{"  one two three four five", "  one two three four\n  five"},
		{"  note  one two three four", "  note  one two\n        three four"},
		{"  1. one two three four five", "  1. one two three\n     four five"},
		{"a-word-that-is-far-wider-than-the-screen x", "a-word-that-is-far-wider-than-the-screen x"},
		{"one two three four five\nnext", "one two three four\nfive\nnext"},
	} {
		if got := Wrap(c.in, 20); got != c.want {
			t.Errorf("Wrap(%q):\n%s\nwant\n%s", c.in, got, c.want)
		}
		if got := Wrap(c.in, 0); got != c.in {
			t.Errorf("without a width %q became %q", c.in, got)
		}
	}
}

// FuzzWrap: nothing but blanks and line ends is lost or added, and every line that can be broken fits.
func FuzzWrap(f *testing.F) {
	f.Add("  note     proxy: one two three", 20)
	f.Fuzz(func(t *testing.T, text string, width int) {
		if !utf8.ValidString(text) || width > 500 {
			t.Skip()
		}
		squeeze := func(s string) string { return strings.Join(strings.Fields(s), " ") }
		if got := Wrap(text, width); squeeze(got) != squeeze(text) {
			t.Errorf("Wrap(%q, %d) = %q", text, width, got)
		}
	})
}
