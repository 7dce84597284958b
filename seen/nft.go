package seen

import (
	"fmt"
	"slices"
	"strings"
)

// parseNft reads the tables of nft's listing that iptables does not show: each becomes a set. Of one that is not whole nothing can be told.
func parseNft(lines []string) (sets []Set, err error) {
	for len(lines) > 0 {
		n := 1
		for n < len(lines) && !strings.HasPrefix(lines[n], "table ") {
			n++
		}
		if w := quoted(lines[0]); len(w) > 3 && w[0] == "table" && w[3] == "{" {
			own, err := parseTable(w[1], w[2], lines[1:n])
			if err != nil {
				own = untold(w[1], w[2])
			}
			sets = append(sets, own...)
		} else if line := strings.TrimSpace(lines[0]); line != "" && !strings.HasPrefix(line, "#") {
			return nil, odd("nft", line)
		}
		lines = lines[n:]
	}
	return sets, nil
}

// emptySet is the set of a table, and its tables by family, nil where it does not filter one; none for a table that iptables shows, or
// that no packet of ours meets.
func emptySet(family, name string) (sets []Set, four, six *Table) {
	if shown := slices.Contains(iptables, name) && (family == "ip" || family == "ip6"); shown || family == "arp" || family == "bridge" {
		return nil, nil, nil
	}
	set := Set{Name: "table " + family + " " + name}
	if family != "ip6" {
		four = newTable(set.Name + ": ")
		set.Four = Tables{set.Name: four}
	}
	if family != "ip" {
		six = newTable(set.Name + ": ")
		set.Six = Tables{set.Name: six}
	}
	return []Set{set}, four, six
}

// untold is the set of a table that is not told whole: at each hook it may drop, or not.
func untold(family, name string) []Set {
	sets, four, six := emptySet(family, name)
	for _, t := range []*Table{four, six} {
		for _, hook := range []string{"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING", "nat PREROUTING", "nat POSTROUTING"} {
			if t != nil {
				t.hooks[hook], t.Policy[hook] = hook, "ACCEPT"
				t.Chains[hook] = []Rule{{Text: "its listing is too long, or broke off", Chain: hook, Target: "DROP", strange: true}}
			}
		}
	}
	return sets
}

// parseTable reads what stands in one table. An error says that it is not whole.
func parseTable(family, name string, lines []string) (sets []Set, err error) {
	sets, four, six := emptySet(family, name)
	chain, depth, aside := "", 1, 0 // in table and chain; in a block that is neither
	for _, line := range lines {
		line = strings.TrimSpace(line)
		w := quoted(line)
		switch {
		case line == "", strings.HasPrefix(line, "#"):
		case aside > 0:
			aside += strings.Count(line, "{") - strings.Count(line, "}")
		case line == "}":
			depth--
		case depth == 1 && len(w) == 3 && w[0] == "chain":
			depth, chain = 2, w[1]
			for _, t := range []*Table{four, six} {
				if t != nil {
					t.Policy[chain] = "-"
				}
			}
		case depth == 2:
			four.nft(chain, line, w, false)
			six.nft(chain, line, w, true)
		case depth == 1 && strings.HasSuffix(line, "{"):
			aside = 1
		case depth != 1:
			return nil, odd("nft", line)
		}
		if depth < 0 || aside < 0 {
			return nil, odd("nft", line)
		}
	}
	if depth+aside > 0 {
		return nil, fmt.Errorf("nft broke off in %q", name)
	}
	return sets, nil
}

// iptables are the tables that iptables shows itself, as the kernel asks them at a hook.
var iptables = []string{"raw", "mangle", "nat", "filter", "security"}

func newTable(of string) *Table {
	return &Table{Policy: map[string]string{}, Chains: map[string][]Rule{}, hooks: map[string]string{}, of: of}
}

// nft takes in one line of a chain: what it hangs on, or a rule.
func (t *Table) nft(chain, line string, w []string, six bool) {
	switch {
	case t == nil:
	case len(w) > 3 && w[0] == "type" && w[2] == "hook":
		hook := strings.ToUpper(w[3])
		if hook == "INGRESS" {
			hook = "PREROUTING"
		}
		if w[1] == "nat" {
			hook = "nat " + hook
		}
		t.hooks[chain], t.Policy[chain] = hook, "ACCEPT"
		if strings.Contains(line, "policy drop") {
			t.Policy[chain] = "DROP"
		}
	case w[0] != "comment":
		for _, words := range unmapped(w) {
			r := nftRule(chain, line, words, six)
			t.Chains[chain] = append(t.Chains[chain], r)
			t.Rules = append(t.Rules, r)
		}
	}
}

// unmapped makes a rule for each state of "ct state vmap { established : accept, invalid : drop }".
func unmapped(w []string) (all [][]string) {
	at := slices.Index(w, "vmap")
	if at < 2 || w[at-2] != "ct" || w[at-1] != "state" {
		return [][]string{w}
	}
	one := slices.Clone(w[:at])
	for _, word := range w[at+1:] {
		switch end := strings.HasSuffix(word, ","); {
		case word == "{" || word == ":":
			continue
		case word != "}":
			if one = append(one, strings.TrimSuffix(word, ",")); !end {
				continue
			}
		}
		if all, one = append(all, one), slices.Clone(w[:at]); word == "}" {
			break
		}
	}
	return all
}

// options are what nft calls what iptables has an option for.
var options = map[string]string{"iifname": "-i", "iif": "-i", "oifname": "-o", "oif": "-o", "ip saddr": "-s", "ip6 saddr": "-s", "ip daddr": "-d",
	"ip6 daddr": "-d", "tcp dport": "--dport", "udp dport": "--dport", "tcp sport": "--sport", "udp sport": "--sport", "ct state": "--ctstate",
	"ip protocol": "-p", "ip6 nexthdr": "-p", "meta l4proto": "-p", "jump": "-j", "goto": "-g", "dnat to": "--to-destination"}

// nftRule is a rule of nft as iptables would have it, as far as that goes; what it does not understand makes it strange.
func nftRule(chain, line string, w []string, six bool) Rule {
	r := Rule{Text: line, Chain: chain, negated: map[string]bool{}}
	for i := 0; i < len(w); i++ {
		name := w[i]
		switch name {
		case "counter": // packets 1 bytes 2
			if i+1 < len(w) && w[i+1] == "packets" {
				i += 4
			}
			continue
		case "log", "prefix", "level", "comment":
			if name != "log" {
				i++
			}
			continue
		case "ip", "ip6", "tcp", "udp", "icmp", "icmpv6", "ct", "meta", "dnat":
			switch name {
			case "ip", "ip6":
				r.never = r.never || (name == "ip6") != six
			case "dnat":
				r.Target = "DNAT"
			case "ct", "meta":
			default:
				r.Proto = name
			}
			if i++; i < len(w) {
				name += " " + w[i]
			}
		case "accept", "drop", "return", "masquerade", "redirect", "notrack":
			r.Target = strings.ToUpper(name)
			continue
		case "reject":
			r.Target = "REJECT"
			return r
		}
		option, known := options[name]
		value, not, next := operand(w, i+1)
		if r.strange = r.strange || !known || value == ""; !known {
			if name == "vmap" || name == "queue" || name == "snat" {
				r.Target = name
			}
			continue
		}
		if value == "vmap" {
			r.strange, r.Target = true, value
			return r
		}
		switch option {
		case "-i", "-o":
			r.strange = r.strange || strings.Contains(value, ",")
			value = strings.Replace(value, "*", "+", 1)
		case "--dport", "--sport":
			value = strings.ReplaceAll(value, "-", ":")
		case "--ctstate":
			value = strings.ToUpper(value)
		case "-p":
			r.strange = r.strange || strings.Contains(value, ",") && (strings.Contains(value, "tcp") || strings.Contains(value, "udp"))
		}
		r.option(option, value, not)
		i = next - 1
	}
	return r
}

// operand is a value of a rule, a list of them joined by commas, and where the next word stands.
func operand(w []string, i int) (value string, not bool, next int) {
	if i < len(w) && w[i] == "!=" {
		not = true
		i++
	}
	if i >= len(w) {
		return "", not, i
	}
	if w[i] != "{" {
		return w[i], not, i + 1
	}
	var all []string
	for i++; i < len(w) && w[i] != "}"; i++ {
		all = append(all, strings.Trim(w[i], ","))
	}
	return strings.Join(all, ","), not, min(i+1, len(w))
}
