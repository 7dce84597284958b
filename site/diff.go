package site

import (
	"slices"
	"strings"
)

// Difference is one answer on which two sites do not agree, as texts; empty is no answer.
type Difference struct {
	Key, Mine, Theirs string
}

// Diff lists the answers in which two sites differ, in the order of Fields. What only says where the program runs
// (host.NAME.local) is each operator's own, and no difference.
func Diff(mine, theirs *Site) []Difference {
	return slices.DeleteFunc(differences(mine, theirs), func(d Difference) bool {
		return strings.HasPrefix(d.Key, "host.") && strings.HasSuffix(d.Key, ".local")
	})
}

func differences(mine, theirs *Site) []Difference {
	var diffs []Difference
	seen := map[string]bool{}
	for _, f := range append(Fields(mine), Fields(theirs)...) {
		if a, b := f.Get(mine), f.Get(theirs); a != b && !seen[f.Key] {
			diffs = append(diffs, Difference{f.Key, a, b})
		}
		seen[f.Key] = true
	}
	return diffs
}
