package does

import (
	"regexp"
	"strings"
)

// MainCF is the Syntax of Postfix's main.cf: name = value, which goes on in lines that begin with a blank. Comments and empty
// lines may stand in between.
var MainCF = Syntax{mainCF, " = "}

var mainKey = regexp.MustCompile(`^(\w+)[ \t]*=[ \t]*`)

func mainCF(text string) (list []statement) {
	lines := strings.SplitAfter(text, "\n")
	for i := 0; i < len(lines) && lines[i] != ""; {
		s := statement{text: lines[i]}
		i++
		if m := mainKey.FindStringSubmatch(s.text); m != nil {
			s.before, s.name, s.after = m[0], m[1], lineEnd(s.text)
			s.value = strings.TrimSpace(s.text[len(m[0]):])
			between := ""
			for n := i; n < len(lines); n++ {
				if comment(lines[n], "#") {
					between += lines[n]
				} else if strings.ContainsAny(lines[n][:1], " \t") {
					s.value += " " + strings.TrimSpace(lines[n])
					s.text, s.after = s.text+between+lines[n], s.after+between
					i, between = n+1, ""
				} else {
					break
				}
			}
		}
		list = append(list, s)
	}
	return list
}
