package firewall

import (
	"slices"
	"strings"

	"postern/seen"
)

// long are the long names of options, and what else says the same.
var long = map[string]string{"--append": "-A", "--source": "-s", "--src": "-s", "--destination": "-d", "--dst": "-d", "--protocol": "-p", "--proto": "-p",
	"--in-interface": "-i", "--out-interface": "-o", "--jump": "-j", "--goto": "-g", "--match": "-m", "--destination-port": "--dport", "--source-port": "--sport",
	"--dports": "--dport", "--sports": "--sport", "--destination-ports": "--dport", "--source-ports": "--sport"}

// kinds are the numbers of ICMP's messages, by the option they stand behind.
var kinds = map[string]map[string]string{
	"--icmp-type": {"echo-reply": "0", "destination-unreachable": "3", "source-quench": "4", "redirect": "5", "echo-request": "8", "time-exceeded": "11", "parameter-problem": "12"},
	"--icmpv6-type": {"destination-unreachable": "1", "packet-too-big": "2", "time-exceeded": "3", "parameter-problem": "4", "echo-request": "128", "echo-reply": "129",
		"router-solicitation": "133", "router-advertisement": "134", "neighbor-solicitation": "135", "neighbour-solicitation": "135", "neighbor-advertisement": "136", "neighbour-advertisement": "136", "redirect": "137"},
}

// plain are options whose value iptables-save prints as a person writes it.
var plain = []string{"-i", "-o", "-j", "-g", "--dst-type", "--src-type", "--rt-type", "--hl-eq", "--ttl-eq", "--limit-burst", "--tcp-flags", "--to-destination", "--to-source",
	"--log-prefix", "--set-xmark", "--mark", "--nfmask", "--ctmask", "--reject-with", "--name", "--seconds", "--hitcount", "--mac-source"}

// flags are options without a value.
var flags = []string{"--clamp-mss-to-pmtu", "--restore-mark", "--save-mark", "--set", "--update", "--rcheck", "--rsource", "--random", "--notrack"}

// sense is what a line for iptables-restore comes to, in one spelling whoever wrote it: its options in order of their names. known
// is false when one of them is written in a way that iptables-save may spell otherwise.
func sense(line string) (text string, known bool) {
	var all []string
	known = true
	w := strings.Fields(line)
	for i := 0; i < len(w); i++ {
		not := ""
		if w[i] == "!" && i+1 < len(w) {
			not, i = "! ", i+1
		}
		option := w[i]
		if short := long[option]; short != "" {
			option = short
		}
		if option == "--syn" {
			all = append(all, not+"--tcp-flags FIN,SYN,RST,ACK SYN")
			continue
		}
		if slices.Contains(flags, option) {
			all = append(all, not+option)
			continue
		}
		var value []string
		for i+1 < len(w) && w[i+1] != "!" && (!strings.HasPrefix(w[i+1], "-") || len(value) == 0 && strings.HasPrefix(option, "--log")) {
			i++
			value = append(value, w[i])
		}
		one, ok := valued(option, strings.Join(value, " "))
		if known = known && ok; one != "" {
			all = append(all, not+one)
		}
	}
	slices.Sort(all)
	return strings.Join(all, " "), known
}

// valued is one option and its value, "" for one that changes nothing.
func valued(option, value string) (text string, known bool) {
	known = true
	switch option {
	case "-A", "-I":
		option = "-A"
	case "-m", "--comment":
		return "", true
	case "-p":
		if value = strings.ToLower(value); value == "icmpv6" {
			value = "ipv6-icmp"
		}
		if value == "all" {
			return "", true
		}
	case "-s", "-d":
		p, ok := seen.Prefix(value)
		if ok && p.Bits() == 0 {
			return "", true
		}
		if known = ok; ok {
			value = p.Masked().String()
		}
	case "--dport", "--sport":
		known = seen.ParsePorts(value) != nil
	case "--icmp-type", "--icmpv6-type":
		if number := kinds[option][value]; number != "" {
			value = number
		}
		known = value != "" && strings.Trim(value, "0123456789/") == ""
	case "--ctstate", "--state":
		states := strings.Split(value, ",")
		slices.Sort(states)
		value = strings.Join(states, ",")
	case "--limit":
		count, per, _ := strings.Cut(value, "/")
		for _, unit := range []string{"second", "minute", "hour", "day"} {
			if per != "" && strings.HasPrefix(unit, per) {
				per = unit
			}
		}
		value = count + "/" + per
	case "--limit-burst":
		if value == "5" { // what is not said
			return "", true
		}
	case "--log-level":
		if value == "4" || value == "warning" {
			return "", true
		}
		known = false
	case "--reject-with":
		if strings.HasSuffix(value, "port-unreachable") {
			return "", true
		}
	case "--log-prefix":
		value = strings.TrimSpace(strings.Trim(value, `"' `))
	default:
		known = slices.Contains(plain, option)
	}
	return option + " " + value, known
}
