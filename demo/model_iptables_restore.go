package demo

import (
	"fmt"
	"io"
	"strings"
)

// filterSave prints all tables, or the one of -t.
func (c *call) filterSave(six bool) int {
	got, _ := c.options("t:cM:")
	c.host.mu.Lock()
	defer c.host.mu.Unlock()
	when := c.host.w.clock.time().UTC().Format("Mon Jan _2 15:04:05 2006")
	only, one := got["t"]
	for _, name := range tableOrder {
		if !one || name == only {
			c.out("%s", c.rules(six).save(name, when))
		}
	}
	return 0
}

// filterRestore loads rules: each table as one, at its COMMIT. Without -n a table named is emptied first.
func (c *call) filterRestore(six bool) int {
	keep, test := false, false
	var file string
	for i := 0; i < len(c.args); i++ {
		switch a := c.args[i]; {
		case a == "-n" || a == "--noflush":
			keep = true
		case a == "-t" || a == "--test":
			test = true
		case a == "-w" || a == "--wait" || a == "-c" || a == "--counters" || a == "-v":
			if i+1 < len(c.args) && isNumber(c.args[i+1]) {
				i++
			}
		case strings.HasPrefix(a, "-"):
			return c.complain(2, fmt.Sprintf("unrecognized option '%s'", a))
		default:
			file = a
		}
	}
	var text string
	if file != "" {
		text = c.host.files.text(c.abs(file))
	} else {
		b, err := io.ReadAll(c.stdin)
		if err != nil {
			return 1
		}
		text = string(b)
	}
	c.host.mu.Lock()
	defer c.host.mu.Unlock()
	r := restore{set: c.rules(six), keep: keep, test: test}
	for i, line := range lines(text) {
		if status, why := r.line(strings.TrimSpace(line)); status != 0 {
			c.warn("%s %s: %s\nError occurred at line: %d\nTry `%s -h' or '%s --help' for more information.\n", c.name, filterVersion, why, i+1, c.name, c.name)
			return max(status, 2)
		}
	}
	if r.now != nil {
		c.warn("%s %s: COMMIT expected at line %d\n", c.name, filterVersion, len(lines(text))+1)
		return 1
	}
	return 0
}

// restore is one run of iptables-restore.
type restore struct {
	set        *ruleset
	keep, test bool
	name       string
	now        *filterTable // what the table named becomes
}

// line takes in one line.
func (r *restore) line(line string) (status int, why string) {
	switch {
	case line == "" || strings.HasPrefix(line, "#"):
		return 0, ""
	case strings.HasPrefix(line, "*"):
		r.name = line[1:]
		t := r.set.tables[r.name]
		switch {
		case ownChains[r.name] == nil:
			return 3, "can't initialize iptables table `" + r.name + "': Table does not exist (do you need to insmod?)"
		case t == nil || !r.keep:
			t = newRuleset(r.set.six).table(r.name)
		}
		r.now = t.clone()
		return 0, ""
	case r.now == nil:
		return 2, "no table specified"
	case line == "COMMIT":
		if !r.test {
			r.set.tables[r.name] = r.now
		}
		r.now = nil
		return 0, ""
	case strings.HasPrefix(line, ":"):
		w := strings.Fields(line[1:])
		if len(w) < 2 {
			return 2, "bad line: " + line
		}
		c := r.now.chains[w[0]]
		switch {
		case c != nil && c.policy != "" && w[1] != "-":
			c.policy = w[1]
		case c == nil || c.policy == "": // one that is there already is emptied
			r.now.chains[w[0]] = &chain{}
		}
		return 0, ""
	}
	words, err := filterWords(line)
	if err != nil {
		return 2, err.Error()
	}
	if len(words) > 2 && words[0] == "-t" { // a rule may name the table it is in
		words = words[2:]
	}
	if words[0] == "-A" || words[0] == "-I" || words[0] == "-D" || words[0] == "-F" || words[0] == "-X" || words[0] == "-N" || words[0] == "-P" || words[0] == "-Z" {
		status, why = r.now.change(r.set.six, words)
		if r.test && (status == 1 || strings.HasSuffix(why, "does not exist")) {
			return 0, "" // whether a chain is there is seen only by the kernel, at COMMIT
		}
		return status, why
	}
	return 2, fmt.Sprintf("unknown option %q", words[0])
}

// filterWords splits a line: blanks separate, double quotes hold together, a backslash escapes within them.
func filterWords(line string) ([]string, error) {
	var all []string
	var word strings.Builder
	quoted, started := false, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\' && i+1 < len(line):
			i++
			word.WriteByte(line[i])
		case c == '"':
			quoted, started = !quoted, true
		case (c == ' ' || c == '\t') && !quoted:
			if started {
				all = append(all, word.String())
				word.Reset()
				started = false
			}
		default:
			word.WriteByte(c)
			started = true
		}
	}
	if quoted {
		return nil, fmt.Errorf("unbalanced quotes in: %s", line)
	}
	if started {
		all = append(all, word.String())
	}
	return all, nil
}
