package checks

import (
	"slices"
	"strings"
)

// Cause is a result that asks for somebody to look at it and rests on nothing else that does, with those that follow from it.
type Cause struct {
	Result
	Follows []Result // in the order of the results
}

// Causes puts results that are neither ok nor skipped under what they follow from, worst first. None is lost: each is a cause or
// stands under one. What is grave is always a cause.
func Causes(results []Result) []Cause {
	t := tree{results: results, above: make([]int, len(results))}
	for i := range t.above {
		t.above[i] = unlooked
	}
	for i := range results {
		t.top(i)
	}
	for i, r := range results {
		for j := range i {
			if t.top(i) == i && r.Amiss() && t.top(j) == j && alike(results[j], r) {
				t.above[i] = j
			}
		}
	}
	var list []Cause
	at := map[int]int{}
	for i, r := range results {
		if top := t.top(i); r.Amiss() && top == i {
			at[i], list = len(list), append(list, Cause{Result: r})
		}
	}
	for i, r := range results {
		if top := t.top(i); r.Amiss() && top != i {
			c := &list[at[top]]
			c.Follows = append(c.Follows, r)
		}
	}
	slices.SortStableFunc(list, func(a, b Cause) int { return a.Outcome.severity() - b.Outcome.severity() })
	return list
}

// Amiss says whether a result asks for somebody to look at it.
func (r Result) Amiss() bool { return r.Outcome != OK && r.Outcome != Skip }

// Alone says whether a result is about the host that it was asked from, and about no other.
func (r Result) Alone() bool {
	return r.From != Here && !slices.ContainsFunc(r.Rests, func(on string) bool { return !strings.HasSuffix(on, "@") })
}

// severity is how much an outcome asks for somebody to look at it, the most first.
func (o Outcome) severity() int { return slices.Index([]Outcome{Fail, Unknown, Warn, OK, Skip}, o) }

// tree is results with the one that each rests on, by their indices.
type tree struct {
	results []Result
	above   []int
}

const (
	unlooked = -2
	none     = -1
)

// top is the result that one follows from in the end, itself when that is none.
func (t tree) top(i int) int {
	if t.above[i] == unlooked {
		t.above[i] = none // also while it is looked for
		if r := t.results[i]; r.Amiss() && !r.Grave {
			for _, on := range r.Rests {
				if t.above[i] = t.find(i, on); t.above[i] != none {
					break
				}
			}
		}
	}
	if t.above[i] == none {
		return i
	}
	return t.top(t.above[i])
}

// find is what a result follows from of those that it rests on: at the same place, or else at any. What was not asked, or does not
// apply, hands on to what it rests on itself; what is ok, or does not explain it, ends the way.
func (t tree) find(i int, on string) int {
	id, place, bound := strings.Cut(on, "@")
	if bound && place == "" {
		place = t.results[i].From
	}
	best, asked := none, false
	for j, p := range t.results {
		if j == i || p.ID != id && !strings.HasPrefix(p.ID, id+".") || bound && p.From != place || p.Outcome == Skip {
			continue
		}
		asked = true
		if p.Amiss() && t.top(j) != i && t.explains(j, i) && (best == none || p.From == t.results[i].From && t.results[best].From != p.From) {
			best = j
		}
	}
	if c, ok := Of(id); ok && !asked {
		for _, further := range c.Rests {
			if best = t.find(i, further); best != none {
				break
			}
		}
	}
	return best
}

// explains says whether one that is amiss can be why another is: a failure can, a warning only of a warning, and what could not be
// asked only of what could not be asked either, or where it stands under a cause itself, such as a host that is not reached.
func (t tree) explains(why, i int) bool {
	p := t.results[why]
	return p.Outcome == Fail || p.Outcome == t.results[i].Outcome || p.Outcome == Unknown && t.top(why) != why
}

// alike says whether two results tell of one thing: of the same check and for the same reason, from one place or from both ends of
// the tunnel; or they could not be asked for the same reason.
func alike(a, b Result) bool {
	first, _ := Of(a.ID)
	second, _ := Of(b.ID)
	switch {
	case a.Outcome != b.Outcome || a.Grave || b.Grave || len(a.Records) > 0 || a.Likely == "" || a.Likely != b.Likely:
		return false
	case a.Outcome == Unknown && a.From == b.From && a.Saw == b.Saw:
		return true
	}
	return first.ID == second.ID && first.ID != "" && a.Fix == b.Fix && a.Answer == b.Answer && a.Type == b.Type &&
		(a.From == b.From || strings.HasPrefix(first.ID, "tunnel."))
}
