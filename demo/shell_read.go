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

// line reads one line of standard input, and leaves the rest to others.
func (s *shell) line(raw bool) (text string, whole bool) {
	in := s.p.lines(0)
	var line []byte
	part := make([]byte, 512)
	for {
		n, err := in.Read(part)
		if n == 0 || err != nil {
			return string(line), false
		}
		ended := part[n-1] == '\n'
		for _, b := range part[:n] {
			if b != 0 && b != '\n' {
				line = append(line, b)
			}
		}
		if !ended {
			continue
		}
		if !raw && len(line) > 0 && line[len(line)-1] == '\\' {
			line = line[:len(line)-1]
			continue
		}
		return string(line), true
	}
}

func getopts(s *shell, args []string) {
	s.complain("%s: getopts is not there", s.name)
	s.status = 2
}
