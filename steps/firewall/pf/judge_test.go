package pf

import (
	"net/netip"
	"strings"
	"testing"

	"postern/seen"
	"postern/steps/firewall"
)

// A file that is long and hostile is judged all the same, and one for a release that nobody measured says so.
func TestJudgeHostile(t *testing.T) {
	s := scene{filter: seen.Filter{Path: mainPath, Running: true}}
	s.writer = newWriter(firewall.Policy{Allows: []firewall.Allow{{Name: "ssh", Proto: "tcp", Port: 22}}},
		seen.Network{Device: "em0", Interfaces: []seen.Interface{{Name: "em0", Addresses: []seen.Address{{Prefix: netip.MustParsePrefix("203.0.113.10/24")}}}}})
	for text, say := range map[string]string{
		strings.Repeat("#block in quick on lo9\n", 20_000): "no default policy: everything that listens is open",
		"set skip on em0\n": "by set skip on em0",
		"pass in all\n":     "no default policy: everything that listens is open, by line 1 (pass in all)",
		"block in\npass in proto tcp to port 22 user root\n": "whether SSH gets in at port 22 could not be told",
		"block in\n":                              "SSH at port 22 is refused to strangers by line 1 (block in)",
		"pass in on \"\n":                         "could not be told",
		"pass in proto tcp to port 22\n":          "above line 1 of /etc/pf.conf",
		"block in\npass in from 172.16.15.0/12\n": "line 2: 172.16.15.0/12 has bits of a host",
		"pass\x1b[2J in\n":                        "which FreeBSD this is is not known",
	} {
		s.filter.Text = text
		notes := strings.Join(s.judge(nil, ""), "\n")
		if !strings.Contains(notes, say) || strings.Contains(notes, "\x1b") || len(notes) > 10_000 {
			t.Errorf("%.60q: %s", text, notes)
		}
	}
}
