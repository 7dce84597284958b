package demo

import (
	"maps"
	"slices"
	"strings"
)

// ruleset is the rules of one family that run, as iptables has them: tables of chains.
type ruleset map[string]table

type table map[string]*chain

// chain is what iptables-save prints of one: its policy, "-" for a chain of somebody's own, and its rules in order.
type chain struct {
	policy string
	rules  []string
}

// builtin are the kernel's own chains, in the order of iptables-save's tables.
var builtin = []struct {
	table  string
	chains []string
}{
	{"mangle", []string{"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"}},
	{"filter", []string{"INPUT", "FORWARD", "OUTPUT"}},
	{"nat", []string{"PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"}},
}

// table is one table, made when it is first used.
func (r ruleset) table(name string) table {
	if r[name] == nil {
		r[name] = table{}
		for _, b := range builtin {
			for _, c := range b.chains {
				if b.table == name {
					r[name][c] = &chain{policy: "ACCEPT"}
				}
			}
		}
	}
	return r[name]
}

// restore does what iptables-restore -n does with a text: its chains are made or emptied, its rules added.
func (r ruleset) restore(text string) {
	var t table
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case strings.HasPrefix(line, "*"):
			t = r.table(line[1:])
		case strings.HasPrefix(line, ":"):
			policy, _, _ := strings.Cut(rest, " ")
			if c := t[word[1:]]; c != nil && c.policy != "-" {
				c.policy = policy
			} else {
				t[word[1:]] = &chain{policy: policy}
			}
		case word == "-A", word == "-I":
			name, rule, _ := strings.Cut(rest, " ")
			if c := t[name]; c != nil && word == "-A" {
				c.rules = append(c.rules, spelled(rule, strings.HasPrefix(name, "ufw6")))
			} else if c != nil {
				c.rules = slices.Insert(c.rules, 0, spelled(rule, strings.HasPrefix(name, "ufw6")))
			}
		}
	}
}

// drop takes chains away, and every jump to them.
func (r ruleset) drop(gone func(name string) bool) {
	for _, t := range r {
		maps.DeleteFunc(t, func(name string, c *chain) bool { return c.policy == "-" && gone(name) })
		for _, c := range t {
			c.rules = slices.DeleteFunc(c.rules, func(rule string) bool {
				_, to, jumps := strings.Cut(rule, "-j ")
				return jumps && gone(to)
			})
		}
	}
}

// save is what iptables-save prints.
func (r ruleset) save() string {
	var b strings.Builder
	for _, one := range builtin {
		t, used := r[one.table]
		if !used {
			continue
		}
		names := slices.Clone(one.chains)
		for _, name := range slices.Sorted(maps.Keys(t)) {
			if t[name].policy == "-" {
				names = append(names, name)
			}
		}
		b.WriteString("*" + one.table + "\n")
		for _, name := range names {
			b.WriteString(":" + name + " " + t[name].policy + " [0:0]\n")
		}
		for _, name := range names {
			for _, rule := range t[name].rules {
				b.WriteString("-A " + name + " " + rule + "\n")
			}
		}
		b.WriteString("COMMIT\n")
	}
	return b.String()
}
