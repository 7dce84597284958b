package report

import (
	"fmt"
	"strings"

	"postern/steps"
)

// Event is one line of progress, or more where its text has more.
func Event(e steps.Event) []Line {
	var b strings.Builder
	fmt.Fprintf(&b, "  %-8s ", e.Kind)
	if e.Host != "" {
		b.WriteString(e.Host + ": ")
	}
	if e.Of > 0 {
		fmt.Fprintf(&b, "%d of %d  ", e.N, e.Of)
	}
	b.WriteString(e.Text)
	if e.Elapsed > 0 {
		fmt.Fprintf(&b, "  (%s)", Seconds(e.Elapsed))
	}
	var t text
	t.prose(eventStyle(e.Kind), "%s", b.String())
	return t.lines
}

func eventStyle(kind string) Style {
	switch kind {
	case "warn", "rollback", "cancel":
		return Amber
	case "error":
		return Bad
	case "confirm", "done":
		return Good
	}
	return Plain
}

// Doing is what an event was about, in one line: for a heartbeat.
func Doing(e steps.Event) string {
	line, _, _ := strings.Cut(e.Text, "\n")
	if e.Host != "" && line != "" {
		line = e.Host + ": " + line
	}
	return line
}
