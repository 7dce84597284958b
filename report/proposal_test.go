package report

import (
	"strings"
	"testing"
	"time"

	"postern/remote"
	"postern/run"
	"postern/site"
	"postern/steps"
)

// What is asked about is what is shown: with the preparations none of the guarded changes, and the way back before a risk, once.
func TestProposalShowsWhatIsAskedAbout(t *testing.T) {
	p := &run.Proposal{Site: site.Default(), Inert: true, Guard: 2 * time.Minute, Plans: []steps.Plan{{Step: "firewall", Notes: []steps.Note{{Host: "mail", Text: "seen"}}, After: []string{"proxy: SSH stays open"}, Parts: []steps.Part{
		{Host: "proxy", Inert: true, Changes: []remote.Change{{Title: "make keys", Do: "keys"}}},
		{Host: "proxy", Changes: []remote.Change{{Title: "enable ufw", Risk: remote.LoseSSH, Do: "ufw enable"}}},
	}}}}
	said := Said{}
	show := func(wayBack bool) string {
		var b strings.Builder
		for _, l := range Proposal(p, said, wayBack) {
			b.WriteString(l.Text + "\n")
		}
		return b.String()
	}
	for _, c := range []struct {
		name      string
		inert     bool
		wayBack   bool
		want, not []string
	}{
		{"preparations", true, true, []string{"No port is opened or closed", "make keys", "seen"}, []string{"enable ufw", "on the console", "SSH stays open"}},
		{"guarded", false, true, []string{"After this, on proxy: SSH stays open.\n", "enable ufw   MAY CUT SSH", "after 2m0s", "on the console of proxy"}, []string{"seen"}},
		{"again", false, true, []string{"enable ufw"}, []string{"on the console"}},
		{"plan", true, false, []string{"make keys", "enable ufw"}, []string{"on the console"}},
	} {
		p.Inert = c.inert
		got := show(c.wayBack)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q is not shown:\n%s", c.name, want, got)
			}
		}
		for _, not := range c.not {
			if strings.Contains(got, not) {
				t.Errorf("%s: %q is shown:\n%s", c.name, not, got)
			}
		}
	}
}
