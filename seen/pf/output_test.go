package pf

import (
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
)

// printedBy is what FreeBSD 15.1 printed.
func printedBy(t testing.TB, name string) string {
	text, err := os.ReadFile("testdata/printed/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// With names of ports, with numbers and with counters the rules are the same.
func TestPrintedRules(t *testing.T) {
	var want []string
	for _, m := range Printed(printedBy(t, "P-sr"), "", Host{}).Expand(R15_1).Filter {
		want = append(want, m.Text)
	}
	if text := strings.Join(want, "\n") + "\n"; text != printedBy(t, "P-sr") {
		t.Errorf("what pfctl -P prints is not printed like that again:\n%s", text)
	}
	for name, most := range map[string]int{"sr": 8, "vsr": 8, "vvsr": 3} {
		e := Printed(printedBy(t, name), "", Host{}).Expand(R15_1)
		if len(e.Filter) != most {
			t.Errorf("%s: %d rules, want %d", name, len(e.Filter), most)
		}
		for i, m := range e.Filter {
			if m.Text != want[i] {
				t.Errorf("%s: %q, want %q", name, m.Text, want[i])
			}
		}
	}
}

func TestPrintedCounters(t *testing.T) {
	text := strings.Replace(printedBy(t, "rdr-P-vsn"), "Evaluations: 0         Packets: 0         Bytes: 0           States: 0", "Evaluations: 97071     Packets: 12        Bytes: 720         States: 3", 1)
	set := Printed(text, "rdr/dovecot", Host{})
	if len(set.Statements) != 2 {
		t.Fatalf("%d statements, want 2", len(set.Statements))
	}
	if c := set.Statements[0].Rules[0].Counters; c == nil || *c != (Counters{97071, 12, 720, 3}) {
		t.Errorf("counters %+v", c)
	}
	if c := set.Statements[1].Rules[0].Counters; c == nil || *c != (Counters{}) {
		t.Errorf("counters of the second %+v", c)
	}
	if c := Printed(printedBy(t, "sr"), "", Host{}).Statements[0].Rules[0].Counters; c != nil {
		t.Errorf("counters where none were printed: %+v", c)
	}
}

// pfctl -a '*' prints what stands in anchors in braces, and calls an inner rdr-anchor nat-anchor.
func TestPrintedAll(t *testing.T) {
	set := Printed(printedBy(t, "all-sn")+printedBy(t, "all-sr"), "", Host{})
	for _, st := range set.Statements {
		if st.Kind == Unread {
			t.Errorf("line %d is not read: %s", st.Line, st.Why)
		}
	}
	h := Host{Interfaces: map[string][]netip.Prefix{"vtnet0": {netip.MustParsePrefix("10.0.2.15/24")}}, Listed: true, Tables: map[string][]Address{}}
	for name, text := range map[string]string{"admin": "", "bruteforce": "   198.51.100.9\n", "ext_ip4": printedBy(t, "show"), "mua_servers": "   172.16.15.15\n"} {
		list, err := ParseTable(text)
		if err != nil {
			t.Fatal(err)
		}
		h.Tables[name] = list
	}
	p := Packet{On: "vtnet0", Proto: "tcp", From: netip.MustParseAddrPort("198.51.100.7:0"), To: netip.MustParseAddrPort("10.0.2.15:993")}
	d := set.Decide(p, h)
	if d.Verdict != Pass || d.To != netip.MustParseAddrPort("172.16.15.15:993") || d.Anchor != "filter/dovecot" {
		t.Errorf("%+v", d)
	}
	p.From = netip.MustParseAddrPort("198.51.100.9:0")
	if d = set.Decide(p, h); d.Verdict != Block || !strings.Contains(d.Rule, "<bruteforce>") {
		t.Errorf("banned: %+v", d)
	}
	delete(h.Tables, "bruteforce")
	if d = set.Decide(p, h); d.Verdict != Unknown {
		t.Errorf("a table that was not asked for: %+v", d)
	}
}

// An anchor that is not there is a complaint on stderr, and exit code 0: it is not an anchor without rules.
func TestPrintedComplaint(t *testing.T) {
	set := Printed(printedBy(t, "nope"), "rdr/nope", Host{})
	if len(set.Statements) != 1 || set.Statements[0].Kind != Unread {
		t.Errorf("%+v", set.Statements)
	}
	if a := set.Accepts(R15_1); a.Verdict == Accepts {
		t.Errorf("%+v", a)
	}
}

func TestPrintedLists(t *testing.T) {
	for name, parse := range map[string]func(string) ([]string, error){"sA": ParseAnchors, "vsA": ParseAnchors, "sT": ParseTables, "vsT": ParseTables} {
		want := []string{"allow", "binat", "filter", "filter/dovecot", "nat", "rdr", "rdr/dovecot"}
		if strings.HasSuffix(name, "T") {
			want = []string{"admin", "bruteforce", "ext_ip4", "sshguard"}
		}
		if got, err := parse(printedBy(t, name)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, hostile := range []string{"pfctl: DIOCGETRULES: Invalid argument\n", "  rdr/\x1b[2J\n", "  a b\n", "  rdr/dövecot\n", "x;reboot\n"} {
		if got, err := ParseAnchors(hostile); err == nil {
			t.Errorf("%q is taken for anchors: %q", hostile, got)
		}
		if got, err := ParseTables(hostile); err == nil {
			t.Errorf("%q is taken for tables: %q", hostile, got)
		}
	}
}

func TestPrintedTable(t *testing.T) {
	got, err := ParseTable("   10.0.0.0/8\n  !10.9.9.9\n\tCleared:     Sat Nov 28 16:01:17 2026\n   2001:db8::1\n")
	want := []string{"10.0.0.0/8", "! 10.9.9.9", "2001:db8::1"}
	if err != nil || len(got) != 3 {
		t.Fatalf("%v, %v", got, err)
	}
	for i, a := range got {
		if a.String() != want[i] {
			t.Errorf("%q, want %q", a, want[i])
		}
	}
	for _, odd := range []string{"pfctl: Table does not exist.\n", "   mail.example.org\n", "   <other>\n", "   10.0.0\n", "   10.0.0.1 10.0.0.2\n"} {
		if got, err := ParseTable(odd); err == nil {
			t.Errorf("%q is taken for addresses: %v", odd, got)
		}
	}
}

func TestPrintedStatus(t *testing.T) {
	s, err := ParseStatus(printedBy(t, "si"))
	if err != nil || s.Enabled || len(s.Counters) != 21 {
		t.Errorf("%+v, %v", s, err)
	}
	running := "Status: Enabled for 0 days 00:00:32           Debug: Urgent\n\nState Table                          Total             Rate\n  current entries                       12               \n" +
		"Counters\n  match                                 68            0.3/s\n  map-failed                             5            0.0/s\n"
	s, err = ParseStatus(running)
	if err != nil || !s.Enabled || s.Counters["match"] != 68 || s.Counters["map-failed"] != 5 || s.Counters["current entries"] != 12 {
		t.Errorf("%+v, %v", s, err)
	}
	for _, none := range []string{"", "pfctl: /dev/pf: Permission denied\n", "Status: Perhaps\n"} {
		if s, err := ParseStatus(none); err == nil {
			t.Errorf("%q is taken for a status: %+v", none, s)
		}
	}
}
