package demo

import (
	"strings"

	"mvdan.cc/sh/v3/expand"
)

func readLine(s *shell, args []string) {
	raw := false
	names := args[1:]
	for len(names) > 0 && strings.HasPrefix(names[0], "-") {
		raw = raw || strings.Contains(names[0], "r")
		names = names[1:]
	}
	line, whole := s.line(raw)
	if s.p.dead() {
		return
	}
	values := expand.ReadFields(s.cfg, line, len(names), raw)
	if len(names) == 1 {
		values = []string{trimIFS(s, line, raw)}
	}
	for i, name := range names {
		value := ""
		if i < len(values) {
			value = values[i]
		}
		if !s.set(name, value) {
			return
		}
	}
	s.status = 0
	if !whole {
		s.status = 1
	}
}

// trimIFS is a line as read gives it to one name: without the blanks of IFS around it.
func trimIFS(s *shell, line string, raw bool) string {
	ifs := " \t\n"
	if v := s.vars["IFS"]; v.set {
		ifs = v.value
	}
	blanks := ""
	for _, c := range " \t\n" {
		if strings.ContainsRune(ifs, c) {
			blanks += string(c)
		}
	}
	line = strings.Trim(line, blanks)
	if raw {
		return line
	}
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		if line[i] == '\\' && i+1 < len(line) {
			i++
		}
		b.WriteByte(line[i])
	}
	return b.String()
}

// line reads one line of standard input, byte by byte, so that the rest is left to others.
func (s *shell) line(raw bool) (text string, whole bool) {
	in := s.p.input(0)
	var line []byte
	var one [1]byte
	for {
		n, err := in.Read(one[:])
		if n == 0 || err != nil {
			return string(line), false
		}
		if one[0] == '\n' {
			if !raw && len(line) > 0 && line[len(line)-1] == '\\' {
				line = line[:len(line)-1]
				continue
			}
			return string(line), true
		}
		if one[0] != 0 {
			line = append(line, one[0])
		}
	}
}

func getopts(s *shell, args []string) {
	s.complain("%s: getopts is not there", s.name)
	s.status = 2
}
