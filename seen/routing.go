package seen

import "strings"

// PolicyRule is one rule of the kernel's policy routing.
type PolicyRule struct {
	Preference string
	Text       string // what stands behind the preference: from 10.0.0.2 lookup 20720
	Six        bool
}

// Routing reads the rules of the policy routing, of both families.
var Routing = register(Fact[[]PolicyRule]{ID: "routing", ask: text(`need ip
echo '== rules4'; ip -4 rule show
echo '== rules6'; ip -6 rule show`),
	parse: func(s sections) ([]PolicyRule, error) {
		var all []PolicyRule
		for _, family := range []string{"rules4", "rules6"} {
			for _, line := range s[family] {
				if pref, rest, ok := strings.Cut(line, ":"); ok {
					all = append(all, PolicyRule{strings.TrimSpace(pref), strings.Join(strings.Fields(rest), " "), family == "rules6"})
				}
			}
		}
		return all, nil
	}})
