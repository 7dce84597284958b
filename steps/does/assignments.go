package does

import (
	"regexp"
	"strings"
)

// Assignments is the Syntax of /etc/default, .env and the like: KEY=value, as a shell reads it. A quoted value may have several
// lines; a comment behind it stays.
var Assignments = Syntax{assignments, "="}

var assignment = regexp.MustCompile(`^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)=`)

func assignments(text string) (list []statement) {
	for text != "" {
		s, behind := statement{}, text
		if m := assignment.FindStringSubmatchIndex(text); m != nil {
			end := m[1] + wordLen(text[m[1]:])
			s.before, s.name, s.value, behind = text[:m[1]], text[m[2]:m[3]], text[m[1]:end], text[end:]
		}
		line, rest, more := strings.Cut(behind, "\n")
		if more {
			line += "\n"
		}
		if s.after = line; !comment(line, "#") && !assignment.MatchString(line) {
			s.after = lineEnd(line)
		}
		s.text, text = strings.TrimSuffix(text, rest), rest
		list = append(list, s)
	}
	return list
}

// wordLen is the length of a shell's word at the start of s. A quote that nothing closes quotes nothing.
func wordLen(s string) int {
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quote != '\'':
			i++
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case c == quote:
			quote = 0
		case quote == 0 && strings.IndexByte(" \t\n", c) >= 0:
			return i
		}
	}
	if quote != 0 {
		s, _, _ = strings.Cut(s, "\n")
	}
	return len(s)
}
