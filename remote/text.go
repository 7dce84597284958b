package remote

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text is text that came from a host: stripped of control sequences and bounded. It is the only form in which such text
// may reach a screen, a log or a file.
type Text struct{ s string }

// MaxText is the longest Text, in bytes; the rest is cut and said to be cut.
const MaxText = 64 << 10

// String is the harmless text.
func (t Text) String() string { return t.s }

// MarshalText lets a Text stand in JSON.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.s), nil }

// Line is the text's first line that says anything, cut to at most n bytes.
func (t Text) Line(n int) string {
	for _, line := range strings.Split(t.s, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			return cut(line, n)
		}
	}
	return ""
}

// Clean makes a Text of raw bytes from a host: escape sequences are dropped whole, other control characters and invisible
// direction marks vanish, invalid UTF-8 becomes U+FFFD, carriage returns end lines, tabs become a space.
func Clean(raw string) Text {
	var b strings.Builder
	truncated := false
	if len(raw) > 4*MaxText {
		raw, truncated = raw[:4*MaxText], true
	}
	for i := 0; i < len(raw); {
		if b.Len() >= MaxText {
			truncated = true
			break
		}
		r, size := utf8.DecodeRuneInString(raw[i:])
		switch {
		case r == 0x1b || r == 0x9b || r == 0x90 || r == 0x9d || r == 0x98 || r == 0x9e || r == 0x9f:
			i += escape(raw[i:], r, size)
			continue
		case r == '\n':
			b.WriteByte('\n')
		case r == '\r':
			if i+1 < len(raw) && raw[i+1] != '\n' {
				b.WriteByte('\n')
			}
		case r == '\t':
			b.WriteByte(' ')
		case r == utf8.RuneError && size == 1:
			b.WriteRune(utf8.RuneError)
		case unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r) || r == '\u2028' || r == '\u2029':
		default:
			b.WriteRune(r)
		}
		i += size
	}
	if truncated {
		b.WriteString("\n[cut: the host sent more]")
	}
	return Text{b.String()}
}

// escape is the length of the control sequence at the start of raw: CSI, OSC and the other string sequences, or two bytes.
func escape(raw string, r rune, size int) int {
	i, kind := size, r
	if r == 0x1b {
		if len(raw) < 2 {
			return len(raw)
		}
		switch raw[1] {
		case '[':
			kind = 0x9b
		case ']', 'P', 'X', '^', '_':
			kind = 0x9d
		default:
			if raw[1] >= 0x20 && raw[1] < 0x7f {
				return 2
			}
			return 1
		}
		i = 2
	}
	if kind == 0x9b {
		for ; i < len(raw); i++ {
			if c := raw[i]; c >= 0x40 && c <= 0x7e {
				return i + 1
			} else if c < 0x20 || c > 0x7e {
				return i
			}
		}
		return i
	}
	for ; i < len(raw); i++ { // a string sequence ends at BEL, ST, or at the line's end when it was never closed
		switch {
		case raw[i] == 0x07:
			return i + 1
		case raw[i] == 0x1b && i+1 < len(raw) && raw[i+1] == '\\':
			return i + 2
		case raw[i] == '\n':
			return i
		}
	}
	return i
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "..."
}
