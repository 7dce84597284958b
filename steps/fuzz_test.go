package steps

import (
	"strings"
	"testing"

	"postern/remote"
	"postern/site"
	"postern/steps/wireguard"
)

func freshLook(t testing.TB, s *site.Site, sets ...string) Look {
	t.Helper()
	facts := map[string]map[string]string{}
	for _, set := range append([]string{"fresh"}, sets...) {
		use(t, facts, set)
	}
	return lookAt(s, facts)
}

// Whatever a host says, planning ends, and nothing of it is shown raw.
func FuzzPlans(f *testing.F) {
	look := freshLook(f, site.Default(), "keyed", "running")
	for _, facts := range look {
		for _, a := range facts.Answers {
			f.Add(a.Out)
		}
	}
	s := site.Default()
	f.Fuzz(func(t *testing.T, text string) {
		facts := remote.Facts{Answers: map[string]remote.Answer{}}
		for _, h := range s.Hosts {
			for _, q := range append(firewallReads(s, h), wireguard.Reads(s, h)...) {
				facts.Answers[q.ID] = remote.Answer{Out: text, Mode: 0o600, Owner: "root:root"}
			}
		}
		look := Look{"proxy": facts, "mail": facts}
		for _, p := range []Plan{planWireguard(s, look), planNetwork(s, look), planFirewall(s, look)} {
			for _, n := range p.Notes {
				if strings.ContainsAny(n.Text, "\x1b\x07\r") {
					t.Fatalf("control characters in a note: %q", n.Text)
				}
			}
		}
	})
}
