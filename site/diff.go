package site

import "strings"

// Difference is one answer on which two sites do not agree, as texts; empty is no answer.
type Difference struct {
	Key, Mine, Theirs string
}

// Diff lists the answers in which two sites differ, in the order of Fields. What only says where the program runs
// (host.NAME.local) is each operator's own, and no difference.
func Diff(mine, theirs *Site) []Difference {
	var diffs []Difference
	seen := map[string]bool{}
	for _, f := range append(Fields(mine), Fields(theirs)...) {
		if seen[f.Key] || personal(f.Key) {
			continue
		}
		seen[f.Key] = true
		if a, b := f.Get(mine), f.Get(theirs); a != b {
			diffs = append(diffs, Difference{f.Key, a, b})
		}
	}
	return diffs
}

// personal says whether an answer holds only for the machine the program runs on.
func personal(key string) bool {
	return strings.HasPrefix(key, "host.") && strings.HasSuffix(key, ".local")
}
