package seen

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// PolicyRule is one rule of the kernel's policy routing.
type PolicyRule struct {
	Preference string
	Text       string // what stands behind the preference: from 10.0.0.2 lookup 20720
	Six        bool
}

// PolicyRoute is a default route of a table that policy routing looks into.
type PolicyRoute struct {
	Table, Device string
	Six           bool
}

// Policies are the rules of a host's policy routing, in the order in which they are asked, IPv4 first, and where its tables lead.
type Policies struct {
	Rules  []PolicyRule
	Routes []PolicyRoute
}

// Routing reads the policy routing of both families.
var Routing = register(Fact[Policies]{ID: "routing", ask: text(`need ip || return 3
for f in 4 6; do
	echo "== rules$f"; ip -$f -batch - <<ASKED
rule show
route show table all exact default
ASKED
done`),
	parse: func(s sections) (all Policies, err error) {
		for _, family := range []string{"4", "6"} {
			for _, line := range slices.Concat(s["rules"+family], s["tables"+family]) { // a look of before has them apart
				pref, rest, rule := strings.Cut(line, ":")
				if _, err := strconv.Atoi(strings.TrimSpace(pref)); err == nil && rule {
					all.Rules = append(all.Rules, PolicyRule{strings.TrimSpace(pref), strings.Join(strings.Fields(rest), " "), family == "6"})
				}
				if after(line, "table") == "" || !strings.HasPrefix(line, "default ") { // those of the main table are told without its name
					continue
				}
				all.Routes = append(all.Routes, PolicyRoute{after(line, "table"), after(line, "dev"), family == "6"})
			}
		}
		return all, nil
	}})

// Word is what follows a word in the rule, "" when it is not there.
func (r PolicyRule) Word(word string) string { return after(r.Text, word) }

// Lookup is the table that the rule sends packets to, "" when it does something else with them.
func (r PolicyRule) Lookup() string { return after(r.Text, "lookup") }

// after is the word that follows another, "" when there is none.
func after(line, word string) string {
	w := strings.Fields(line)
	if i := slices.Index(w, word); i >= 0 && i+1 < len(w) {
		return w[i+1]
	}
	return ""
}

// Without is the policies with the default routes of one device gone, as they are when it is down.
func (p Policies) Without(device string) Policies {
	p.Routes = slices.DeleteFunc(slices.Clone(p.Routes), func(r PolicyRoute) bool { return r.Device == device })
	return p
}

// Decides is the first rule that says where a packet goes that this host itself sends into the world; unsure are rules before it
// that might take it elsewhere. What is not told of the packet any rule may ask for: its protocol and port. One that has no source yet is
// sent from 0.0.0.0 or ::. Marks are not looked at: what a daemon sends has none.
func (p Policies) Decides(packet Packet) (rule PolicyRule, unsure []PolicyRule) {
	for _, r := range p.Rules {
		fits, sure := r.fits(packet)
		switch {
		case r.Six != packet.Src.Is6() || !fits || !p.leads(r):
		case sure:
			return r, unsure
		default:
			unsure = append(unsure, r)
		}
	}
	return PolicyRule{}, unsure
}

// fits says whether a rule is for a packet, and whether that is sure.
func (r PolicyRule) fits(p Packet) (fits, sure bool) {
	fits, sure = true, true
	if source := r.Word("from"); source != "all" {
		from, ok := Prefix(source)
		fits = ok && from.Contains(p.Src)
	}
	fits = fits && r.Word("fwmark") == "" && r.Word("oif") == "" && (r.Word("iif") == "" || r.Word("iif") == "lo")
	if proto := r.Word("ipproto"); proto != "" && p.Proto != "" {
		fits = fits && proto == p.Proto
	} else if proto != "" {
		sure = false
	}
	if ports, ok := span(r.Word("dport")); ok && p.Port != 0 {
		fits = fits && HasPort([]Span{ports}, p.Port)
	} else if r.Word("dport") != "" {
		sure = false
	}
	if to, ok := Prefix(r.Word("to")); ok && near(to) {
		fits = false // the world is elsewhere
	} else if r.Word("to") != "" {
		sure = false
	}
	for _, word := range []string{"uidrange", "sport", "tos", "dsfield", "tun_id"} {
		sure = sure && r.Word(word) == ""
	}
	switch not := strings.HasPrefix(r.Text, "not "); {
	case not && !fits:
		return true, true
	case not && sure:
		return false, true
	}
	return fits, sure
}

// near says whether a prefix holds no address of the world.
func near(p netip.Prefix) bool {
	return p.Addr().IsPrivate() || p.Addr().IsLoopback() || p.Addr().IsLinkLocalUnicast() || p.Addr().IsMulticast()
}

// span reads a port, or a range of them, as policy routing has it: 25-30.
func span(s string) (Span, bool) {
	first, last, several := strings.Cut(s, "-")
	if !several {
		last = first
	}
	a, err := strconv.ParseUint(first, 10, 16)
	b, err2 := strconv.ParseUint(last, 10, 16)
	return Span{int(a), int(b)}, err == nil && err2 == nil
}

// Ends says whether the rule tells packets off, or drops them.
func (r PolicyRule) Ends() bool {
	return slices.ContainsFunc([]string{"prohibit", "unreachable", "blackhole"}, func(end string) bool { return strings.HasSuffix(r.Text, end) })
}

// leads says whether a rule that fits has a way for packets into the world, or ends them. A table without a default route, or one whose
// default route is left out, leaves them to the next rule.
func (p Policies) leads(r PolicyRule) bool {
	switch table := r.Lookup(); {
	case table == "":
		return !strings.Contains(r.Text, " goto ") && !strings.HasSuffix(r.Text, " nop")
	case r.Word("suppress_prefixlength") != "":
		return false
	case table == "main":
		return true
	default:
		return slices.ContainsFunc(p.Routes, func(route PolicyRoute) bool { return route.Table == table && route.Six == r.Six })
	}
}
