package wizard

import (
	"slices"

	"postern/checks"
)

// follows says whether others follow from the row.
func (e entry) follows() bool { return e.cause != nil && len(e.cause.Follows) > 0 }

// causes are the rows of what asks for somebody to look at it: each cause, worst first, with what follows from it where that is
// unfolded. Those that a filter finds stand in rows of their own.
func (p *checksPage) causes(amiss []checks.Result) (list []entry) {
	if p.filter != "" {
		for _, r := range amiss {
			list = append(list, entry{result: &r, step: r.Step})
		}
		return list
	}
	mine, all := job{steps: p.ids}, checks.Causes(amiss)
	slices.SortStableFunc(all, func(a, b checks.Cause) int {
		return when(mine.covers(a.Result), 0, 1) - when(mine.covers(b.Result), 0, 1)
	})
	for _, c := range all {
		list = append(list, entry{result: &c.Result, cause: &c, step: c.Step})
		for _, r := range c.Follows {
			if p.opened[c.Key()] {
				list = append(list, entry{result: &r, under: true, step: r.Step})
			}
		}
	}
	return list
}
