package seen

import (
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
