package firewall

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// ufwRule is one rule as ufw's own "### tuple ###" line tells it; the iptables lines below that line follow from it.
type ufwRule struct {
	action string // allow, deny, reject or limit, with _log or _log-all behind it
	route  bool   // a rule for forwarded traffic
	proto  string // tcp, udp, any …
	dport  string // any, 25, 80,443 or 1000:2000
	dst    string // 0.0.0.0/0 or ::/0 is everywhere
	sport  string
	src    string
	dapp   string // name of an application profile, "-" for none; both empty in a rule without profiles
	sapp   string
	dir    string // in or out
	in     string // interface, empty is any
	out    string
	note   string // the comment, decoded
}

const (
	tupleMark = "### tuple ### "
	any4      = "0.0.0.0/0"
	any6      = "::/0"
)

// parseTuple reads one tuple line. It is false for a line ufw itself would skip.
func parseTuple(line string) (ufwRule, bool) {
	rest, ok := strings.CutPrefix(line, strings.TrimSpace(tupleMark))
	if !ok {
		return ufwRule{}, false
	}
	var r ufwRule
	if before, comment, found := strings.Cut(rest, " comment="); found {
		raw, err := hex.DecodeString(strings.TrimSpace(comment))
		if err != nil {
			return ufwRule{}, false
		}
		rest, r.note = before, string(raw)
	}
	w := strings.Fields(rest)
	if len(w) < 6 || len(w) > 9 {
		return ufwRule{}, false
	}
	r.action, r.proto, r.dport, r.dst, r.sport, r.src, r.dir = w[0], w[1], w[2], w[3], w[4], w[5], "in"
	if len(w) >= 8 {
		r.dapp, r.sapp = w[6], w[7]
	}
	if action, isRoute := strings.CutPrefix(r.action, "route:"); isRoute {
		r.action, r.route = action, true
	}
	if len(w) == 7 || len(w) == 9 {
		if !r.interfaces(w[len(w)-1]) {
			return ufwRule{}, false
		}
	}
	return r, true
}

// interfaces reads the last word of a tuple: in, out_eth0, or in_eth0!out_wg0.
func (r *ufwRule) interfaces(word string) bool {
	for i, part := range strings.Split(word, "!") {
		dir, name, _ := strings.Cut(part, "_")
		switch {
		case i > 1, dir != "in" && dir != "out":
			return false
		case i == 0:
			r.dir = dir
		}
		if dir == "in" {
			r.in = name
		} else {
			r.out = name
		}
	}
	return true
}

// tuple is the rule's line in user.rules.
func (r ufwRule) tuple() string {
	action, ifaces := r.action, r.dir
	if r.route {
		action = "route:" + action
	}
	switch {
	case r.in != "" && r.out != "":
		ifaces = "in_" + r.in + "!out_" + r.out
	case r.in+r.out != "":
		ifaces = r.dir + "_" + r.in + r.out
	}
	words := []string{action, r.proto, r.dport, r.dst, r.sport, r.src}
	if r.dapp+r.sapp != "" {
		words = append(words, r.dapp, r.sapp)
	}
	line := tupleMark + strings.Join(append(words, ifaces), " ")
	if r.note != "" {
		line += " comment=" + hex.EncodeToString([]byte(r.note))
	}
	return line
}

// block is an allow rule of ours as ufw writes it into user.rules: an empty line, the tuple and its iptables lines.
func (r ufwRule) block() string {
	chain := "ufw-user-input"
	if r.route {
		chain = "ufw-user-forward"
	}
	if strings.Contains(r.dst, ":") {
		chain = "ufw6" + strings.TrimPrefix(chain, "ufw")
	}
	text := "\n" + r.tuple() + "\n"
	protos := []string{r.proto}
	if r.proto == "any" && r.dport != "any" {
		protos = []string{"tcp", "udp"}
	}
	for _, proto := range protos {
		line := "-A " + chain
		for _, opt := range [][2]string{{"-i", r.in}, {"-o", r.out}, {"-p", proto}, {"-d", r.dst}, {"--dport", r.dport}, {"-s", r.src}} {
			if v := opt[1]; v != "" && v != "any" && v != any4 && v != any6 {
				line += " " + opt[0] + " " + v
			}
		}
		text += line + " -j ACCEPT\n"
	}
	return text
}

// same says whether two rules do the same, whatever their comments say.
func (r ufwRule) same(other ufwRule) bool {
	r.note, other.note = "", ""
	return r == other
}

// owner tells whether the comment is ours, and whether the rule was a person's before it became ours.
func (r ufwRule) owner() (ours, adopted bool) {
	w := strings.Fields(r.note)
	if len(w) < 2 || len(w) > 3 || w[0] != Tag || (len(w) == 3 && w[2] != adoptedMark) {
		return false, false
	}
	return true, len(w) == 3
}

// adoptedMark follows the name in the comment of a rule that was there, untagged, before us: what takes our part out
// again gives such a rule back instead of deleting it.
const adoptedMark = "adopted"

// words says the rule as one would type it after "ufw".
func (r ufwRule) words() string {
	text := strings.ReplaceAll(r.action, "_", " ")
	if r.route {
		text = "route " + text
	}
	if r.dir == "out" && !r.route {
		text += " out"
	}
	if r.in != "" {
		text += " in on " + r.in
	}
	if r.out != "" {
		if r.route {
			text += " out"
		}
		text += " on " + r.out
	}
	side := func(word, addr, port, app string) string {
		if addr == any4 || addr == any6 {
			addr = "any"
		}
		if app != "" && app != "-" {
			return fmt.Sprintf(" %s %s app %s", word, addr, strings.ReplaceAll(app, "%20", " "))
		}
		if port != "any" {
			return fmt.Sprintf(" %s %s port %s", word, addr, port)
		}
		return fmt.Sprintf(" %s %s", word, addr)
	}
	text += side("from", r.src, r.sport, r.sapp) + side("to", r.dst, r.dport, r.dapp)
	if r.proto != "any" {
		text += " proto " + r.proto
	}
	if strings.Contains(r.dst, ":") {
		text += " (v6)"
	}
	if r.note != "" {
		text += " # " + r.note
	}
	return text
}

// admits says whether a packet of this kind matches the rule. A rule on an interface matches only packets known to come
// in there.
func (r ufwRule) admits(from, to netip.Addr, in, proto string, port int) bool {
	return !r.route && r.dir == "in" && (r.in == "" || r.in == in) && (r.proto == "any" || r.proto == proto) &&
		r.sport == "any" && holdsAddr(r.src, from) && (!to.IsValid() && (r.dst == any4 || r.dst == any6) || to.IsValid() && holdsAddr(r.dst, to)) &&
		holdsPort(r.dport, port)
}

func holdsAddr(word string, a netip.Addr) bool {
	p, err := parsePrefix(word)
	return err == nil && p.Contains(a)
}

func holdsPort(word string, port int) bool {
	if word == "any" {
		return true
	}
	for _, part := range strings.Split(word, ",") {
		low, high, isRange := strings.Cut(part, ":")
		if !isRange {
			high = low
		}
		a, err1 := strconv.Atoi(low)
		b, err2 := strconv.Atoi(high)
		if err1 == nil && err2 == nil && a <= port && port <= b {
			return true
		}
	}
	return false
}

// parsePrefix reads an address or a prefix; a bare address holds itself alone.
func parsePrefix(word string) (netip.Prefix, error) {
	if strings.Contains(word, "/") {
		p, err := netip.ParsePrefix(word)
		return p.Masked(), err
	}
	a, err := netip.ParseAddr(word)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("%q is not an address", word)
	}
	return a.Prefix(a.BitLen())
}
