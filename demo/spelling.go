package demo

import (
	"net/netip"
	"strings"
)

// modules are the matches that iptables-save names although nobody did.
var modules = map[string]string{"tcp": "tcp", "udp": "udp", "icmp": "icmp", "ipv6-icmp": "icmp6"}

// kinds are the numbers of ICMP's messages, by the option they stand behind.
var kinds = map[string]map[string]string{
	"--icmp-type": {"echo-reply": "0", "destination-unreachable": "3", "echo-request": "8", "time-exceeded": "11", "parameter-problem": "12"},
	"--icmpv6-type": {"destination-unreachable": "1", "packet-too-big": "2", "time-exceeded": "3", "parameter-problem": "4", "echo-request": "128", "echo-reply": "129",
		"router-solicitation": "133", "router-advertisement": "134", "neighbor-solicitation": "135", "neighbor-advertisement": "136"},
}

// spelled is a rule as iptables-save prints it, whoever wrote it: where from and to first, then the matches by name, the
// target last.
func spelled(rule string, six bool) string {
	var head [5]string // -s -d -i -o -p
	var matches, target []string
	proto, named := "", false
	w := quoted(rule)
	for i := 0; i < len(w); i++ {
		not, option, value := "", w[i], ""
		if option == "!" {
			i++
			not, option = "! ", w[i]
		}
		if i+1 < len(w) {
			value = w[i+1]
		}
		at := strings.Index("-s-d-i-o-p", option) / 2
		switch option {
		case "-s", "-d":
			head[at] = not + option + " " + whole(value)
		case "-i", "-o":
			head[at] = not + option + " " + value
		case "-p":
			proto = strings.Replace(value, "icmpv6", "ipv6-icmp", 1)
			head[at] = not + option + " " + proto
		case "--dport", "--sport", "--icmp-type", "--icmpv6-type", "--tcp-flags":
			if !named {
				matches, named = append(matches, "-m "+modules[proto]), true
			}
			if number := kinds[option][value]; number != "" {
				value = number
			}
			if matches = append(matches, not+option+" "+value); option == "--tcp-flags" {
				i++
				matches = append(matches, w[i+1])
			}
		case "-j":
			target = append([]string{"-j " + value}, target...)
			if value == "REJECT" && six {
				target = append(target, "--reject-with icmp6-port-unreachable")
			} else if value == "REJECT" {
				target = append(target, "--reject-with icmp-port-unreachable")
			}
		case "--log-prefix", "--to-destination", "--set-xmark", "--nfmask", "--ctmask":
			target = append(target, option+" "+value)
		case "--clamp-mss-to-pmtu", "--restore-mark":
			target, i = append(target, option), i-1
		default:
			named = named || option == "-m" && value == modules[proto]
			matches = append(matches, not+option+" "+strings.Replace(value, "/minute", "/min", 1))
		}
		i++
	}
	var all []string
	for _, part := range append(append(head[:], matches...), target...) {
		if part != "" {
			all = append(all, part)
		}
	}
	return strings.Join(all, " ")
}

// whole is an address with its length.
func whole(text string) string {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, a.BitLen()).String()
	}
	return text
}

// quoted are the words of a rule; one in double quotes keeps its blanks, and them.
func quoted(rule string) []string {
	var all []string
	for i, part := range strings.Split(rule, `"`) {
		if i%2 == 1 {
			all = append(all, `"`+part+`"`)
		} else {
			all = append(all, strings.Fields(part)...)
		}
	}
	return all
}
