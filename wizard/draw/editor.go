package draw

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/huh/v2"
	"charm.land/lipgloss/v2"
)

// Editor is one field being typed: a huh form of one group, of which only the one line that is edited is drawn. It is built
// anew whenever its width changes, because forms only ever shrink. Where it starts with a value, the first letter typed
// replaces that, as in any form; an arrow key edits it instead.
type Editor struct {
	theme   *Theme
	form    *huh.Form
	Value   string
	Choices []string
	secret  bool
	Fresh   bool
	width   int
}

// NewEditor begins with a value; with choices it is one of these, and a secret is not shown.
func NewEditor(th *Theme, value string, choices []string, secret bool) *Editor {
	if len(choices) > 0 && !slices.Contains(choices, value) {
		choices = append([]string{value}, choices...)
	}
	e := &Editor{theme: th, Value: value, Choices: choices, secret: secret, Fresh: value != ""}
	e.build(40)
	return e
}

// build makes the form for a width. The value is ours and outlives it.
func (e *Editor) build(width int) {
	var field huh.Field
	if len(e.Choices) > 0 {
		var options []huh.Option[string]
		for _, c := range e.Choices {
			text := c
			if text == "" {
				text = "(find out)"
			}
			options = append(options, huh.NewOption(text, c))
		}
		field = huh.NewSelect[string]().Options(options...).Inline(true).Value(&e.Value)
	} else {
		input := huh.NewInput().Inline(true).Prompt("").Value(&e.Value)
		if e.secret {
			input = input.EchoMode(huh.EchoModePassword)
		}
		field = input
	}
	keys := huh.NewDefaultKeyMap()
	keys.Quit.SetEnabled(false)
	e.form = huh.NewForm(huh.NewGroup(field)).WithShowErrors(false).WithShowHelp(false).
		WithTheme(huh.ThemeFunc(func(bool) *huh.Styles { return e.theme.form() })).WithKeyMap(keys).WithWidth(width).WithHeight(1)
	e.form.Init() // its commands would only blink, and ask for the window's size, which is not the form's
	e.width = width
}

// Update takes a key or a paste. What leads away from the field never comes here.
func (e *Editor) Update(m tea.Msg) {
	switch k := m.(type) {
	case tea.KeyPressMsg:
		if e.Fresh && e.Choices == nil && (k.Text != "" || k.String() == "backspace") {
			e.Set("")
		}
		if slices.Contains([]string{"enter", "tab", "shift+tab"}, k.String()) {
			return
		}
	case tea.PasteMsg:
		if e.Fresh {
			e.Set("")
		}
	}
	e.Fresh = false
	next, _ := e.form.Update(m)
	e.form = next.(*huh.Form)
}

// Set replaces the value.
func (e *Editor) Set(value string) {
	e.Value = value
	e.build(e.width)
}

// Draw is the field as wide as that, with its cursor.
func (e *Editor) Draw(width int) Span {
	if width = max(4, width); width != e.width {
		e.build(width)
	}
	if e.Fresh && e.Choices == nil {
		shown := e.Value
		if e.secret {
			shown = strings.Repeat("*", len(shown))
		}
		return Text(Chosen, shown)
	}
	first, _, _ := strings.Cut(e.form.View(), "\n")
	return Text(Widget, strings.TrimRight(first, " "))
}

// form is how huh draws: no colours but ours, no bars, no marks outside ASCII.
func (th *Theme) form() *huh.Styles {
	s := huh.ThemeBase(true)
	none := lipgloss.NewStyle()
	for _, f := range []*huh.FieldStyles{&s.Focused, &s.Blurred} {
		f.Base, f.Title, f.Description = none, none, none
		f.SelectedOption, f.Option = none.Reverse(true), none
		f.PrevIndicator, f.NextIndicator = none.SetString("< "), none.SetString(" >")
		f.TextInput = huh.TextInputStyles{Cursor: none, CursorText: none, Placeholder: none, Prompt: none, Text: none}
	}
	s.Form.Base, s.Group.Base = none, none
	return s
}

// Pasted is what a paste puts into one field: the first line that says anything, trimmed; more says that there was more.
func Pasted(text string) (first string, more bool) {
	for part := range strings.SplitSeq(strings.ReplaceAll(text, "\r", "\n"), "\n") {
		part = strings.TrimSpace(Readable(part))
		switch {
		case part == "":
		case first == "":
			first = part
		default:
			more = true
		}
	}
	return first, more
}
