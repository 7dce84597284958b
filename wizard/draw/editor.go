package draw

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/huh/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// Editor is one field being typed or chosen: a huh form of one group, or a select of huh, of which only the lines that matter are
// drawn. It is built anew whenever its width changes, because forms only ever shrink. Where it starts with a value, the cursor stands behind it; only a
// paste onto one that nobody has touched takes its place.
type Editor struct {
	theme   *Theme
	form    *huh.Form
	list    *huh.Select[string] // where there are Choices
	Value   string
	Choices []string
	secret  bool
	yes     bool // what is chosen of yes and no
	touched bool
	width   int
}

// yesNo are the choices of a question that is answered with yes or no.
var yesNo = []string{"false", "true"}

// NewEditor begins with a value; with choices it is one of these, and a secret is not shown.
func NewEditor(th *Theme, value string, choices []string, secret bool) *Editor {
	if len(choices) > 0 && !slices.Contains(choices, value) {
		choices = append([]string{value}, choices...)
	}
	e := &Editor{theme: th, Value: value, Choices: choices, secret: secret}
	e.build(40)
	return e
}

// Lists says whether it is a list to choose from, in which up and down move.
func (e *Editor) Lists() bool { return len(e.Choices) > 0 && !slices.Equal(e.Choices, yesNo) }

// inSight is how many choices are in sight.
const inSight = 6

// build makes the form for a width. The value is ours and outlives it.
func (e *Editor) build(width int) {
	var field huh.Field
	keys := huh.NewDefaultKeyMap()
	keys.Quit.SetEnabled(false)
	theme := huh.ThemeFunc(func(bool) *huh.Styles { return e.theme.form() })
	switch {
	case e.Lists():
		var options []huh.Option[string]
		for _, c := range e.Choices {
			options = append(options, huh.NewOption(Choice(c), c))
		}
		height := min(len(options), inSight) + 1
		e.list = huh.NewSelect[string]().Title("-").Options(options...).Height(height).Value(&e.Value)
		e.list.WithTheme(theme).WithKeyMap(keys).WithWidth(width)
		e.list.Focus()
		e.list.Update(tea.KeyPressMsg{Code: '/', Text: "/"}) // searched from the first letter on
		e.width = width
		return
	case e.Choices != nil:
		e.yes = e.Value == "true"
		field = huh.NewConfirm().Affirmative("yes").Negative("no").Inline(true).Value(&e.yes)
	default:
		input := huh.NewInput().Inline(true).Prompt("").Value(&e.Value)
		if e.secret {
			input = input.EchoMode(huh.EchoModePassword)
		}
		field = input
	}
	e.form = huh.NewForm(huh.NewGroup(field)).WithShowErrors(false).WithShowHelp(false).
		WithTheme(theme).WithKeyMap(keys).WithWidth(width).WithHeight(1)
	e.form.Init() // its commands would only blink, and ask for the window's size, which is not the form's
	e.width = width
}

// Choice is a choice as it is shown.
func Choice(value string) string {
	return cmp.Or(map[string]string{"": "(leave it empty)", "true": "yes", "false": "no"}[value], value)
}

// Update takes a key or a paste. What leads away from the field never comes here.
func (e *Editor) Update(m tea.Msg) {
	switch k := m.(type) {
	case tea.KeyPressMsg:
		press := k.String()
		switch {
		case slices.Contains([]string{"enter", "tab", "shift+tab"}, press):
			return
		case e.Choices != nil && !e.Lists() && strings.Contains("yYnN", press): // the form would end with them
			e.Set(strconv.FormatBool(strings.EqualFold(press, "y")))
			return
		}
	case tea.PasteMsg:
		if !e.touched && e.Choices == nil {
			e.Set("")
		}
	}
	e.touched = true
	if e.Lists() {
		e.list.Update(m)
		if at, ok := e.list.Hovered(); ok {
			e.Value = at
		} else { // nothing is like it: the field says whether it will do
			e.Value = e.searched()
		}
		return
	}
	next, _ := e.form.Update(m)
	e.form = next.(*huh.Form)
	if e.Choices != nil {
		e.Value = strconv.FormatBool(e.yes)
	}
}

// Set replaces the value.
func (e *Editor) Set(value string) {
	e.Value = value
	e.build(e.width)
}

// Draw is the field as wide as that, with its cursor: of a list what is chosen, and what it is searched for.
func (e *Editor) Draw(width int) Span {
	if e.Lists() && e.searched() == "" {
		return Text(Chosen, Choice(e.Value))
	}
	return Text(Widget, strings.TrimRight(e.lines(width)[0], " "))
}

// searched is what a list is searched for.
func (e *Editor) searched() string {
	return strings.TrimPrefix(strings.TrimSpace(ansi.Strip(e.lines(0)[0])), "/")
}

// Options are the rows of a list below its field; none for a field that is typed.
func (e *Editor) Options() []Line {
	var rows []Line
	if !e.Lists() {
		return nil
	}
	for _, l := range e.lines(0)[1:] {
		if l = strings.TrimRight(l, " "); strings.TrimSpace(ansi.Strip(l)) != "" {
			rows = append(rows, Row(Text(Widget, l)))
		}
	}
	return rows
}

// lines is what the form, or the list, draws.
func (e *Editor) lines(width int) []string {
	if e.Lists() { // as wide as it was made: built anew, it would forget what is searched
		return strings.Split(e.list.View(), "\n")
	}
	if width = max(4, width); width != e.width {
		e.build(width)
	}
	return strings.Split(e.form.View(), "\n")
}

// form is how huh draws: no colours but ours, no bars, no marks outside ASCII.
func (th *Theme) form() *huh.Styles {
	s := huh.ThemeBase(true)
	none := lipgloss.NewStyle()
	for _, f := range []*huh.FieldStyles{&s.Focused, &s.Blurred} {
		f.Base, f.Title, f.Description = none, none, none
		f.SelectedOption, f.UnselectedOption, f.Option = none.Reverse(true), none, none
		f.SelectSelector = none.SetString("> ")
		f.FocusedButton, f.BlurredButton = none.Reverse(true).Padding(0, 1), none.Padding(0, 1)
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
