// Package draw makes rows of a terminal out of styled text: it wraps, cuts and colours, and lets nothing through that steers
// a terminal. It knows columns, styles and one field being typed; it refuses to know what is said, and what a key leads to.
package draw

import (
	"strings"

	"charm.land/lipgloss/v2"

	"postern/report"
)

// Style is what a piece of text means. No meaning is told by colour alone: words and marks stand beside it. These are the
// terminal's own foreground, bold, reverse, and colours 1 to 6 only.
type Style = report.Style

// The styles: those of reports, and what only a screen has.
const (
	Plain  = report.Plain
	Strong = report.Strong
	Good   = report.Good
	Amber  = report.Amber
	Bad    = report.Bad
	Accent = report.Bad + 1 // where something is, such as an address in the picture
	Chosen = report.Bad + 2 // the selected row, beside its ">"
	Frame  = report.Bad + 3 // lines around what has the focus
	Widget = report.Bad + 4 // made by a widget of ours out of clean text; only its colours pass the gate
)

// Theme turns styles into what a terminal understands.
type Theme struct {
	styles [Widget + 1]lipgloss.Style
	ascii  bool
	Colour bool // there are colours, and nobody wants none
}

// NewTheme is what a terminal with this environment understands.
func NewTheme(environ []string, ascii, noColour bool) *Theme {
	th := &Theme{ascii: ascii || !utf8Locale(environ), Colour: !noColour && colours(environ)}
	for i := range th.styles {
		th.styles[i] = lipgloss.NewStyle()
	}
	th.styles[Strong] = th.styles[Strong].Bold(true)
	th.styles[Bad] = th.styles[Bad].Bold(true)
	th.styles[Chosen] = th.styles[Chosen].Reverse(true)
	if th.Colour {
		th.styles[Good] = th.styles[Good].Foreground(lipgloss.Green)
		th.styles[Amber] = th.styles[Amber].Foreground(lipgloss.Yellow)
		th.styles[Bad] = th.styles[Bad].Foreground(lipgloss.Red)
		th.styles[Accent] = th.styles[Accent].Foreground(lipgloss.Cyan)
		th.styles[Frame] = th.styles[Frame].Foreground(lipgloss.Blue)
	}
	return th
}

// env is a variable of an environment in the form of os.Environ; the last one counts.
func env(environ []string, name string) string {
	value := ""
	for _, pair := range environ {
		if v, ok := strings.CutPrefix(pair, name+"="); ok {
			value = v
		}
	}
	return value
}

// colours says whether nobody asked for none: NO_COLOR counts with any value but an empty one.
func colours(environ []string) bool {
	return env(environ, "NO_COLOR") == "" && env(environ, "CLICOLOR") != "0"
}

// utf8Locale says whether the terminal shows more than ASCII: not the Linux console, whose fonts lack most signs.
func utf8Locale(environ []string) bool {
	if env(environ, "TERM") == "linux" {
		return false
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := env(environ, name); v != "" {
			v = strings.ToLower(strings.ReplaceAll(v, "-", ""))
			return strings.Contains(v, "utf8")
		}
	}
	return false
}
