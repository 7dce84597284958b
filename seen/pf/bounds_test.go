package pf

import (
	"net/netip"
	"strings"
	"testing"
)

// Whatever a text asks for, reading it ends, and what is too much is unknown.
func TestBounds(t *testing.T) {
	loops := Host{Files: map[string]File{"a": {Text: "include \"b\"\nload anchor x from a\nload anchor y from b\npass\n"}, "b": {Text: "include a\ninclude a\nblock\n"},
		"huge": {Text: strings.Repeat("10.0.0.1\n", maxTable+1)}}}
	list := "{ " + strings.Repeat("1 ", 70) + "}"
	for name, text := range map[string]string{
		"files that include and load each other": "include a\n",
		"macros that double":                     "a=\"x x\"\n" + strings.Repeat("a=$a $a\n", 40) + "pass in on $a\n",
		"macros of nothing, often":               "a=\"" + strings.Repeat(" ", 8000) + "\"\n" + strings.Repeat("$a", 100_000) + "\n",
		"lists of lists":                         "pass proto tcp from port " + list + " to port " + list + "\n",
		"many lists of lists":                    strings.Repeat("pass proto { tcp udp } from { 10.0.0.1 ::1 } port "+list+" to { ::2 10.0.0.2 } port "+list+"\n", 200),
		"families that never fit":                "pass from { " + strings.Repeat("10.0.0.1 ", 3000) + "} to { " + strings.Repeat("::1 ", 3000) + "}\n",
		"braces within each other":               "pass from " + strings.Repeat("{ ", 100) + "10.0.0.1" + strings.Repeat(" }", 100) + "\n",
		"anchors within each other":              strings.Repeat("anchor x {\n", 100) + strings.Repeat("}\n", 100),
		"a table's file too long":                "table <t> file huge\nblock from <t>\n",
		"a text too long":                        strings.Repeat("# comment\n", maxText/10+1),
		"a word too long":                        "pass in on " + strings.Repeat("x", 100_000) + "\n",
	} {
		set := Parse(text, "", loops)
		for _, r := range Releases {
			if a := set.Accepts(r); a.Verdict != Unknown {
				t.Errorf("%s: %s: %+v, want unknown", name, r, a)
			}
			if e := set.Expand(r); e.Claimed || len(e.Filter) > maxExpanded+len(set.Statements) {
				t.Errorf("%s: %s: %d rules, claimed %v", name, r, len(e.Filter), e.Claimed)
			}
		}
	}
}

// Anchors that call each other by absolute paths are followed for a while, and then unknown.
func TestBoundsOfAnchors(t *testing.T) {
	h := Host{Listed: true, Anchors: map[string]*Ruleset{}}
	for _, name := range []string{"a", "b"} {
		h.Anchors[name] = Parse(strings.Repeat("anchor \"/a\"\nanchor \"/b\"\n", 5), name, h)
	}
	set := Parse("anchor a\nanchor b\n", "", h)
	p := Packet{On: "em0", Proto: "tcp", From: netip.MustParseAddrPort("198.51.100.7:0"), To: netip.MustParseAddrPort("203.0.113.10:22")}
	if d := set.Decide(p, h); d.Verdict != Unknown {
		t.Errorf("%+v", d)
	}
}
