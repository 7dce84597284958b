package demo

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// filterRule is one rule. Its text is what iptables-save shows behind "-A CHAIN", which also tells whether two are the same.
type filterRule struct {
	text   string
	proto  string
	src    scope
	dst    scope
	in     devname
	out    devname
	tests  []filterTest
	target string
	isGoto bool
	opts   map[string]string // of the target, by option
}

// scope is a network that an address must be in, or must not. An invalid one holds all.
type scope struct {
	net netip.Prefix
	not bool
}

// devname is an interface, or the beginning of its name with a + behind; empty is any.
type devname struct {
	name string
	not  bool
}

// filterTest is one match of a module.
type filterTest struct {
	module, option, value string
	not                   bool
}

// targets are those that are no chains, with the options that each takes: a colon before one that has no value.
var targets = map[string]string{
	"ACCEPT": "", "DROP": "", "RETURN": "", "QUEUE": "", "REJECT": "--reject-with", "DNAT": "--to-destination", "SNAT": "--to-source",
	"LOG": "--log-prefix --log-level", "MASQUERADE": ":--random", "TCPMSS": ":--clamp-mss-to-pmtu --set-mss", "MARK": "--set-xmark --set-mark",
	"CONNMARK": "--set-xmark --set-mark :--restore-mark :--save-mark --nfmask --ctmask", "REDIRECT": "--to-ports",
}

func isTarget(name string) bool { _, ok := targets[name]; return ok }

// modules are the options of each match that is known; a colon stands before one that has no value.
var modules = map[string]string{
	"tcp": "--dport --sport --tcp-flags :--syn", "udp": "--dport --sport", "icmp": "--icmp-type", "icmp6": "--icmpv6-type",
	"conntrack": "--ctstate", "state": "--state", "limit": "--limit --limit-burst", "addrtype": "--dst-type --src-type", "multiport": "--dports --sports",
	"hl": "--hl-eq", "rt": "--rt-type", "connmark": "--mark", "mark": "--mark", "comment": "--comment",
	"recent": ":--set :--update --seconds --hitcount --name --mask :--rsource",
}

// takes tells whether a list of options has one, and whether that takes a value.
func takes(list, option string) (known, value bool) {
	for _, one := range strings.Fields(list) {
		if one == option {
			return true, true
		}
		if one == ":"+option {
			return true, false
		}
	}
	return false, false
}

var longOptions = map[string]string{"--source": "-s", "--destination": "-d", "--in-interface": "-i", "--out-interface": "-o", "--protocol": "-p",
	"--jump": "-j", "--goto": "-g", "--match": "-m", "--destination-port": "--dport", "--source-port": "--sport", "--proto": "-p"}

// ruleReader reads a rule's words.
type ruleReader struct {
	r       *filterRule
	six     bool
	modules []string // in the order they were named
	shown   map[string]string
}

// parseFilterRule reads the words of a rule, without its chain.
func parseFilterRule(words []string, six bool) (*filterRule, error) {
	p := ruleReader{r: &filterRule{opts: map[string]string{}}, six: six, shown: map[string]string{}}
	not := false
	for i := 0; i < len(words); i++ {
		w := words[i]
		if w == "!" {
			not = true
			continue
		}
		if short := longOptions[w]; short != "" {
			w = short
		}
		value := ""
		if i+1 < len(words) {
			value = words[i+1]
		}
		var used int
		var err error
		if strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "--") {
			used, err = 1, p.plain(w, value, not)
		} else {
			used, err = p.option(w, value, not, words[min(i+2, len(words)):])
		}
		if err != nil {
			return nil, err
		}
		i += used
		not = false
	}
	p.r.text = p.text()
	return p.r, nil
}

func sayNot(not bool) string {
	if not {
		return "! "
	}
	return ""
}

// plain reads an option that every rule may have.
func (p *ruleReader) plain(w, value string, not bool) error {
	switch w {
	case "-s", "-d":
		net, err := filterNet(value, p.six)
		if err != nil {
			return err
		}
		if net.Bits() == 0 && !not {
			return nil
		}
		if w == "-s" {
			p.r.src = scope{net, not}
		} else {
			p.r.dst = scope{net, not}
		}
	case "-i":
		p.r.in = devname{value, not}
	case "-o":
		p.r.out = devname{value, not}
	case "-p":
		value = strings.ToLower(value)
		if other := map[string]string{"icmpv6": "ipv6-icmp", "6": "tcp", "17": "udp", "all": "", "0": "", "1": "icmp", "58": "ipv6-icmp"}[value]; other != "" || value == "all" || value == "0" {
			value = other
		}
		p.r.proto = value
	case "-j", "-g":
		p.r.target, p.r.isGoto = value, w == "-g"
	case "-m":
		if _, ok := modules[value]; !ok && value != "icmpv6" {
			return says("Couldn't load match `%s':No such file or directory", value)
		}
		p.module(value)
	default:
		return says("unknown option %q", w)
	}
	return nil
}

func (p *ruleReader) module(name string) {
	if name == "icmpv6" {
		name = "icmp6"
	}
	for _, m := range p.modules {
		if m == name {
			return
		}
	}
	p.modules = append(p.modules, name)
}

// option reads one that belongs to the target or to a match, and tells how many words it used.
func (p *ruleReader) option(w, value string, not bool, more []string) (used int, err error) {
	if known, valued := takes(targets[p.r.target], w); known {
		p.r.opts[w] = value
		if !valued {
			p.r.opts[w] = ""
			return 0, nil
		}
		return 1, nil
	}
	switch p.r.proto { // the module of a protocol comes by itself
	case "tcp", "udp":
		if known, _ := takes(modules[p.r.proto], w); known {
			p.module(p.r.proto)
		}
	case "icmp", "ipv6-icmp":
		if w == "--icmp-type" || w == "--icmpv6-type" {
			p.module(map[string]string{"icmp": "icmp", "ipv6-icmp": "icmp6"}[p.r.proto])
		}
	}
	for i := len(p.modules) - 1; i >= 0; i-- {
		m := p.modules[i]
		known, valued := takes(modules[m], w)
		if !known {
			continue
		}
		if !valued {
			value = ""
		}
		if w == "--tcp-flags" && len(more) > 0 {
			value, used = value+" "+more[0], 1
		}
		text, err := spellOption(w, value)
		if err != nil {
			return 0, err
		}
		p.r.tests = append(p.r.tests, filterTest{m, w, text, not})
		if w != "--limit-burst" || text != "5" {
			p.shown[m] += " " + sayNot(not) + w
			if text != "" {
				p.shown[m] += " " + quoteFilter(text, w == "--comment")
			}
		}
		if valued {
			used++
		}
		return used, nil
	}
	return 0, says("unknown option %q", w)
}

var icmpTypes = map[string]string{"destination-unreachable": "3", "time-exceeded": "11", "parameter-problem": "12", "echo-request": "8", "echo-reply": "0"}
var icmp6Types = map[string]string{"destination-unreachable": "1", "packet-too-big": "2", "time-exceeded": "3", "parameter-problem": "4", "echo-request": "128",
	"echo-reply": "129", "router-solicitation": "133", "router-advertisement": "134", "neighbor-solicitation": "135", "neighbor-advertisement": "136",
	"neighbour-solicitation": "135", "neighbour-advertisement": "136"}

// spellOption is a value as iptables-save writes it.
func spellOption(w, value string) (string, error) {
	switch w {
	case "--icmp-type", "--icmpv6-type":
		types := icmpTypes
		if w == "--icmpv6-type" {
			types = icmp6Types
		}
		if n := types[value]; n != "" {
			return n, nil
		}
		if !isNumber(value) {
			return "", says("Invalid ICMP type `%s'", value)
		}
	case "--limit":
		n, unit, _ := strings.Cut(value, "/")
		for _, u := range []string{"second", "minute", "hour", "day"} {
			if unit != "" && strings.HasPrefix(u, unit) {
				return n + "/" + map[string]string{"second": "sec", "minute": "min", "hour": "hour", "day": "day"}[u], nil
			}
		}
	case "--dport", "--sport", "--dports", "--sports":
		for _, one := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ':' }) {
			if n, err := strconv.Atoi(one); err != nil || n > 65535 {
				return "", says("invalid port/service `%s' specified", one)
			}
		}
		if value == "" {
			return "", says("option %q requires an argument", w)
		}
	case "--ctstate", "--state":
		var kept []string
		for _, s := range []string{"INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED"} {
			if strings.Contains(","+value+",", ","+s+",") {
				kept = append(kept, s)
			}
		}
		if len(kept) != strings.Count(value, ",")+1 {
			return "", says("Bad ctstate \"%s\"", value)
		}
		return strings.Join(kept, ","), nil
	}
	return value, nil
}

// filterNet reads an address or a network of a family.
func filterNet(text string, six bool) (netip.Prefix, error) {
	net, err := netip.ParsePrefix(text)
	if err != nil {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return net, says("host/network `%s' not found", text)
		}
		net = netip.PrefixFrom(a, a.BitLen())
	}
	if net.Addr().Is4() == six {
		return net, says("host/network `%s' not found", text)
	}
	return net.Masked(), nil
}

func quoteFilter(text string, always bool) string {
	if always || strings.ContainsAny(text, `"'\`) {
		if !strings.ContainsAny(text, " \"'\\") {
			return text
		}
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
	}
	return text
}

// text is the rule in the order and spelling of iptables-save.
func (p *ruleReader) text() string {
	r := p.r
	var b strings.Builder
	for _, side := range []struct {
		word string
		is   scope
	}{{"-s", r.src}, {"-d", r.dst}} {
		if side.is.net.IsValid() {
			b.WriteString(" " + sayNot(side.is.not) + side.word + " " + side.is.net.String())
		}
	}
	for _, dev := range []struct {
		word string
		is   devname
	}{{"-i", r.in}, {"-o", r.out}} {
		if dev.is.name != "" {
			b.WriteString(" " + sayNot(dev.is.not) + dev.word + " " + dev.is.name)
		}
	}
	if r.proto != "" {
		b.WriteString(" -p " + r.proto)
	}
	for _, m := range p.modules {
		b.WriteString(" -m " + m + p.shown[m])
		if m == "recent" && !strings.Contains(p.shown[m], "--name") {
			b.WriteString(" --name DEFAULT --mask 255.255.255.255 --rsource")
		}
	}
	if r.target == "" {
		return b.String()
	}
	word := " -j "
	if r.isGoto {
		word = " -g "
	}
	b.WriteString(word + r.target)
	if r.target == "REJECT" && r.opts["--reject-with"] == "" {
		r.opts["--reject-with"] = map[bool]string{false: "icmp-port-unreachable", true: "icmp6-port-unreachable"}[p.six]
	}
	if mark, ok := r.opts["--set-mark"]; ok {
		delete(r.opts, "--set-mark")
		r.opts["--set-xmark"] = spellMark(mark)
	}
	for _, o := range strings.Fields(targets[r.target]) {
		o = strings.TrimPrefix(o, ":")
		if v, ok := r.opts[o]; ok {
			b.WriteString(" " + o)
			if o == "--log-prefix" {
				v = `"` + v + `"`
			}
			if v != "" {
				b.WriteString(" " + v)
			}
		}
	}
	return b.String()
}

// spellMark is a mark with its mask, in hex.
func spellMark(text string) string {
	value, mask := parseMark(text)
	return fmt.Sprintf("0x%x/0x%x", value, mask)
}

func parseMark(text string) (value, mask uint32) {
	v, m, masked := strings.Cut(text, "/")
	n, _ := strconv.ParseUint(v, 0, 32)
	mask = 1<<32 - 1
	if masked {
		k, _ := strconv.ParseUint(m, 0, 32)
		mask = uint32(k)
	}
	return uint32(n), mask
}

// says is an error in the very words of the real program.
func says(format string, args ...any) error { return programWords(fmt.Sprintf(format, args...)) }

// programWords is what a program says when something is wrong.
type programWords string

func (w programWords) Error() string { return string(w) }
