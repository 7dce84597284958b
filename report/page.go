package report

import (
	"fmt"
	"strings"

	"postern/checks"
	"postern/steps"
)

// CheckPage is all there is to know of a check before it is asked, in Markdown that is also easily read as it is: what it
// asks, from where, what each answer means, and what mends it.
func CheckPage(c checks.Check) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: %s\n\n%s\n\n", c.ID, c.Title, c.Page.Asks)
	b.WriteString("\"Here\" is where postern runs. Where that is the host itself, the other host is asked in its place.\n\n")
	unknown := c.Page.Unknown
	if unknown == "" {
		unknown = "The host could not be reached or read. Nothing was measured, which is not ok."
	}
	for _, a := range []struct {
		outcome checks.Outcome
		means   string
	}{{checks.OK, c.Page.OK}, {checks.Warn, c.Page.Warn}, {checks.Fail, c.Page.Fail}, {checks.Unknown, unknown}, {checks.Skip, c.Page.Skip}} {
		if word, _ := Word(a.outcome); a.means != "" {
			fmt.Fprintf(&b, "- %s  %s\n", word, a.means)
		}
	}
	step, _ := steps.Find(c.Step)
	fmt.Fprintf(&b, "\nWhat mends it: %s\n\nChapter %d, %s. Ask it alone: postern check %s\n", c.Page.Mends, step.Chapter, step.Title, c.ID)
	return b.String()
}
