package wizard

import (
	"strings"

	"charm.land/lipgloss/v2"

	"postern/checks"
)

// style is what a piece of text means. No meaning is told by colour alone: words and marks stand beside it.
type style uint8

// The styles: the terminal's own foreground, bold, reverse, and colours 1 to 6 only.
const (
	plain  style = iota
	strong       // headings, what counts
	good         // ok, added lines
	amber        // warnings
	bad          // failures, removed lines
	accent       // where something is, such as an address in the picture
	chosen       // the selected row, beside its ">"
	drawn        // made by a widget of ours out of clean text; only its colours pass the gate
)

// theme turns styles into what a terminal understands.
type theme struct {
	styles [drawn + 1]lipgloss.Style
	ascii  bool
	colour bool
}

func newTheme(o Options) *theme {
	th := &theme{ascii: o.ASCII || !utf8Locale(o.Environ), colour: !o.NoColor && colours(o.Environ)}
	for i := range th.styles {
		th.styles[i] = lipgloss.NewStyle()
	}
	th.styles[strong] = th.styles[strong].Bold(true)
	th.styles[bad] = th.styles[bad].Bold(true)
	th.styles[chosen] = th.styles[chosen].Reverse(true)
	if th.colour {
		th.styles[good] = th.styles[good].Foreground(lipgloss.Green)
		th.styles[amber] = th.styles[amber].Foreground(lipgloss.Yellow)
		th.styles[bad] = th.styles[bad].Foreground(lipgloss.Red)
		th.styles[accent] = th.styles[accent].Foreground(lipgloss.Cyan)
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

// word is an outcome as people read it, with its style.
func word(o checks.Outcome) span {
	switch o {
	case checks.OK:
		return span{good, "[ok]"}
	case checks.Warn:
		return span{amber, "[warn]"}
	case checks.Fail:
		return span{bad, "[FAIL]"}
	case checks.Unknown:
		return span{amber, "[unknown]"}
	}
	return span{plain, "[skip]"}
}
