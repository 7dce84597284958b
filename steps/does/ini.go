package does

import (
	"regexp"
	"strings"
)

// Ini is the Syntax of [section] and name=value, with comments after # or ;. Section "" is what stands before the first one.
// A value goes on in the next line after a backslash.
var Ini = Syntax{ini, "="}

var (
	iniSection = regexp.MustCompile(`^[ \t]*\[([^\]\n]*)\]`)
	iniKey     = regexp.MustCompile(`^[ \t]*([\w.-]+)[ \t]*=[ \t]*`)
)

func ini(text string) (list []statement) {
	section, lines := "", strings.SplitAfter(text, "\n")
	for i := 0; i < len(lines) && lines[i] != ""; i++ {
		s := statement{text: lines[i]}
		if comment(s.text, "#;") {
			s.loose = strings.TrimSpace(s.text) == ""
		} else {
			for goesOn(s.text) && i+1 < len(lines) && lines[i+1] != "" {
				i++
				s.text += lines[i]
			}
			if m := iniSection.FindStringSubmatch(s.text); m != nil {
				section = m[1]
			} else if m := iniKey.FindStringSubmatch(s.text); m != nil {
				s.before, s.name, s.after = m[0], m[1], lineEnd(s.text)
				s.value = strings.TrimSuffix(s.text[len(m[0]):], s.after)
			}
		}
		s.section = section
		list = append(list, s)
	}
	return list
}

// goesOn says whether a line ends in a backslash of its own.
func goesOn(line string) bool {
	line = strings.TrimRight(line, "\r\n")
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}
