package seen

import (
	"net/netip"
	"slices"
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
var Routing = register(Fact[Policies]{ID: "routing", ask: text(`need ip
echo '== rules4'; ip -4 rule show
echo '== rules6'; ip -6 rule show
echo '== tables4'; ip -4 route show table all | grep '^default .* table '
echo '== tables6'; ip -6 route show table all | grep '^default .* table '`),
	parse: func(s sections) (all Policies, err error) {
		for _, family := range []string{"4", "6"} {
			for _, line := range s["rules"+family] {
				if pref, rest, ok := strings.Cut(line, ":"); ok {
					all.Rules = append(all.Rules, PolicyRule{strings.TrimSpace(pref), strings.Join(strings.Fields(rest), " "), family == "6"})
				}
			}
			for _, line := range s["tables"+family] {
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

// partial are selectors that only some packets of an address fit.
var partial = []string{"to", "uidrange", "ipproto", "sport", "dport", "tos", "dsfield", "tun_id"}

// Decides is the first rule that says where the packets go that an address of this host sends into the world; unsure are rules
// before it that would take some of them elsewhere. Marks are not looked at: what a daemon sends has none.
func (p Policies) Decides(from netip.Addr) (rule PolicyRule, unsure []PolicyRule) {
	for _, r := range p.Rules {
		if r.Six != from.Is6() || !r.fits(from) || !p.leads(r) {
			continue
		}
		if !slices.ContainsFunc(strings.Fields(r.Text), func(word string) bool { return slices.Contains(partial, word) }) {
			return r, unsure
		}
		unsure = append(unsure, r)
	}
	return PolicyRule{}, unsure
}

// fits says whether a rule is for packets of an address, as far as they are not told apart by more.
func (r PolicyRule) fits(from netip.Addr) bool {
	fits := true
	if source := after(r.Text, "from"); source != "all" {
		p, ok := Prefix(source)
		fits = ok && p.Contains(from)
	}
	for _, word := range []string{"fwmark", "oif"} {
		fits = fits && after(r.Text, word) == ""
	}
	if in := after(r.Text, "iif"); in != "" {
		fits = fits && in == "lo"
	}
	return fits != strings.HasPrefix(r.Text, "not ")
}

// leads says whether a rule that fits has a way for packets into the world, or ends them. A table without a default route, or one whose
// default route is left out, leaves them to the next rule.
func (p Policies) leads(r PolicyRule) bool {
	switch table := r.Lookup(); {
	case table == "":
		return !strings.Contains(r.Text, " goto ") && !strings.HasSuffix(r.Text, " nop")
	case after(r.Text, "suppress_prefixlength") != "":
		return false
	case table == "main":
		return true
	default:
		return slices.ContainsFunc(p.Routes, func(route PolicyRoute) bool { return route.Table == table && route.Six == r.Six })
	}
}
