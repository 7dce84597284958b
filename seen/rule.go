package seen

import (
	"net/netip"
	"strings"

	"postern/remote"
)

// Rule is one line of iptables-save, understood as far as a walk through the chains needs.
type Rule struct {
	Text    string // the whole line
	Chain   string
	Target  string // -j or -g
	To      string // --to-destination, --to-source
	Ports   []Span // --dport
	Proto   string
	Dst     []netip.Prefix
	In, Out string
	Options []string // the names of all options that it has, with what -m names, and words that belong to none
	isGoto  bool
	src     []netip.Prefix
	from    []Span // --sport
	states  []string
	was     []netip.Prefix // --ctorigdst: where it was sent before it was translated
	wasPort []Span         // --ctorigdstport
	first   bool           // it is for the first packet of a TCP connection
	strange bool           // it has a match that is not understood: a packet may or may not fit it
	local   bool           // it is for the host's own addresses
	beyond  bool           // it is for all other addresses
	never   bool           // it cannot fit the first packet of a connection
	negated map[string]bool
}

// Span is a range of ports, or one.
type Span struct{ First, Last int }

// harmless matches change nothing about which packets fit, or have options that are understood.
var harmless = map[string]bool{"tcp": true, "udp": true, "icmp": true, "icmp6": true, "comment": true, "conntrack": true,
	"state": true, "multiport": true, "recent": true, "addrtype": true, "rt": true, "hl": true}

// telling are options of harmless matches that change nothing about which packets fit.
var telling = map[string]bool{"--syn": true, "--set": true, "--seconds": true, "--name": true, "--mask": true, "--rsource": true, "--rdest": true,
	"-4": true, "-6": true}

// ParseRule reads one line of iptables-save, or one that a person wrote for iptables-restore.
func ParseRule(line string) Rule {
	r := Rule{Text: line, negated: map[string]bool{}}
	w := quoted(line)
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
func (r *Rule) option(name, value string, not bool) bool {
	if not {
		r.negated[name] = true
		name = "! " + name
	}
	if r.Options = append(r.Options, name); name == "-m" {
		r.Options[len(r.Options)-1] += " " + value
	}
	name = strings.TrimPrefix(name, "! ")
	switch name {
	case "-A":
		r.Chain = value
	case "-j", "-g":
		r.Target, r.isGoto = value, name == "-g"
	case "-p":
		r.Proto = value
	case "-s":
		r.src = append(r.src, network(value)...)
		r.strange = r.strange || len(r.src) == 0
	case "-d":
		r.Dst = append(r.Dst, network(value)...)
		r.strange = r.strange || len(r.Dst) == 0
	case "-i":
		r.In = value
	case "-o":
		r.Out = value
	case "--dport", "--dports":
		r.Ports = ParsePorts(value)
		r.strange = r.strange || len(r.Ports) == 0
	case "--sport", "--sports":
		r.from = ParsePorts(value)
		r.strange = r.strange || len(r.from) == 0
	case "--ctstate", "--state":
		r.states = strings.Split(value, ",")
		r.strange = r.strange || strings.Contains(value, "NAT") || strings.Contains(value, "UNTRACKED")
	case "--ctorigdst":
		r.was = append(r.was, network(value)...)
		r.strange = r.strange || len(r.was) == 0
	case "--ctorigdstport":
		r.wasPort = ParsePorts(value)
		r.strange = r.strange || len(r.wasPort) == 0
	case "--to-destination", "--to-source", "--to":
		r.To = value
	case "--comment":
	case "-m":
		r.strange = r.strange || !harmless[value]
	case "--hitcount", "--rt-type":
		r.never = true // a limit that the first packet has not reached; a routing header that it has not
	case "--dst-type":
		r.local, r.beyond = r.local || value == "LOCAL" && !not, r.beyond || value == "LOCAL" && not
		r.never = r.never || value != "LOCAL" && !not // broadcast and multicast are not what is asked about
	case "--icmp-type", "--icmpv6-type":
		r.strange = true
	case "--tcp-flags":
		r.first = strings.Contains(r.Text, " --tcp-flags FIN,SYN,RST,ACK SYN ")
		r.strange = r.strange || !r.first
	default:
		if name == "--notrack" {
			r.Target = "NOTRACK" // no connection is seen any more, so nothing is translated and no answer known
		}
		r.first = r.first || name == "--syn"
		r.strange = r.strange || r.Target == "" && strings.HasPrefix(name, "-") && !telling[name]
		return false
	}
	return true
}

// network is a list of networks; nil when one of them is none.
func network(text string) (all []netip.Prefix) {
	for _, one := range strings.Split(text, ",") {
		p, ok := Prefix(strings.TrimSpace(one))
		if !ok {
			return nil
		}
		all = append(all, p.Masked())
	}
	return all
}

// ParsePorts reads 993, 8000:8010 and lists of them; nil when it is no port.
func ParsePorts(text string) []Span {
	var all []Span
	for _, one := range strings.Split(text, ",") {
		first, last, isRange := strings.Cut(one, ":")
		if !isRange {
			last = first
		}
		a, b := port(first), port(last)
		if a == 0 || b < a {
			return nil
		}
		all = append(all, Span{a, b})
	}
	return all
}

// quoted splits a line of iptables-save: blanks separate, double quotes hold together, a backslash escapes within them.
func quoted(line string) []string {
	var all []string
	var word strings.Builder
	inside, started := false, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case inside && c == '\\' && i+1 < len(line):
			i++
			word.WriteByte(line[i])
		case c == '"':
			inside, started = !inside, true
		case c == ' ' && !inside:
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

// Removal is the command that takes a rule of iptables away which is foreign: neither ufw's nor ours nor Docker's. The rule is as a Fate
// has it, of a table (see TableOf), for a packet of one family. The command is "" where a shell would make something else of it.
func Removal(rule, table string, six bool) (command string, foreign bool) {
	tool := "iptables"
	if six {
		tool = "ip6tables"
	}
	if set, rest, apart := strings.Cut(rule, ": "); apart && strings.HasPrefix(set, "iptables-") { // such as iptables-legacy
		tool, rule = strings.Replace(set, "iptables", tool, 1), rest
	}
	spec, is := strings.CutPrefix(rule, "-A ")
	if chain, _, _ := strings.Cut(spec, " "); !is || strings.HasPrefix(chain, "ufw") || strings.HasPrefix(chain, "postern") || strings.HasPrefix(chain, "DOCKER") && chain != "DOCKER-USER" {
		return "", false
	}
	if table != "filter" && table != "" {
		tool += " -t " + table
	}
	return Typed(tool + " -D " + spec), true
}

// Typed is a command to copy that was made of what a host told; "" where a shell would make something else of it than its words.
func Typed(command string) string {
	if remote.Clean(command).Line(220) != command || strings.ContainsAny(command, "`$;&|<>()\\'") || strings.Count(command, `"`)%2 != 0 {
		return ""
	}
	return command
}
