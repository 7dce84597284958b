package report

import (
	"strings"
	"testing"

	"postern/checks"
)

// Every check has a page, and no answer that it may give is left out without a word.
func TestEveryCheckHasAPage(t *testing.T) {
	for _, c := range checks.All() {
		page := CheckPage(c)
		for _, want := range []string{"# " + c.ID, c.Title, c.Page.Asks, "- [ok]  ", "- [unknown]  ", "What mends it: " + c.Page.Mends, "postern check " + c.ID} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: %q is not on its page:\n%s", c.ID, want, page)
			}
		}
		for line := range strings.Lines(page) {
			if strings.ContainsAny(line, "\t") || strings.HasSuffix(line, " \n") {
				t.Errorf("%s: %q", c.ID, line)
			}
		}
	}
}
