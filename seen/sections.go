package seen

import (
	"fmt"
	"strconv"
	"strings"

	"postern/remote"
)

// sections are the parts of an answer: a line "== name" begins one, "== end" ends the answer, so that one that broke off is
// never taken for an empty one.
type sections map[string][]string

// maxLines bounds what is parsed of one answer.
const maxLines = 20_000

// whole is a fact's answer in its sections; an error says that it is not there, or not whole.
func whole(fact string, facts remote.Facts) (sections, error) {
	a, asked := facts.Answers[fact]
	for id, other := range facts.Answers {
		if strings.HasPrefix(id, fact+" ") {
			a, asked = other, true
		}
	}
	switch {
	case !asked:
		return nil, fmt.Errorf("%s was not asked of the host", fact)
	case a.Late:
		return nil, fmt.Errorf("%s: a tool there hangs: it gave no whole answer in time, and was ended", fact)
	case a.Cut:
		return nil, fmt.Errorf("%s: the answer was too long", fact)
	case a.Code != 0:
		said := remote.Clean(a.Out).Line(120)
		if strings.TrimSpace(said) == "" {
			said = "nothing"
		}
		return nil, fmt.Errorf("%s: the host's tools said: %s", fact, said)
	}
	s, name, ended := sections{}, "", false
	lines := strings.SplitN(a.Out, "\n", maxLines+1)
	for _, line := range lines[:min(len(lines), maxLines)] {
		title, isTitle := strings.CutPrefix(line, "== ")
		switch {
		case isTitle && title == "end":
			ended = true
		case isTitle:
			name, ended = title, false
			s[name] = append([]string{}, s[name]...)
		case name != "":
			s[name] = append(s[name], line)
		}
	}
	if !ended || len(s) == 0 {
		return nil, fmt.Errorf("%s: the answer broke off: %q", fact, remote.Clean(a.Out).Line(60))
	}
	return s, nil
}

func (s sections) has(name string) bool { _, ok := s[name]; return ok }

// lines are those of a section that hold anything.
func (s sections) lines(name string) []string {
	var all []string
	for _, line := range s[name] {
		if strings.TrimSpace(line) != "" {
			all = append(all, line)
		}
	}
	return all
}

// one is the first line of a section that holds anything, or "".
func (s sections) one(name string) string {
	if all := s.lines(name); len(all) > 0 {
		return strings.TrimSpace(all[0])
	}
	return ""
}

// odd is the error for a line that makes no sense.
func odd(who, line string) error { return fmt.Errorf("%s said %q", who, remote.Clean(line).Line(80)) }

// Name says whether s is harmless as a name in a message: what the kernel allows for interfaces and systems for IDs.
func Name(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-+", r) {
			return false
		}
	}
	return true
}

// number is a decimal number, 0 when it is none.
func number(text string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// port is the number of a port, 0 when it is none.
func port(text string) int {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0
	}
	return int(n)
}
