package pf

import (
	"fmt"
	"strconv"
	"strings"
)

// Status is what pfctl -si prints.
type Status struct {
	Enabled  bool
	Counters map[string]uint64 // totals by name: "match", "map-failed", "current entries" …
}

// ParseStatus reads what pfctl -si printed. What does not begin with its status is an error.
func ParseStatus(text string) (Status, error) {
	s := Status{Counters: map[string]uint64{}}
	told := false
	for line := range strings.Lines(text) {
		w := strings.Fields(line)
		switch {
		case len(w) >= 2 && w[0] == "Status:" && (w[1] == "Enabled" || w[1] == "Disabled"):
			s.Enabled, told = w[1] == "Enabled", true
		case strings.HasPrefix(line, "  ") && len(w) >= 2 && len(s.Counters) < 200:
			if strings.HasSuffix(w[len(w)-1], "/s") {
				w = w[:len(w)-1]
			}
			n, err := strconv.ParseUint(w[len(w)-1], 10, 64)
			if name := strings.Join(w[:len(w)-1], " "); err == nil && plain(name, " ") {
				s.Counters[name] = n
			}
		}
	}
	if !told {
		return Status{}, fmt.Errorf("pf's status is not told: %q", firstLine(text))
	}
	return s, nil
}

// ParseAnchors reads what pfctl -sA or -vsA printed: the path of every anchor, with those below others only with -v.
func ParseAnchors(text string) ([]string, error) { return listed(text, "anchor", "/") }

// ParseTables reads what pfctl -sT or -vsT printed: the name of every table of the anchor that was asked for.
func ParseTables(text string) ([]string, error) { return listed(text, "table", "") }

func listed(text, what, more string) (all []string, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if altq[line] || strings.TrimSpace(line) == "" {
			continue
		}
		name := strings.TrimSpace(line)
		if flags, behind, ok := strings.Cut(name, "\t"); ok && strings.Trim(flags, "-acCdhiprtT") == "" {
			name = strings.TrimSpace(behind)
		}
		if !plain(name, more) || len(name) > 1023 {
			return nil, fmt.Errorf("no name of a %s: %q", what, firstLine(line))
		}
		all = append(all, name)
	}
	return all, nil
}

// ParseTable reads what pfctl -t NAME -T show printed: the addresses of a table. Statistics of -v are passed over.
func ParseTable(text string) (all []Address, err error) {
	for line := range strings.Lines(text) {
		w := strings.TrimSpace(line)
		if w == "" || altq[w] || strings.HasPrefix(line, "\t") {
			continue
		}
		p, unknown := tableWords(w, Host{Interfaces: none}, new(int))
		t := p.set.Statements[0].Table
		if unknown || len(p.set.faults) > 0 || len(t.Addresses) != 1 {
			return nil, fmt.Errorf("no address of a table: %q", firstLine(w))
		}
		all = append(all, t.Addresses...)
	}
	return all, nil
}

// plain says whether a name holds but letters, digits, and what names of tables, anchors and interfaces have beside.
func plain(name, more string) bool {
	for _, c := range name {
		if c > 0x7e || !digit(int(c)) && !alpha(int(c)) && !strings.ContainsRune("_.:-"+more, c) {
			return false
		}
	}
	return name != ""
}

// firstLine is the beginning of what was printed, for an error.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line[:min(len(line), 100)]
}
