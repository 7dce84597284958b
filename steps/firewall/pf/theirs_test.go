package pf

import (
	"strings"
	"testing"

	"postern/seen"
)

// A line counts as there however it is spaced and commented, and where the file says the same in other words; not when it says more or less,
// or what makes the file say it is not known.
func TestMissing(t *testing.T) {
	want := []string{"pass in inet proto tcp from any to any port { 25 443 }", "rdr on em0 inet proto tcp from any to 203.0.113.10 port 993 -> 10.0.0.2", `anchor "postern"`, `load anchor "postern" from "/etc/pf.postern.conf"`}
	for text, left := range map[string]int{
		"": 4,
		"pass  in inet proto\ttcp from any to any port { 25 443 } # mine\n":                                                      3,
		"#pass in inet proto tcp from any to any port { 25 443 }\n":                                                              4,
		"pass in proto tcp to port { 443, 25 }\r\n":                                                                              4, // pfctl refuses it
		"p = \"{ https smtp }\"\npass in log quick proto tcp from any to any port $p keep state label \"mail\"\n":                3,
		"pass in inet proto tcp to port 25\npass in inet proto tcp to port 443\n":                                                3,
		"pass in inet proto tcp to port 25\n":                                                                                    4,
		"pass in inet proto { tcp udp } to port { 25 443 587 }\n":                                                                3,
		"pass in inet proto tcp from any to any port { 25 443 } user root\n":                                                     4,
		"pass in inet proto tcp from any to any port { 25 443 } tagged x\n":                                                      4,
		"pass in inet proto tcp from any to any port { 25 443 } probability 10%\n":                                               4,
		"pass in inet proto tcp from any to any port { 25 443 } flags A/A\n":                                                     4,
		"pass in inet6 proto tcp from any to any port { 25 443 }\n":                                                              4,
		"pass in on em0 inet proto tcp from any to any port { 25 443 }\n":                                                        4,
		"rdr pass on em0 inet proto tcp from any to 203.0.113.10 port imaps -> 10.0.0.2\n":                                       4,
		"rdr on em0 proto tcp from any to 203.0.113.10 port imaps -> 10.0.0.2\n":                                                 3,
		"rdr on em0 proto tcp from any to 203.0.113.10 port imaps -> 10.0.0.3\n":                                                 4,
		"a = postern\nanchor $a\nload anchor $a from \"/etc/pf.postern.conf\"\n":                                                 2,
		"anchor x { anchor postern }\nload anchor other from \"/etc/pf.postern.conf\"\n":                                         4,
		"pass in inet proto tcp to port { 25 443 }\npass in on em0 dnpipe 7\n":                                                   4,
		"include \"/etc/pf.more\"\npass in inet proto tcp from any to any port { 25 443 }\npass in proto tcp to port { 25 443 }": 3,
	} {
		s := scene{filter: seen.Filter{Text: text, Path: mainPath}}
		if got := s.missing(want); len(got) != left {
			t.Errorf("%q lacks %q", text, got)
		}
	}
}

// What is shown of a host's text is one line, without what a terminal obeys.
func TestShown(t *testing.T) {
	if got := shown("block\x1b[2J " + strings.Repeat("x", 500)); strings.Contains(got, "\x1b") || len(got) > 130 {
		t.Errorf("%q", got)
	}
}
