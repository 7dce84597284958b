package draw

import (
	"fmt"
	"strings"
)

// Split is a list above and the details of its chosen entry below, each scrolled for itself. Nothing of it leaves the rows
// there are.
type Split struct {
	Picked int // which entry
	Scroll     // of its details
}

// Scroll is how far something is scrolled.
type Scroll struct {
	Offset int // rows above what is seen
	Room   int // rows that were seen last
	Most   int // the largest offset then
}

// By scrolls by some rows, as far as there are any.
func (s *Scroll) By(rows int) { s.Offset = max(0, min(s.Offset+rows, s.Most)) }

// Page is by how many rows a page goes on.
func (s *Scroll) Page() int { return max(1, s.Room-1) }

// Key scrolls; it says whether the key was one that does.
func (s *Scroll) Key(press string) bool {
	by, scrolls := map[string]int{"pgup": -s.Page(), "pgdown": s.Page(), "space": s.Page(), "up": -1, "k": -1, "down": 1, "j": 1, "home": -s.Most, "end": s.Most}[press]
	s.By(by)
	return scrolls
}

// Key moves in the list, or scrolls the details; it says whether the key was one of these.
func (s *Split) Key(press string, entries int) bool {
	switch press {
	case "up", "k", "shift+tab":
		s.Pick(s.Picked-1, entries)
	case "down", "j", "tab":
		s.Pick(s.Picked+1, entries)
	case "home":
		s.Pick(0, entries)
	case "end":
		s.Pick(entries-1, entries)
	case "pgup", "pgdown":
		return s.Scroll.Key(press)
	default:
		return false
	}
	return true
}

// Pick chooses an entry; its details begin at their top.
func (s *Split) Pick(at, entries int) {
	at = max(0, min(at, entries-1))
	if at != s.Picked {
		s.Picked, s.Offset = at, 0
	}
}

// Draw lays both out: rows of the list, of which the one at the index is the chosen entry, and the details. words stand in
// the rule between.
func (s *Split) Draw(rows []Line, at int, words string, details []Line, width, height int) []Line {
	above := max(1, min(3, height-3), (height-1)*2/5)
	below := height - 1 - above
	if len(rows) < above {
		above = len(rows)
		below = height - 1 - above
	}
	if len(details) < below {
		below = len(details)
		above = min(len(rows), height-1-below)
	}
	above, below = max(0, above), max(0, below)
	s.Room, s.Most = below, max(0, len(details)-below)
	s.By(0)
	first := max(0, min(at-above/2, len(rows)-above))
	out := append([]Line{}, rows[first:min(len(rows), first+above)]...)
	marks := ""
	if len(rows) > above {
		marks = fmt.Sprintf("%d-%d of %d", first+1, first+above, len(rows))
	}
	out = append(out, between(words, marks, s.where(len(details)), width))
	return append(out, details[s.Offset:s.Offset+min(below, len(details)-s.Offset)]...)
}

// where says which of the details are in sight, when not all are.
func (s *Split) where(details int) string {
	if s.Most == 0 {
		return ""
	}
	return fmt.Sprintf("%d-%d of %d pgup pgdn", s.Offset+1, s.Offset+s.Room, details)
}

// Rule is a line across with words at its beginning and at its end.
func Rule(words, end string, width int) Line {
	l := Row(Text(Frame, Across))
	if words != "" {
		l = Row(Text(Frame, Across+" "), Text(Plain, words), Text(Frame, " "))
	}
	if end != "" {
		end = " " + end + " "
	}
	gap := max(0, width-Columns(l.String())-Columns(end)-1)
	l.Spans = append(l.Spans, Text(Frame, strings.Repeat(Across, gap)), Text(Plain, end), Text(Frame, Across))
	l.Rule = true
	return l
}

// between is a rule with words at its beginning, what is in sight above it, and what is below it.
func between(words, above, below string, width int) Line {
	if words != "" && above != "" {
		words += " " + Across + " "
	}
	if words += above; Columns(words+below) > width-8 && above != words {
		words = above
	}
	return Rule(words, below, width)
}
