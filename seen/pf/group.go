package pf

import (
	"net/netip"
	"slices"
	"strings"
)

// none are the interfaces of a host that has none.
var none = map[string][]netip.Prefix{}

// truth is whether something is so: a question of rules whose answer may be unknown.
type truth int

const (
	no truth = iota
	maybe
	yes
)

func (t truth) not() truth { return yes - t }

func truly(b bool) truth {
	if b {
		return yes
	}
	return no
}

// inGroup says whether an interface has this name, or is in the group that has it. Every interface is in one that is named as its
// driver: wg0 in wg. No name of an interface ends without a digit.
func (h *Host) inGroup(name, group string) truth {
	switch {
	case name == group, strings.TrimRight(name, "0123456789") == group:
		return yes
	case group != "" && digit(int(group[len(group)-1])), group == "self":
		return no
	case group == "lo", h.drives(group):
		return no
	case h.Groups != nil:
		return truly(slices.Contains(h.Groups[group], name))
	}
	return maybe
}

// drives says whether a group is the one of a driver of this host's interfaces: no others are put into it.
func (h *Host) drives(group string) bool {
	for name := range h.Interfaces {
		if strings.TrimRight(name, "0123456789") == group {
			return true
		}
	}
	return false
}
