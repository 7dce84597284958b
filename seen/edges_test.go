package seen

import "testing"

// A stranger is one whom no rule names: those who drop what cannot come from the internet say nothing of anybody who does.
func TestStrangersAreNamedByNoRule(t *testing.T) {
	usual := Ruleset{}.Strangers()
	for _, rule := range []string{"-A PREROUTING -s 192.0.2.0/24 -j DROP", "-A OUTPUT -d 192.0.2.0/24 -j REJECT"} {
		four, err := ParseTables([]string{"*raw", ":PREROUTING ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]", rule, "COMMIT"})
		if err != nil {
			t.Fatal(err)
		}
		bogons := Ruleset{Four: four}.Strangers()
		if usual[0].String() != "192.0.2.77" || bogons[0].String() != "192.0.3.0" || usual[1] != bogons[1] {
			t.Errorf("%s: got %s and %s, then %s and %s", rule, usual[0], usual[1], bogons[0], bogons[1])
		}
	}
}
