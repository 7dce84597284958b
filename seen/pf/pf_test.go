package pf

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestReleaseOf(t *testing.T) {
	for version, want := range map[string]string{"12.4-RELEASE-p9": "12.2", "13.2-RELEASE": "13.2", "14.3-RELEASE-p2": "14-stable", "14.0-STABLE": "14-stable", "15.0-RELEASE": "15.0",
		"15.1-RELEASE-p1": "15.1", "15.2-BETA1": "15.1"} {
		if r, ok := ReleaseOf(version); !ok || r.String() != want {
			t.Errorf("%s stands for %s, %v; want %s", version, r, ok, want)
		}
	}
	for _, version := range []string{"", "11.4-RELEASE", "16.0-CURRENT", "6.1.0-44-amd64", "x"} {
		if r, ok := ReleaseOf(version); ok {
			t.Errorf("%q stands for %s", version, r)
		}
	}
}

// What each of these texts is: refused, unknown, or taken; and why, in words.
func TestAccepts(t *testing.T) {
	const yes, no, perhaps = Accepts, Refuses, Unknown
	for _, c := range []struct {
		text string
		want [5]Verdict // by release
		why  string     // of the last
	}{
		{"block in\nnat on em0 inet from 10.0.0.0/24 to any -> (em0)\n", [5]Verdict{no, no, no, no, no}, "order"},
		{"set require-order no\nblock in\nnat on em0 inet from 10.0.0.0/24 to any -> (em0)\n", [5]Verdict{yes, yes, yes, yes, yes}, ""},
		{"pass in proto tcp to port 25", [5]Verdict{no, no, no, yes, yes}, ""},
		{"pass in proto tcp to port 25\n# no newline here", [5]Verdict{yes, yes, yes, yes, yes}, ""},
		{"pass in \\\n", [5]Verdict{no, no, no, perhaps, perhaps}, "does not end"},
		{"pass in proto sctp to port 25\n", [5]Verdict{no, no, yes, yes, yes}, ""},
		{"match in on em0 scrub (no-df)\n", [5]Verdict{no, no, yes, yes, yes}, ""},
		{"x = match\n", [5]Verdict{yes, yes, no, no, no}, "word of the language"},
		{"pass in proto tcp to port submissions\n", [5]Verdict{perhaps, perhaps, yes, yes, yes}, ""},
		{"pass in proto tcp to port frobnicated\n", [5]Verdict{perhaps, perhaps, perhaps, perhaps, perhaps}, "not known here"},
		{"pass in from mail.example.org\n", [5]Verdict{perhaps, perhaps, perhaps, perhaps, perhaps}, "not known"},
		{"pass in from em0:network\n", [5]Verdict{yes, yes, yes, yes, yes}, ""},
		{"pass in from em9:network\n", [5]Verdict{no, no, no, no, no}, "no IP address"},
		{"pass in ridentifier 7\n", [5]Verdict{perhaps, perhaps, perhaps, perhaps, perhaps}, "ridentifier"},
		{"pass in ridentifier 7 frobnicate\n", [5]Verdict{perhaps, perhaps, perhaps, perhaps, perhaps}, "ridentifier"},
		{"include \"/etc/pf.more\"\npass in on $not_here\n", [5]Verdict{perhaps, perhaps, perhaps, perhaps, perhaps}, "/etc/pf.more"},
		{"anchor \"x\" dnpipe 7 {\n\tpass\n}\n", [5]Verdict{perhaps, perhaps, perhaps, perhaps, perhaps}, "dnpipe"},
		{"anchor \"x\" {\n\ttable <t>\n\tpass\n}\n", [5]Verdict{no, no, no, perhaps, perhaps}, "anchor"},
		{"anchor \"a/b\" {\n\tpass\n}\n", [5]Verdict{no, no, no, no, no}, "path"},
		{"pass in flags S/SA no state\n", [5]Verdict{yes, yes, yes, yes, yes}, ""},
		{"pass in flags SF/SA\n", [5]Verdict{no, no, no, no, no}, "always false"},
		{"pass in proto udp flags S/SA\n", [5]Verdict{no, no, no, no, no}, "only apply to tcp"},
		{"block in keep state\n", [5]Verdict{no, no, no, no, no}, "keep state"},
		{"block return-rst in proto udp\n", [5]Verdict{no, no, no, no, no}, "return-rst"},
		{"pass in proto tcp keep state (overload <t>)\n", [5]Verdict{no, no, no, no, no}, "overload"},
		{"pass in proto tcp keep state (source-track global, max-src-conn 3)\n", [5]Verdict{no, no, no, no, no}, "global"},
		{"nat on em0 inet from any to any -> 203.0.113.10 static-port port 5\n", [5]Verdict{no, no, no, no, no}, "syntax"},
		{"rdr on em0 inet proto tcp from any to any port 25 -> 10.0.0.2 static-port\n", [5]Verdict{no, no, no, no, no}, "static-port"},
		{"rdr on em0 inet proto tcp from any to any port > 25 -> 10.0.0.2\n", [5]Verdict{no, no, no, no, no}, "operator"},
		{"rdr on em0 inet proto tcp from any to any port 25\n", [5]Verdict{no, no, no, no, no}, "->"},
		{"no rdr pass on em0 inet proto tcp from any to any port 25\n", [5]Verdict{no, no, no, no, no}, "pass"},
		{"binat on em0 from any to any -> (em0)\n", [5]Verdict{no, no, no, no, no}, "family"},
		{"binat on em0 inet from 10.0.0.0/24 to any -> 203.0.113.10\n", [5]Verdict{no, no, no, no, no}, "length"},
		{"pass from 10.0.0.1 to ::1\n", [5]Verdict{no, no, no, no, no}, "no valid combination"},
		{"table <t> { 10.0.0.1, (em0) }\n", [5]Verdict{no, no, no, no, no}, "table"},
		{"table <t> sometimes\n", [5]Verdict{no, no, no, no, no}, "sometimes"},
		{"set optimization fast\n", [5]Verdict{no, no, no, no, no}, "optimization"},
		{"set timeout { tcp.first 10, interval 5 }\nset skip on { lo0, wg0 }\n", [5]Verdict{yes, yes, yes, yes, yes}, ""},
		{"set skip on ! lo0\n", [5]Verdict{no, no, no, no, no}, "not supported"},
		{"rdr-anchor \"x\" proto tcp to port { 25 80 }\n", [5]Verdict{no, no, no, no, no}, "one destination port"},
		{"a=25\nb='$a'\npass in proto tcp to port $b\n", [5]Verdict{no, no, no, no, no}, "syntax"},
		{"anchor \"_x\"\n", [5]Verdict{no, no, no, no, no}, "reserved"},
		{"antispoof for em0 ridentifier 7\n", [5]Verdict{perhaps, perhaps, perhaps, perhaps, perhaps}, "syntax"},
		{"\x00\n", [5]Verdict{perhaps, perhaps, perhaps, perhaps, perhaps}, "NUL"},
		{"pass label \"open\n", [5]Verdict{no, no, no, no, no}, "quote"},
	} {
		set := Parse(c.text, "", knows())
		for _, r := range Releases {
			if a := set.Accepts(r); a.Verdict != c.want[r] {
				t.Errorf("%s: %q: %+v, want %s", r, c.text, a, c.want[r])
			}
		}
		if a := set.Accepts(R15_1); !strings.Contains(a.Why, c.why) || (a.Why == "") != (a.Verdict == Accepts) {
			t.Errorf("%q: %q does not say %q", c.text, a.Why, c.why)
		}
	}
}

// What a text holds is found, in its order, with the lines; and what could not be read stands among it.
func TestStatements(t *testing.T) {
	set := Parse(`ext_if = "em0"	# the outside
set skip on lo0
table <t> const { 10.0.0.0/8, !10.1.0.0/16 } file "t"
nat on $ext_if inet from <t> \
    to any -> ($ext_if)
rdr-anchor "rdr/*"
frobnicate
include "a"
anchor "x" in on $ext_if {
	block quick
}
`, "", knows())
	var got []string
	for _, st := range set.Statements {
		got = append(got, strings.Join([]string{string(st.Kind), st.File, st.Text}, "|"))
	}
	want := []string{"macro||ext_if = \"em0\"", "option||set skip on lo0", "table||table <t> const { 10.0.0.0/8, !10.1.0.0/16 } file \"t\"",
		"nat||nat on $ext_if inet from <t> to any -> ($ext_if)", "rdr||rdr-anchor \"rdr/*\"", "unread||frobnicate", "include||include \"a\"",
		"include|a|include \"b\"", "macro|b|x=\"25\"", "load|b|load anchor y from c", "filter|a|pass", "filter||anchor \"x\" in on $ext_if { block quick }"}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if table := set.Statements[2].Table; len(table.Addresses) != 7 || !table.Const || table.Unknown || table.Addresses[3].String() != "! 10.0.0.0/8" {
		t.Errorf("table %+v", table)
	}
	if r := set.Statements[3].Rules[0]; r.Line != 4 || r.On[0].Name != "em0" || r.Pool.Kind != "round-robin" {
		t.Errorf("nat %+v", r)
	}
	if got := set.Anchors(Rdr); !slices.Equal(got, []string{"rdr/*"}) {
		t.Errorf("anchors of rdr: %q", got)
	}
	if got := set.Anchors(Filter); !slices.Equal(got, []string{"x"}) {
		t.Errorf("anchors of the filter: %q", got)
	}
}

// Two families in one line lose rules without a word; two rules that differ in their addresses alone may become one.
func TestExpansion(t *testing.T) {
	e := Parse("rdr proto tcp from any to { 203.0.113.10 2001:db8::10 } port 993 -> 10.0.0.2\npass in proto tcp from { 10.0.0.1 2001:db8::1 } to { 203.0.113.10 2001:db8::10 } port 25\n", "", Host{}).Expand(R14)
	if two := Parse("rdr proto tcp from any to { 2001:db8::10 203.0.113.10 } port 993 -> { 10.0.0.2 fd00::2 }\nset block-policy return\n", "", Host{}).Expand(R14); len(two.Translation) != 1 ||
		two.Translation[0].Text != "rdr inet6 proto tcp from any to 2001:db8::10 port = 993 -> fd00::2" {
		t.Errorf("%+v", two)
	}
	if e := Parse("set block-policy return\nblock in\nblock drop in\n", "", Host{}).Expand(R14); e.Filter[0].Text != "block return in all" || e.Filter[1].Text != "block drop in all" {
		t.Errorf("%+v", e)
	}
	if !e.Claimed || !slices.Equal(e.Lost, []int{1, 2}) || len(e.Translation) != 1 || len(e.Filter) != 2 || e.Filter[0].Family != 4 || e.Filter[1].Family != 6 {
		t.Errorf("%+v", e)
	}
	for text, merges := range map[string]bool{"pass in from 10.0.0.1\npass in from 10.0.0.2\n": true, "pass in from 10.0.0.1\nblock in from 10.0.0.2\n": false,
		"set ruleset-optimization none\npass in from 10.0.0.1\npass in from 10.0.0.2\n": false, "pass in proto tcp to port { 25 80 }\n": false, "pass\npass\n": true} {
		if e := Parse(text, "", Host{}).Expand(R14); e.Merges != merges || !e.Claimed {
			t.Errorf("%q: %+v", text, e)
		}
	}
}

// Who may come in by ssh, and which line says so.
func TestSSH(t *testing.T) {
	h := knows()
	p := Packet{On: "em0", Proto: "tcp", From: netip.MustParseAddrPort("198.51.100.7:0"), To: netip.MustParseAddrPort("203.0.113.10:22")}
	for text, want := range map[string]Decision{
		"block in on em0\npass in on em0 proto tcp to port ssh keep state (max-src-conn 10, overload <bf> flush global)\n": {Verdict: Pass, Line: 2},
		"block quick all\npass in proto tcp to any port 22\n":                                                              {Verdict: Block, Line: 1},
		"table <t> { !198.51.100.0/24, 198.51.0.0/16 }\nblock in\npass in proto tcp from <t> to port 22\n":                 {Verdict: Block, Line: 2},
		"block in\npass in on vtnet0 proto tcp to port 22\n":                                                               {Verdict: Block, Line: 1},
		"block in\npass in on egress proto tcp to port 22\n":                                                               {Verdict: Unknown, Line: 1},
		"block in\npass in proto tcp from (em0:network) to port 22\n":                                                      {Verdict: Block, Line: 1},
		"block in\npass in proto tcp to (em0) port 22\nblock in quick from urpf-failed\n":                                  {Verdict: Pass, Line: 2},
		"pass in\nblock in proto tcp to port 22 probability 20%\n":                                                         {Verdict: Unknown, Line: 1},
		"antispoof quick for em0\n": {Verdict: Pass},
	} {
		set := Parse(text, "", h)
		if d := set.Decide(p, h); d.Verdict != want.Verdict || d.Line != want.Line || (d.Verdict == Unknown) != (d.Why != "") {
			t.Errorf("%q: %+v, want %+v", text, d, want)
		}
	}
	stray := p
	stray.Stray = true
	if d := Parse("block in quick from urpf-failed\n", "", h).Decide(stray, h); d.Verdict != Block {
		t.Errorf("a packet from elsewhere: %+v", d)
	}
	spoofed := p
	spoofed.From = netip.MustParseAddrPort("203.0.113.99:0")
	spoofed.On = "lo0"
	if d := Parse("antispoof quick for em0\n", "", h).Decide(spoofed, h); d.Verdict != Block {
		t.Errorf("a packet that says it comes from em0's network: %+v", d)
	}
	h.Drops = true
	if d := Parse("", "", h).Default("em0", h); d.Verdict != Block {
		t.Errorf("net.pf.default_to_drop: %+v", d)
	}
}

// A line that goes on behind a backslash is two for the lines that follow it.
func TestLines(t *testing.T) {
	for text, line := range map[string]int{"pass in \\\n on em0\nfrobnicate\n": 3, "# one \\\n two\nfrobnicate\n": 3, "x=\"a\nb\"\n\nfrobnicate\n": 4, "pass from { 10.0.0.1\n ::1 }\nfrobnicate\n": 3} {
		if a := Parse(text, "", Host{}).Accepts(R14); a.Verdict != Refuses || a.Line != line {
			t.Errorf("%q: %+v, want line %d", text, a, line)
		}
	}
}

func TestPorts(t *testing.T) {
	for text, in := range map[string][]int{"25": {25}, "!= 25": {0, 24, 26, 27}, "25:27": {25, 26, 27}, "25 >< 27": {26}, "25 <> 26": {0, 24, 27}, "< 25": {24}, "<= 25": {24, 25}, "> 25": {0, 26, 27}, ">= 25": {0, 25, 26, 27}} {
		set := Parse("pass proto tcp to port "+text+"\n", "", Host{})
		for _, port := range []int{0, 24, 25, 26, 27} {
			if holds := set.Statements[0].Rules[0].To.Ports[0].holds(port); (holds == yes) != slices.Contains(in, port) {
				t.Errorf("port %s and %d: %v", text, port, holds)
			}
		}
	}
}
