package wizard

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"postern/remote"
	"postern/report"
	"postern/wizard/draw"
)

// promptPage puts one question of a connection over whatever page there is. What is typed into a masked one is handed on,
// and kept nowhere here.
type promptPage struct {
	promptMsg
	layer *layer
	input *draw.Editor
	wrong string
}

func newPrompt(b *board, m promptMsg) *promptPage {
	p := &promptPage{promptMsg: m, layer: &layer{}, input: draw.NewEditor(b.theme, "", nil, report.Masked(m.prompt))}
	if refused := report.Refused(m.prompt); refused != "" {
		p.wrong = "[!] " + refused
	}
	return p
}

// Update takes keys and pastes; enter answers, esc does not.
func (p *promptPage) Update(m tea.Msg) tea.Msg {
	switch k := m.(type) {
	case tea.PasteMsg:
		text, _ := draw.Pasted(k.Content)
		p.input.Update(tea.PasteMsg{Content: text})
	case tea.KeyPressMsg:
		switch k.String() {
		case "esc":
			return p.close("", fmt.Errorf("%w: the question was closed", remote.ErrNoAnswer))
		case "enter":
			return p.enter()
		default:
			p.wrong = ""
			p.input.Update(m)
		}
	}
	return nil
}

func (p *promptPage) enter() tea.Msg {
	if p.prompt.Kind != remote.HostKey {
		return p.close(p.input.Value, nil)
	}
	switch typed := strings.ToLower(strings.TrimSpace(p.input.Value)); typed {
	case "yes", "no":
		return p.close(typed, nil)
	}
	p.wrong = "Type the whole word yes, or no. esc closes the question without an answer."
	return nil
}

// close answers, and has the page taken away.
func (p *promptPage) close(text string, err error) tea.Msg {
	p.answer(text, err)
	p.input.Set("")
	return closedMsg{p}
}

// View asks, with what helps to answer.
func (p *promptPage) View(width, height int) view {
	v := view{title: when(p.prompt.Kind == remote.HostKey, "a new host key", p.prompt.Host+" asks"), typing: true, keys: []key{{"enter", "answer"}}, help: promptHelp}
	for _, text := range p.asks() {
		v.lines = append(v.lines, draw.Prose(draw.Plain, text, width-1)...)
	}
	v.lines = append(v.lines, draw.Line{}, draw.Row(draw.Text(draw.Strong, "> "), p.input.Draw(width-4)))
	v.focus = len(v.lines) - 1
	if p.wrong != "" {
		v.pinned = draw.Prose(draw.Bad, p.wrong, width-1)
	}
	return v
}

func (p *promptPage) asks() []string {
	switch {
	case p.prompt.Kind == remote.HostKey:
		return append(report.HostKey(p.prompt), "", "If it is another one, somebody may be in between: answer no. Type yes if it is the same:")
	case p.prompt.Kind == remote.Handed:
		return []string{report.Asked(p.prompt), "", "It goes to " + p.prompt.Host + " alone, into a file there: it is in no file here, in no log, in no command line."}
	case report.Masked(p.prompt):
		return []string{report.Asked(p.prompt), "", masking}
	}
	return []string{report.Asked(p.prompt)}
}

const masking = "It is kept in memory for this run only: in no file, in no log, in no command line."

const promptHelp = `A host asks something that only you know, while it is being connected to.
A host key is asked once and then kept in your known_hosts, as ssh does. Passwords and passphrases are kept in memory until the program ends, because a changed firewall is proven over a new login.
esc closes the question without an answer: the host is then not connected to.`
