package steps

import (
	"strings"
	"testing"

	"postern/remote"
	"postern/seen"
	"postern/site"
)

// What a tool of a host would not tell is never taken for what is not there: nothing is planned, and the reason is told.
func TestWhatIsNotToldIsNotPlanned(t *testing.T) {
	for _, fact := range []string{seen.UnitsOf.ID, seen.Tunnels.ID, seen.Keys.ID, seen.Sysctl.ID, seen.Routing.ID, seen.Rules.ID} {
		for _, c := range []struct {
			answer remote.Answer
			want   string
		}{
			{remote.Answer{Code: 3, Out: "Failed to connect to bus\n"}, fact + ": the host's tools said: Failed to connect to bus"},
			{remote.Answer{Code: -1, Late: true}, fact + ": a tool there hangs"},
			{remote.Answer{Cut: true, Out: "== "}, fact + ": the answer was too long"},
		} {
			look := Look{"proxy": bsdLook(t, "proxy", "15.0-RELEASE", nil), "mail": bsdLook(t, "mail", "15.0-RELEASE", nil)}
			for id := range look["mail"].Answers {
				if name, _, _ := strings.Cut(id, " "); name == fact {
					delete(look["mail"].Answers, id)
				}
			}
			look["mail"].Answers[fact+" wg0"] = c.answer
			found, _ := Detect(site.Default(), look)
			if got := strings.Join(unsupported(found, look), "\n"); !strings.HasPrefix(got, "mail: "+c.want) || strings.Contains(got, "proxy") {
				t.Errorf("%s %+v: refused %q, want %q", fact, c.answer, got, c.want)
			}
		}
	}
}
