package seen

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"postern/remote"
)

// Ruleset is what the kernel filters and translates by.
type Ruleset struct {
	Absent bool // there is no iptables
	Four   Tables
	Six    Tables
	Other  string // a rule of the kernel's other rule set, which packets must pass too: "legacy: -A INPUT -j DROP"; "" for none
	Beside []Set  // what packets must pass too: the kernel's other rule set, and tables that nft made
}

// Set is rules that are not those of the host's iptables.
type Set struct {
	Name      string // legacy or nft: the other rule set of iptables; or "table inet mine"
	Four, Six Tables
}

// Family is the tables of one family: v4 or v6.
type Family struct {
	Name string
	Tables
}

// Families are both, IPv4 first.
func (r Ruleset) Families() []Family { return []Family{{"v4", r.Four}, {"v6", r.Six}} }

// Tables are the tables of one family by name: filter, nat, mangle …
type Tables map[string]*Table

// Table is one table: its chains' policies and its rules in order.
type Table struct {
	Policy map[string]string // of every chain; "-" for one that is nobody's base chain
	Chains map[string][]Rule
	Rules  []Rule
	hooks  map[string]string // by base chain, where nft made it; nil: they bear their hook's name
	of     string            // whose it is, where it is not the host's iptables
}

// Rules reads the rules that run. The program iptables has two rule sets, and ip6tables, which is chosen apart; nft makes tables of its
// own, and a packet must pass them all: so all are read, each as far as it can be judged. Where there is no nft, it is not known whether somebody made such tables without it.
var Rules = register(Fact[Ruleset]{ID: "rules", ask: text(`command -v iptables-save >/dev/null || none absent
echo '== v4'; iptables-save || exit 3
echo '== v6'; ip6tables-save || [ ! -e /proc/sys/net/ipv6 ] || exit 3
for f in ip ip6; do
	o=nft
	case $("${f}tables" -V 2>/dev/null) in *nf_tables*) o=legacy; read -r t < "/proc/net/${f}_tables_names" || continue ;; esac
	if command -v "${f}tables-$o-save" >/dev/null; then echo "== $o $f"; "${f}tables-$o-save" | head -n 8000; fi
done 2>/dev/null
echo '== nft'
nft list tables 2>/dev/null | while read -r t f n; do
	case "$f $n" in arp\ *|bridge\ *|ip\ filter|ip\ nat|ip\ mangle|ip\ raw|ip\ security|ip6\ filter|ip6\ nat|ip6\ mangle|ip6\ raw|ip6\ security) continue ;; esac
	{ nft -t list table "$f" "$n" || nft list table "$f" "$n" || echo "table $f $n {"; } 2>/dev/null </dev/null | head -n 2000
done`),
	parse: func(s sections) (r Ruleset, err error) {
		if s.has("absent") {
			return Ruleset{Absent: true}, nil
		}
		if !s.has("v4") || !s.has("v6") {
			return r, fmt.Errorf("iptables-save was not asked")
		}
		if r.Four, err = ParseTables(s["v4"]); err != nil {
			return r, err
		}
		if r.Six, err = ParseTables(s["v6"]); err != nil {
			return r, err
		}
		for _, name := range []string{"legacy", "nft"} {
			other := Set{Name: name}
			if other.Four, err = ParseTables(s[name+" ip"]); err != nil {
				return r, err
			}
			if other.Six, err = ParseTables(s[name+" ip6"]); err != nil {
				return r, err
			}
			for _, tables := range []Tables{other.Four, other.Six} {
				if rule := tables.owned("iptables-" + name + ": "); rule != "" {
					r.Other = cmp.Or(r.Other, name+": "+rule)
				}
			}
			if len(other.Four)+len(other.Six) > 0 {
				r.Beside = append(r.Beside, other)
			}
		}
		own, err := parseNft(s["nft"])
		r.Beside = append(r.Beside, own...)
		return r, err
	}})

// owned notes whose the tables are, and is the first of their rules, or "".
func (t Tables) owned(of string) (first string) {
	for _, name := range slices.Sorted(maps.Keys(t)) {
		t[name].of = of
		if rules := t[name].Rules; first == "" && len(rules) > 0 {
			first = rules[0].Text
		}
	}
	return first
}

// ParseTables reads the lines of iptables-save of one family, or of a file for iptables-restore. An error says that it
// cannot be told what they do.
func ParseTables(lines []string) (Tables, error) {
	tables := Tables{}
	var now *Table
	for _, line := range lines {
		line = strings.TrimRight(line, " \r")
		switch {
		case strings.Contains(line, "is incompatible, use 'nft' tool"):
			return nil, odd("iptables-save", line)
		case line == "", strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "*"):
			now = &Table{Policy: map[string]string{}, Chains: map[string][]Rule{}}
			tables[line[1:]] = now
		case line == "COMMIT":
			now = nil
		case now == nil:
			return nil, odd("iptables-save", line)
		case strings.HasPrefix(line, ":"):
			if w := strings.Fields(line[1:]); len(w) >= 2 {
				now.Policy[w[0]] = w[1]
			}
		case strings.HasPrefix(line, "-A "):
			r := ParseRule(line)
			now.Chains[r.Chain] = append(now.Chains[r.Chain], r)
			now.Rules = append(now.Rules, r)
		}
	}
	if now != nil {
		return nil, fmt.Errorf("iptables-save broke off before COMMIT")
	}
	return tables, nil
}

// Has says whether a chain exists.
func (t Tables) Has(table, chain string) bool {
	if t[table] == nil {
		return false
	}
	_, ok := t[table].Policy[chain]
	return ok
}

// Chain lists the rules of a chain.
func (t Tables) Chain(table, chain string) []Rule {
	if t[table] == nil {
		return nil
	}
	return t[table].Chains[chain]
}

// Hangs counts how often a chain jumps to another, whatever it is that goes there.
func (t Tables) Hangs(table, chain, target string) int {
	n := 0
	for _, r := range t.Chain(table, chain) {
		if r.Text == "-A "+chain+" -j "+target {
			n++
		}
	}
	return n
}

// Spelling is what a rule says, whichever tool wrote it down.
func (r Rule) Spelling() string {
	text := r.Chain
	if r.Proto != "" && r.Proto != "all" {
		text += " " + r.Proto
	}
	for _, side := range []struct {
		word string
		list []netip.Prefix
	}{{" from ", r.src}, {" to ", r.Dst}} {
		for _, p := range side.list {
			if p.Bits() > 0 {
				text += side.word + p.String()
			}
		}
	}
	if r.In != "" {
		text += " in " + r.In
	}
	if r.Out != "" {
		text += " out " + r.Out
	}
	for _, p := range r.Ports {
		text += fmt.Sprintf(" port %d:%d", p.First, p.Last)
	}
	if len(r.states) > 0 {
		text += " " + strings.Join(r.states, ",")
	}
	return remote.Clean(text + " " + r.Target).Line(160)
}
