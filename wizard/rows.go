package wizard

import (
	"fmt"
	"strings"
	"time"

	"postern/steps"
	"postern/wizard/draw"
)

// changesOf counts what a plan would change.
func changesOf(p steps.Plan) int {
	n := 0
	for _, part := range p.Parts {
		n += len(part.Changes)
	}
	return n
}

// counted is a number of things.
func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// warnings are what the engine warned of, until it works again.
func (w *shell) warnings(width int) []draw.Line {
	var lines []draw.Line
	for _, e := range w.warned {
		lines = append(lines, draw.Inset(draw.Amber, "[warn] "+eventWords(e), width)...)
	}
	if len(lines) > 0 {
		lines = append(lines, draw.Line{})
	}
	return lines
}

// eventWords is one event in one line.
func eventWords(e steps.Event) string {
	text := e.Text
	if first, _, more := strings.Cut(text, "\n"); more {
		text = first
	}
	if e.Host != "" {
		text = e.Host + ": " + text
	}
	return text
}

// clock is how long something takes, as 00:21 or 1:02:03.
func clock(d time.Duration) string {
	s := int(max(0, d) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}
