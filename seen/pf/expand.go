package pf

import (
	"slices"
	"strconv"
	"strings"
)

// Made is one rule that pfctl makes of a text.
type Made struct {
	Line   int    // of the statement that it comes of
	Family int    // 4, 6, or 0 for both
	Depth  int    // how many anchors it stands in, within the text
	Text   string // as pfctl -P prints it, without what stands in an anchor; only of an Expansion that is Claimed
}

// Expansion is what the pfctl of a release makes of a text, with the optimizer off (-o none).
type Expansion struct {
	Translation []Made // as pfctl -sn lists them: nat, rdr, binat
	Filter      []Made // as pfctl -sr lists them: scrub first
	Claimed     bool   // that these are all, and that these are their texts
	Why         string // why it is not claimed
	Merges      bool   // the optimizer, which is on by default, may make fewer of the filter rules
	made        int
	Lost        []int // lines of which pfctl leaves rules out without a word: two families meet in them
}

// Expand is what the pfctl of a release makes of the text.
func (s *Ruleset) Expand(r Release) Expansion {
	e := Expansion{Claimed: true}
	if a := s.Accepts(r); a.Verdict != Accepts {
		e.Claimed, e.Why = false, a.Why
	}
	parts := map[string][]Made{}
	for _, st := range s.Statements {
		for _, rule := range st.Rules {
			kind := strings.TrimSuffix(rule.Action, "-anchor")
			if kind != "nat" && kind != "rdr" && kind != "binat" && kind != "scrub" {
				kind = "filter"
			}
			parts[kind] = append(parts[kind], e.rule(rule, r, 0)...)
		}
	}
	e.Translation = slices.Concat(parts["nat"], parts["rdr"], parts["binat"])
	e.Filter = slices.Concat(parts["scrub"], parts["filter"])
	budget := maxExpanded
	e.Merges = merges(s.Statements, &budget)
	return e
}

func (e *Expansion) rule(rule *Rule, release Release, depth int) (all []Made) {
	if rule.lost > 0 {
		e.Lost = append(e.Lost, rule.Line)
	}
	n := 0
	rule.combinations(func(c combination) bool {
		text, exact := rule.text(c, release)
		if !exact && e.Claimed {
			e.Claimed, e.Why = false, "line "+strconv.Itoa(rule.Line)+" holds what pfctl may print in another way"
		}
		all = append(all, Made{Line: rule.Line, Family: c.family, Depth: depth, Text: text})
		n++
		e.made++
		return e.made < maxExpanded
	})
	if rule.Body == nil || depth > maxDepth {
		return all
	}
	for _, st := range rule.Body.Statements {
		for _, inner := range st.Rules {
			all = append(all, e.rule(inner, release, depth+1)...)
		}
	}
	if n > 1 {
		e.Claimed, e.Why = false, "an anchor with rules that stands for several"
	}
	return all
}

// merges says whether two of the filter rules differ in nothing but their addresses: of these the optimizer makes one, or a table.
func merges(list []Statement, budget *int) bool {
	seen := map[string]bool{}
	for _, st := range list {
		if st.Kind == Option && len(st.Option) == 2 && st.Option[0] == "ruleset-optimization" && st.Option[1] == "none" {
			return false
		}
		for _, rule := range st.Rules {
			if rule.Body != nil && merges(rule.Body.Statements, budget) {
				return true
			}
			twice := st.Kind != Filter || rule.Anchor != ""
			if twice {
				continue
			}
			rule.combinations(func(c combination) bool {
				c.src, c.dst = nil, nil
				text, _ := rule.text(c, R15_1)
				*budget--
				twice = twice || seen[text] || *budget < 0
				seen[text] = true
				return !twice
			})
			if twice {
				return true
			}
		}
	}
	return false
}
