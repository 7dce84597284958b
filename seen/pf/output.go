package pf

import (
	"regexp"
	"strconv"
	"strings"
)

// Counters are what pfctl -v prints of a rule.
type Counters struct{ Evaluations, Packets, Bytes, States uint64 }

// Printed reads rules as pfctl prints them: -sn, -sr or both, in this order, of an anchor or the main ones. With -v their
// counters are kept; names of ports are read as their numbers. What pfctl complains of (such lines begin with "pfctl:") is
// Unread, like all that is not understood.
func Printed(text, anchor string, host Host) *Ruleset {
	var lines []string
	counters := map[int]*Counters{}
	rule := 0
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		words := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(words, "["):
			if c := countersOf(words); c != nil && rule > 0 {
				counters[rule] = c
			}
			line = ""
		case altq[words]:
			line = ""
		case words != "" && words != "}":
			rule = len(lines) + 1
			line = count.ReplaceAllString(ruleNumber.ReplaceAllString(line, "$1"), "<$1>")
		}
		lines = append(lines, line)
	}
	p := newParser(strings.Join(lines, "\n")+"\n", anchor, host, new(int))
	p.printed, p.anyhow = true, true
	p.all(&p.set.Statements)
	attach(p.set.Statements, counters)
	return p.set
}

// altq is what pfctl -v prints on hosts without ALTQ.
var altq = map[string]bool{"No ALTQ support in kernel": true, "ALTQ related functions disabled": true}

var (
	ruleNumber = regexp.MustCompile(`^(\s*)@[0-9]+ `)                          // -vv numbers the rules
	count      = regexp.MustCompile(`<([A-Za-z0-9_.:-]{1,31}):(?:[0-9]+|\*)>`) // and says how many addresses a table has
)

func attach(list []Statement, counters map[int]*Counters) {
	for _, st := range list {
		for _, r := range st.Rules {
			r.Counters = counters[r.Line]
			if r.Body != nil {
				attach(r.Body.Statements, counters)
			}
		}
	}
}

// countersOf reads "[ Evaluations: 12  Packets: 3  Bytes: 180  States: 0 ]", and is nil for other lines.
func countersOf(line string) *Counters {
	w := strings.Fields(strings.Trim(line, "[] "))
	c := &Counters{}
	fields := map[string]*uint64{"Evaluations:": &c.Evaluations, "Packets:": &c.Packets, "Bytes:": &c.Bytes, "States:": &c.States}
	if len(w) != 2*len(fields) {
		return nil
	}
	for i := 0; i < len(w); i += 2 {
		field := fields[w[i]]
		n, err := strconv.ParseUint(w[i+1], 10, 64)
		if field == nil || err != nil {
			return nil
		}
		*field = n
		delete(fields, w[i])
	}
	return c
}
