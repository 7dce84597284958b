package steps

import (
	"strings"
	"testing"

	"postern/remote"
	"postern/site"
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
	f.Add("[Interface]\nAddress=10.0.0.1/24\n" + beginMark + "\n" + endMark)
	s := site.Default()
	f.Fuzz(func(t *testing.T, text string) {
		facts := remote.Facts{Answers: map[string]remote.Answer{}}
		for _, h := range s.Hosts {
			for _, q := range append(firewallReads(s, h), tunnelReads(s, h)...) {
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
		block, rest, found := cutConf(text)
		if found && (len(block)+len(rest) != len(text) || !strings.HasPrefix(block, beginMark)) || !found && rest != text {
			t.Fatalf("cutting %q loses something: %q and %q", text, block, rest)
		}
	})
}
