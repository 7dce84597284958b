package wizard

import (
	"fmt"
	"strings"
)

// split is a list above and the details of its chosen entry below, each scrolled for itself. Nothing of it leaves the rows
// there are.
type split struct {
	picked int // which entry
	offset int // how far its details are scrolled
	room   int // rows of the details, as they were drawn last
	most   int // the largest offset then
}

// key moves in the list, or scrolls the details; it says whether the key was one of these.
func (s *split) key(press string, entries int) bool {
	step := max(1, s.room-1)
	switch press {
	case "up", "k", "shift+tab":
		s.pick(s.picked-1, entries)
	case "down", "j", "tab":
		s.pick(s.picked+1, entries)
	case "home":
		s.pick(0, entries)
	case "end":
		s.pick(entries-1, entries)
	case "pgup":
		s.offset = max(0, s.offset-step)
	case "pgdown":
		s.offset = min(s.most, s.offset+step)
	default:
		return false
	}
	return true
}

// pick chooses an entry; its details begin at their top.
func (s *split) pick(at, entries int) {
	at = max(0, min(at, entries-1))
	if at != s.picked {
		s.picked, s.offset = at, 0
	}
}

// draw lays both out: rows of the list, of which the one at the index is the chosen entry, and the details. words stand in
// the rule between.
func (s *split) draw(rows []line, at int, words string, details []line, width, height int) []line {
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
	s.room, s.most = below, max(0, len(details)-below)
	s.offset = max(0, min(s.offset, s.most))
	first := max(0, min(at-above/2, len(rows)-above))
	out := append([]line{}, rows[first:min(len(rows), first+above)]...)
	marks := ""
	if len(rows) > above {
		marks = fmt.Sprintf("%d-%d of %d", first+1, first+above, len(rows))
	}
	out = append(out, between(words, marks, s.where(len(details)), width))
	return append(out, details[s.offset:s.offset+min(below, len(details)-s.offset)]...)
}

// where says which of the details are in sight, when not all are.
func (s *split) where(details int) string {
	if s.most == 0 {
		return ""
	}
	return fmt.Sprintf("%d-%d of %d pgup pgdn", s.offset+1, s.offset+s.room, details)
}

// between is a rule with words at its beginning, what is in sight above it, and what is below it.
func between(words, above, below string, width int) line {
	text := "-"
	for _, one := range []string{words, above} {
		if one != "" {
			text += " " + one + " -"
		}
	}
	end := ""
	if below != "" {
		end = " " + below + " -"
	}
	if len(text)+len(end) > width && words != "" {
		return between("", above, below, width)
	}
	return say(plain, "%s", text+strings.Repeat("-", max(0, width-len(text)-len(end)))+end)
}

// wide is how many columns a line takes.
func wide(l line) int { return columns(l.text()) }
