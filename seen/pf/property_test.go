package pf

import (
	"net/netip"
	"strings"
	"testing"
)

// What pfctl makes of a text reads as the same again, and does the same with packets. Tables, and interfaces that are skipped, stand
// in no rule: they come of the text.
func TestExpansionDecidesAlike(t *testing.T) {
	alike := 0
	for _, in := range corpus(t) {
		h := in.machine()
		h.Listed, h.Interfaces["em0"] = true, []netip.Prefix{netip.MustParsePrefix("203.0.113.10/24"), netip.MustParsePrefix("2001:db8::10/64")}
		set := Parse(in.Text, in.Anchor, h)
		e := set.Expand(R15_1)
		if !e.Claimed || strings.Contains(in.Text, "set skip") || strings.Contains(in.Text, "{\n") || strings.Contains(in.Text, "load anchor") {
			continue
		}
		h.Tables = map[string][]Address{}
		for _, st := range set.Statements {
			if st.Table != nil {
				h.Tables[st.Table.Name] = st.Table.Addresses
			}
		}
		again := Printed(lines(e.Translation)+lines(e.Filter), in.Anchor, h)
		if text := lines(again.Expand(R15_1).Translation) + lines(again.Expand(R15_1).Filter); text != lines(e.Translation)+lines(e.Filter) {
			t.Errorf("%s: reads as other rules:\n%s\nwas\n%s", in.Name, text, lines(e.Translation)+lines(e.Filter))
		}
		for _, p := range packets() {
			one, other := set.Decide(p, h), again.Decide(p, h)
			if one.Verdict != other.Verdict || one.To != other.To {
				t.Errorf("%s: %+v: %+v; of what it expands to: %+v", in.Name, p, one, other)
			}
			alike++
		}
	}
	if alike < 5000 {
		t.Errorf("only %d packets were compared", alike)
	}
}

func lines(all []Made) string {
	var b strings.Builder
	for _, m := range all {
		b.WriteString(m.Text + "\n")
	}
	return b.String()
}

func packets() (all []Packet) {
	for _, pair := range [][2]string{{"198.51.100.7", "203.0.113.10"}, {"10.0.0.2", "203.0.113.10"}, {"2001:db8::1", "2001:db8::10"}, {"10.0.0.1", "203.0.113.10"},
		{"203.0.113.10", "10.0.0.2"}, {"172.16.15.15", "172.16.15.15"}} {
		for _, proto := range []string{"tcp", "udp", "icmp"} {
			for _, port := range []uint16{22, 25, 53, 993, 1005, 4000} {
				for _, out := range []bool{false, true} {
					for _, on := range []string{"em0", "wg0"} {
						all = append(all, Packet{Out: out, On: on, Proto: proto, ICMP: "echoreq", From: netip.AddrPortFrom(netip.MustParseAddr(pair[0]), 0),
							To: netip.AddrPortFrom(netip.MustParseAddr(pair[1]), port)})
					}
				}
			}
		}
	}
	return all
}
