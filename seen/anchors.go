package seen

import (
	"cmp"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// Anchors is what pf holds at this moment, beyond what its main file says.
type Anchors struct {
	Names  []string          // every anchor, by its path: rdr, rdr/dovecot …
	Rules  map[string]string // what pfctl -vsn and -vsr print of each, with counters; "" is the main ruleset
	Tables []PFTable
}

// PFTable is a table as pf holds it.
type PFTable struct {
	Anchor    string // it is one of the main ruleset's where this is empty
	Name      string
	Size      int
	Addresses []netip.Prefix // all of them; nil where they are many
}

// PFLoaded reads what pf holds. There is nothing on another system.
var PFLoaded = register(Fact[Anchors]{ID: "anchors", ask: either(`none absent; return`, `need pfctl || return 3
tables() { pfctl "$@" -sT 2>/dev/null | head -n 64 | while IFS= read -r t; do
	pfctl "$@" -t "$t" -T show 2>/dev/null | awk -v t="$t" '{ n++; if (n <= 32) a = a " " $0 } END { print "table", t, n + 0, (n <= 32 ? a : "") }'
done; }
rules() { { pfctl "$@" -P -vsn; pfctl "$@" -P -vsr; } 2>/dev/null | sed 's/^/|/'; }
echo '== rules'; rules; tables
pfctl -vsA 2>/dev/null | sed 's/^ *//' | grep -v -e '^No ALTQ' -e '^ALTQ' | head -n 256 | while IFS= read -r a; do
	echo "== anchor $a"; rules -a "$a"; tables -a "$a"
done`), parse: parseAnchors})

// anchorPath is a name that pf's anchors have where no one means harm.
var anchorPath = regexp.MustCompile(`^[A-Za-z0-9_.:/-]{1,200}$`)

func parseAnchors(s sections) (Anchors, error) {
	v := Anchors{Rules: map[string]string{}}
	for title, lines := range s {
		name, is := strings.CutPrefix(title, "anchor ")
		switch {
		case title == "rules":
			name = ""
		case !is:
			continue
		case !anchorPath.MatchString(name):
			return Anchors{}, odd("pfctl", name)
		default:
			v.Names = append(v.Names, name)
		}
		text := ""
		for _, line := range lines {
			if rule, is := strings.CutPrefix(line, "|"); is {
				text += rule + "\n"
			} else if t, is := parsePFTable(strings.Fields(line)); is {
				t.Anchor = name
				v.Tables = append(v.Tables, t)
			}
		}
		v.Rules[name] = text
	}
	slices.Sort(v.Names)
	slices.SortFunc(v.Tables, func(a, b PFTable) int {
		return cmp.Or(strings.Compare(a.Anchor, b.Anchor), strings.Compare(a.Name, b.Name))
	})
	return v, nil
}

// parsePFTable reads "table NAME SIZE ADDRESS…".
func parsePFTable(w []string) (t PFTable, ok bool) {
	if len(w) < 3 || w[0] != "table" || !Name(w[1]) {
		return t, false
	}
	t = PFTable{Name: w[1], Size: int(number(w[2]))}
	for _, word := range w[3:] {
		p, ok := Prefix(word)
		if !ok || len(w)-3 != t.Size {
			t.Addresses = nil
			break
		}
		t.Addresses = append(t.Addresses, p)
	}
	return t, true
}

// Table is a table of the main ruleset; false where there is none.
func (a Anchors) Table(name string) (PFTable, bool) {
	for _, t := range a.Tables {
		if t.Anchor == "" && t.Name == name {
			return t, true
		}
	}
	return PFTable{}, false
}
