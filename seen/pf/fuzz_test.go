package pf

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// knows is a host of which all is known.
func knows() Host {
	return Host{Files: map[string]File{"a": {Text: "include \"b\"\npass\n"}, "b": {Text: "x=\"25\"\nload anchor y from c\n"}, "c": {Text: "block\n"}, "t": {Text: "10.0.0.1 !10/8 # x\nem0 ::1"}, "gone": {Missing: true}},
		Interfaces: map[string][]netip.Prefix{"em0": {netip.MustParsePrefix("203.0.113.10/24"), netip.MustParsePrefix("2001:db8::10/64")}, "lo0": {netip.MustParsePrefix("127.0.0.1/8")}}, Listed: true}
}

// use asks a ruleset all that can be asked. Whatever the text is, there is an answer, and it is one of three.
func use(t *testing.T, s *Ruleset, h Host) {
	for _, r := range Releases {
		a := s.Accepts(r)
		if a.Verdict != Accepts && a.Verdict != Refuses && a.Verdict != Unknown || a.Verdict != Accepts && (a.Why == "" || a.Line < 1) {
			t.Fatalf("%+v", a)
		}
		e := s.Expand(r)
		if n := len(e.Filter) + len(e.Translation); n > maxExpanded+len(s.Statements) || e.Claimed && a.Verdict != Accepts {
			t.Fatalf("%d rules, claimed %v, %+v", n, e.Claimed, a)
		}
	}
	s.HostBits()
	s.Anchors(Rdr)
	h.Anchors = map[string]*Ruleset{"x": s, "x/y": s, "filter/x": s}
	if d := s.Default("em0", h); d.Verdict != Pass && d.Verdict != Block && d.Verdict != Unknown {
		t.Fatalf("%+v", d)
	}
	for _, st := range s.Statements {
		if st.Kind != Unread {
			continue
		}
		for _, r := range Releases {
			if a := s.Accepts(r); a.Verdict == Accepts && !strings.HasPrefix(st.Text, "ether") {
				t.Fatalf("line %d is not read (%s), and %s takes the text", st.Line, st.Why, r)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, in := range corpus(f) {
		if len(in.Text) < 2000 {
			f.Add(in.Text)
		}
	}
	paths, _ := filepath.Glob("testdata/stories/*.txtar")
	for _, path := range paths {
		text, _ := os.ReadFile(path)
		f.Add(string(text))
	}
	for _, text := range []string{"include a\n", "table <t> file \"t\"\nblock from <t>\n", "x=\"$x $x\"\npass on $x\n", "anchor x {\nanchor y {\npass\n", "pass proto { tcp udp } from { ! 10/8 ::1 } port { 1:2 3><4 } to { (em0:0)/24 lo0 } port != 5\n",
		"block return-icmp(host-unr, 3) log (all, to pflog1) quick inet6 proto 58 icmp6-type { 1 code 4, echoreq }\n", "pass out route-to { (em0 10.0.0.1) } round-robin sticky-address keep state (max 3, sloppy)\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h := knows()
		use(t, Parse(text, "", h), h)
		use(t, Parse(text, "rdr/x", Host{}), Host{})
	})
}

func FuzzPrinted(f *testing.F) {
	paths, _ := filepath.Glob("testdata/printed/*")
	for _, path := range paths {
		text, _ := os.ReadFile(path)
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		h := knows()
		use(t, Printed(text, "", h), h)
		if s, err := ParseStatus(text); err == nil && s.Counters == nil {
			t.Fatal("a status without counters")
		}
		for _, parse := range []func(string) ([]string, error){ParseAnchors, ParseTables} {
			names, _ := parse(text)
			for _, name := range names {
				if name == "" || strings.ContainsAny(name, " \t\x1b\"'$;`\n") {
					t.Fatalf("%q is taken for a name", name)
				}
			}
		}
		list, _ := ParseTable(text)
		for _, a := range list {
			if a.Kind != Net || !a.Prefix.IsValid() {
				t.Fatalf("%+v is taken for an address", a)
			}
		}
	})
}
