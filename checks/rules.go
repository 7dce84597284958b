package checks

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"postern/remote"
)

// rule is one line of iptables-save, understood as far as these checks need.
type rule struct {
	chain   string
	text    string // the whole line
	target  string // -j or -g
	isGoto  bool
	proto   string
	src     []netip.Prefix
	dst     []netip.Prefix
	in, out string
	dports  []span
	states  []string
	to      string // --to-destination
	comment string
	strange bool // it has a match that is not understood: a packet may or may not fit it
	local   bool // it is for the host's own addresses
	never   bool // it cannot fit the first packet of a connection
	negated map[string]bool
}

type span struct{ first, last int }

// table is one table: its chains' policies and their rules in order.
type table struct {
	policy map[string]string
	rules  map[string][]rule
	order  []rule
}

// tablesOf parses iptables-save of one family ("v4", "v6"). An error says that it cannot be told what runs.
func tablesOf(f remote.Facts, family string) (map[string]*table, error) {
	s, err := parts(f, readRules)
	if err != nil {
		return nil, err
	}
	if s.has("absent") {
		return nil, fmt.Errorf("there is no iptables on the host")
	}
	tables, err := parseTables(s[family])
	if err == nil && tables["filter"] == nil {
		err = fmt.Errorf("iptables-save showed no filter table")
	}
	return tables, err
}

func parseTables(lines []string) (map[string]*table, error) {
	tables := map[string]*table{}
	var now *table
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "*"):
			now = &table{policy: map[string]string{}, rules: map[string][]rule{}}
			tables[line[1:]] = now
		case line == "COMMIT":
			now = nil
		case now == nil:
			return nil, fmt.Errorf("iptables-save said %q", remote.Clean(line).Line(60))
		case strings.HasPrefix(line, ":"):
			if w := strings.Fields(line[1:]); len(w) >= 2 {
				now.policy[w[0]] = w[1]
			}
		case strings.HasPrefix(line, "-A "):
			r := parseRule(line)
			now.rules[r.chain] = append(now.rules[r.chain], r)
			now.order = append(now.order, r)
		}
	}
	if now != nil {
		return nil, fmt.Errorf("iptables-save broke off before COMMIT")
	}
	return tables, nil
}

// harmless matches change nothing about which first packets fit.
var harmless = map[string]bool{"tcp": true, "udp": true, "icmp": true, "icmp6": true, "comment": true, "conntrack": true,
	"state": true, "multiport": true, "limit": true, "recent": true, "addrtype": true, "rt": true, "hl": true}

func parseRule(line string) rule {
	r := rule{text: line, negated: map[string]bool{}}
	w := words(line)
	not := false
	for i := 0; i < len(w); i++ {
		value := ""
		if i+1 < len(w) {
			value = w[i+1]
		}
		if w[i] == "!" {
			not = true
			continue
		}
		if r.option(w[i], value, not) {
			i++
		}
		not = false
	}
	return r
}

// option takes in one option of a rule and says whether it used the value.
func (r *rule) option(name, value string, not bool) bool {
	if not {
		r.negated[name] = true
	}
	switch name {
	case "-A":
		r.chain = value
	case "-j", "-g":
		r.target, r.isGoto = value, name == "-g"
	case "-p":
		r.proto = value
	case "-s":
		r.src = append(r.src, network(value)...)
		r.strange = r.strange || len(r.src) == 0
	case "-d":
		r.dst = append(r.dst, network(value)...)
		r.strange = r.strange || len(r.dst) == 0
	case "-i":
		r.in = value
	case "-o":
		r.out = value
	case "--dport", "--dports":
		r.dports = ports(value)
		r.strange = r.strange || len(r.dports) == 0
	case "--ctstate", "--state":
		r.states = strings.Split(value, ",")
	case "--to-destination":
		r.to = value
	case "--comment":
		r.comment = value
	case "-m":
		r.strange = r.strange || !harmless[value]
	case "--hitcount", "--rt-type":
		r.never = true // a limit that the first packet has not reached; a routing header that it has not
	case "--dst-type":
		r.local = value == "LOCAL" && !not
		r.never = r.never || (value != "LOCAL") != not // broadcast and multicast are not what these checks ask about
	case "--sport", "--sports", "--icmp-type", "--icmpv6-type", "--tcp-flags":
		r.strange = true
	default:
		return false
	}
	return true
}

func network(text string) []netip.Prefix {
	if p, err := netip.ParsePrefix(text); err == nil {
		return []netip.Prefix{p.Masked()}
	}
	if a, err := netip.ParseAddr(text); err == nil {
		return []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}
	}
	return nil
}

// ports parses 993, 8000:8010 and lists of them.
func ports(text string) []span {
	var all []span
	for _, one := range strings.Split(text, ",") {
		first, last, isRange := strings.Cut(one, ":")
		if !isRange {
			last = first
		}
		a, err1 := strconv.ParseUint(first, 10, 16)
		b, err2 := strconv.ParseUint(last, 10, 16)
		if err1 != nil || err2 != nil || b < a {
			return nil
		}
		all = append(all, span{int(a), int(b)})
	}
	return all
}

// words splits a line of iptables-save: blanks separate, double quotes hold together, a backslash escapes within them.
func words(line string) []string {
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
		case c == ' ' && !quoted:
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
	if started {
		all = append(all, word.String())
	}
	return all
}
