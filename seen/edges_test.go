package seen

import "testing"

// A stranger is one whom no rule names: those who drop what cannot come from the internet say nothing of anybody who does.
func TestStrangersAreNamedByNoRule(t *testing.T) {
	lines := []string{"*raw", ":PREROUTING ACCEPT [0:0]", "-A PREROUTING -s 192.0.2.0/24 -j DROP", "COMMIT"}
	four, err := ParseTables(lines)
	if err != nil {
		t.Fatal(err)
	}
	usual := Ruleset{}.Strangers()
	bogons := Ruleset{Four: four}.Strangers()
	if usual[0].String() != "192.0.2.77" || bogons[0].String() != "192.0.3.0" || usual[1] != bogons[1] {
		t.Errorf("got %s and %s, then %s and %s", usual[0], usual[1], bogons[0], bogons[1])
	}
}
