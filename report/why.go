package report

import (
	"postern/checks"
	"postern/checks/path"
)

// Why is a diagnosis: the hops with the first that breaks marked, what is so in one line, and the one thing to do.
func Why(d path.Diagnosis) []Line {
	var t text
	t.line(Strong, "%s", d.Name)
	for i, h := range d.Hops {
		mark, style := "  ok    ", Good
		switch {
		case i == d.Broken:
			mark, style = "  HERE  ", Bad
		case h.State == path.Unknown:
			mark, style = "  ?     ", Plain
		}
		t.prose(style, "%s%-22s %s", mark, h.Name, hang(h.Evidence, 31))
	}
	word, style := Word(d.Outcome())
	t.prose(style, "%-9s %s", word, hang(d.Words, 10))
	switch {
	case d.On != "":
		t.line(Strong, "          do on %s: %s", d.On, d.Action)
	case d.Action != "":
		t.line(Strong, "          do: %s", d.Action)
	}
	if d.Outcome() != checks.OK && d.Settles != "" {
		t.prose(Plain, "          %s; what settles it: %s", d.Confidence, hang(d.Settles, 10))
	}
	return t.lines
}
