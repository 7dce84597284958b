package remote

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                                "plain",
		"a\r\nb\rc\r":                          "a\nb\nc",
		"a\tb":                                 "a b",
		"\x1b[31mred\x1b[0m":                   "red",
		"\x1b]52;c;cHduZWQ=\x07x":              "x",
		"\x1b]0;title\x1b\\x":                  "x",
		"\x1b]8;;http://x\x1b\\link\x1b]8;;\a": "link",
		"\x1bPq\x1b\\x":                        "x",
		"\x1b]never closed\nnext":              "\nnext",
		"\x1b(Bx\x1bcx":                        "Bxx",
		"\u009b31mx":                           "x",
		"\u009d0;t\ax":                         "x",
		"bell\a null\x00 del\x7f bs\b":         "bell null del bs",
		"bad \xff\xfe utf8":                    "bad \ufffd\ufffd utf8",
		"\u202egnp.exe\u2066":                  "gnp.exe",
		"zero\u200bwidth\ufeff":                "zerowidth",
		"\x1b":                                 "",
		"\x1b[":                                "",
		"grüße 邮件":                             "grüße 邮件",
	} {
		if got := Clean(in).String(); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestCleanIsBounded(t *testing.T) {
	for _, in := range []string{strings.Repeat("x", 10*MaxText), strings.Repeat("\xff", 10*MaxText), strings.Repeat("\x1b[1mx", 10*MaxText)} {
		if got := Clean(in).String(); len(got) > MaxText+64 || !strings.HasSuffix(got, "[cut: the host sent more]") {
			t.Errorf("%d bytes, ends %q", len(got), got[len(got)-30:])
		}
	}
}

func TestTextLine(t *testing.T) {
	if got := Clean("\n  \n E: grüße and more\nx").Line(8); got != "E: grü..." {
		t.Errorf("got %q", got)
	}
	if b, err := json.Marshal(Clean("a\x1b[1mb\"")); err != nil || string(b) != `"ab\""` {
		t.Errorf("%s, %v", b, err)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "a\x1b[31mb", "\x1b]52;c;x\a", "\xc2\x9b1m", "\r\n\t\x00\x7f", "\xff\x1b\xe2\x80\xae", "\x1bP\x1b\x1b\\", "\x1b\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out := Clean(in).String()
		if !utf8.ValidString(out) || len(out) > MaxText+64 {
			t.Fatalf("%q: %d bytes, valid %v", in, len(out), utf8.ValidString(out))
		}
		for _, r := range out {
			if r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				t.Fatalf("%q: %U is left in %q", in, r, out)
			}
		}
		if again := Clean(out).String(); again != out && len(out) <= MaxText {
			t.Fatalf("%q: cleaned twice %q, once %q", in, again, out)
		}
	})
}

func FuzzQuote(f *testing.F) {
	f.Add("it's", "a b")
	f.Fuzz(func(t *testing.T, a, b string) {
		if got := unquote(Quote(a) + Quote(b)); got != a+b {
			t.Errorf("%q, %q: the shell reads %q", a, b, got)
		}
	})
}

// unquote reads a word as a POSIX shell does that has only single quotes and backslashes in it.
func unquote(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\'':
			end := strings.IndexByte(s[i+1:], '\'')
			b.WriteString(s[i+1 : i+1+end])
			i += end + 1
		case '\\':
			i++
			b.WriteByte(s[i])
		default:
			return "an unquoted " + s[i:]
		}
	}
	return b.String()
}
