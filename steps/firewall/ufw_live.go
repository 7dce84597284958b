package firewall

import "strings"

// live is what iptables-save printed: for each table its chains' policies and its rules in order.
type live struct {
	policy map[string]string   // "filter INPUT": ACCEPT, DROP, or "-" for a chain that is nobody's base chain
	rules  map[string][]string // table: the "-A …" lines
}

// parseSave reads the output of iptables-save; lines of no known shape are skipped.
func parseSave(text string) live {
	l := live{policy: map[string]string{}, rules: map[string][]string{}}
	table := ""
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, " \r")
		switch {
		case strings.HasPrefix(line, "*"):
			table = line[1:]
		case strings.HasPrefix(line, ":"):
			if w := strings.Fields(line[1:]); len(w) >= 2 && table != "" {
				l.policy[table+" "+w[0]] = w[1]
			}
		case strings.HasPrefix(line, "-A ") && table != "":
			l.rules[table] = append(l.rules[table], line)
		}
	}
	return l
}

// has says whether the chain exists.
func (l live) has(table, chain string) bool {
	_, ok := l.policy[table+" "+chain]
	return ok
}

// count is how many rules a chain has.
func (l live) count(table, chain string) int {
	n := 0
	for _, line := range l.rules[table] {
		if strings.HasPrefix(line, "-A "+chain+" ") {
			n++
		}
	}
	return n
}

// holds counts the rules that read exactly so.
func (l live) holds(table, rule string) int {
	n := 0
	for _, line := range l.rules[table] {
		if line == rule {
			n++
		}
	}
	return n
}

// countRules is how many "-A CHAIN" lines a rules file has for a chain.
func countRules(text, chain string) int {
	n := 0
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "-A "+chain+" ") {
			n++
		}
	}
	return n
}
