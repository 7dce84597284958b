package demo

import (
	"fmt"
	"strings"
)

// filterVersion is what Debian 13 has.
const filterVersion = "v1.8.11 (nf_tables)"

func init() {
	for _, six := range []bool{false, true} {
		base := "/usr/sbin/iptables"
		if six {
			base = "/usr/sbin/ip6tables"
		}
		for _, kind := range []string{"", "-nft"} {
			register(base+kind, func(c *call) int { return c.iptables(six) })
			register(base+kind+"-save", func(c *call) int { return c.filterSave(six) })
			register(base+kind+"-restore", func(c *call) int { return c.filterRestore(six) })
		}
		register(base+"-legacy-save", func(*call) int { return 0 }) // nobody loads rules into that rule set here
	}
}

// rules is the rule set of a family; to be called with host.mu held.
func (c *call) rules(six bool) *ruleset {
	if six {
		return c.host.kernel.filter[1]
	}
	return c.host.kernel.filter[0]
}

// iptables is the command for one rule.
func (c *call) iptables(six bool) int {
	table, verb := "filter", ""
	var words []string
	for i := 0; i < len(c.args); i++ {
		a := c.args[i]
		value := ""
		if i+1 < len(c.args) {
			value = c.args[i+1]
		}
		switch long := map[string]string{"--append": "-A", "--insert": "-I", "--delete": "-D", "--check": "-C", "--new-chain": "-N", "--delete-chain": "-X",
			"--flush": "-F", "--policy": "-P", "--list": "-L", "--list-rules": "-S", "--table": "-t", "--wait": "-w", "--numeric": "-n", "--version": "-V"}[a]; {
		case long != "":
			a = long
		}
		switch a {
		case "-V":
			c.out("%s %s\n", strings.TrimSuffix(c.name, "-nft"), filterVersion)
			return 0
		case "-t":
			table = value
			i++
		case "-w":
			if isNumber(value) {
				i++
			}
		case "-n", "-v", "-x", "--line-numbers":
		case "-A", "-I", "-D", "-C", "-N", "-X", "-F", "-Z", "-P", "-L", "-S":
			verb = a
		default:
			words = append(words, a)
		}
	}
	c.host.mu.Lock()
	defer c.host.mu.Unlock()
	t := c.rules(six).tables[table]
	if makes := verb == "-A" || verb == "-I" || verb == "-N" || verb == "-P"; t == nil && makes {
		t = c.rules(six).table(table)
	} else if t == nil { // to look at a table, or to take something out, does not make it
		t = newRuleset(six).table(table)
	}
	switch {
	case t == nil:
		return c.complain(3, "can't initialize iptables table `"+table+"': Table does not exist (do you need to insmod?)")
	case verb == "":
		return c.complain(2, "no command specified")
	case verb == "-L" || verb == "-S":
		return c.listRules(t, table, verb, words)
	}
	status, why := t.change(six, append([]string{verb}, words...))
	return c.complain(status, why)
}

// complain tells what was wrong as iptables does.
func (c *call) complain(status int, why string) int {
	switch {
	case status == 0:
	case status == 1:
		c.warn("%s: %s\n", c.name, why)
	case status == 2:
		c.warn("%s %s: %s\nTry `%s -h' or '%s --help' for more information.\n", c.name, filterVersion, why, c.name, c.name)
	default:
		c.warn("%s %s: %s\n", c.name, filterVersion, why)
	}
	return status
}

// listRules prints chains: -S as commands, -L as a table, of which only the names and rules are told.
func (c *call) listRules(t *filterTable, table, verb string, words []string) int {
	names := append(append([]string(nil), ownChains[table]...), t.custom()...)
	if len(words) > 0 {
		names = words[:1]
		if t.chains[words[0]] == nil {
			return c.complain(1, "No chain/target/match by that name.")
		}
	}
	for i, name := range names {
		one := t.chains[name]
		switch {
		case verb == "-L" && one.policy != "":
			c.out("Chain %s (policy %s)\n", name, one.policy)
		case verb == "-L":
			c.out("Chain %s (%d references)\n", name, t.references(name))
		case one.policy != "":
			c.out("-P %s %s\n", name, one.policy)
		default:
			c.out("-N %s\n", name)
		}
		if verb == "-L" {
			c.out("target     prot opt source               destination         \n")
			for _, r := range one.rules {
				c.out("%s\n", r.row())
			}
			if i+1 < len(names) {
				c.out("\n")
			}
		}
	}
	if verb == "-S" {
		for _, name := range names {
			for _, r := range t.chains[name].rules {
				c.out("-A %s%s\n", name, r.text)
			}
		}
	}
	return 0
}

func (t *filterTable) references(name string) int {
	n := 0
	for _, c := range t.chains {
		for _, r := range c.rules {
			if r.target == name {
				n++
			}
		}
	}
	return n
}

// row is the rule as iptables -L -n shows it, with ports and states behind.
func (r *filterRule) row() string {
	proto := r.proto
	if proto == "" {
		proto = "all"
	}
	text := fmt.Sprintf("%-10s %-4s --  %-20s %-20s", r.target, proto, r.src.words(), r.dst.words())
	for _, t := range r.tests {
		switch t.option {
		case "--dport":
			text += fmt.Sprintf(" %s dpt:%s", t.module, t.value)
		case "--ctstate":
			text += " ctstate " + t.value
		}
	}
	return text
}

func (s scope) words() string {
	if !s.net.IsValid() {
		return "0.0.0.0/0"
	}
	return strings.TrimSuffix(s.net.String(), "/32")
}
