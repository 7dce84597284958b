package wizard

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"postern/remote"
	"postern/wizard/draw"
)

// promptPage puts one question of a connection over whatever page there is. What is typed into a masked one is handed on,
// and kept nowhere here.
type promptPage struct {
	promptMsg
	shell *shell
	layer *layer
	input *draw.Editor
	wrong string
}

func newPrompt(w *shell, m promptMsg) *promptPage {
	p := &promptPage{promptMsg: m, shell: w, layer: &layer{}, input: draw.NewEditor(w.theme, "", nil, masked(m.prompt))}
	if w.tried[question(m.prompt)] {
		p.wrong = "[!] The last answer was not taken. Try again."
	}
	return p
}

// question tells one prompt from another.
func question(p remote.Prompt) string { return string(p.Kind) + " " + p.Host + " " + p.Text.String() }

// masked says whether the answer is a secret.
func masked(p remote.Prompt) bool {
	return p.Kind != remote.HostKey && !(p.Kind == remote.Challenge && p.Echo)
}

// asked is what is asked for, in words.
func asked(p remote.Prompt) string {
	text := strings.TrimSpace(p.Text.String())
	switch p.Kind {
	case remote.Passphrase:
		return fmt.Sprintf("passphrase of the key %s, for %s", text, p.Host)
	case remote.Sudo:
		return "sudo password on " + p.Host
	case remote.Password:
		return "login password on " + p.Host
	}
	return p.Host + " asks: " + text
}

// Update takes keys and pastes; enter answers, esc does not.
func (p *promptPage) Update(m tea.Msg) (page, tea.Cmd) {
	switch k := m.(type) {
	case tea.PasteMsg:
		text, _ := draw.Pasted(k.Content)
		p.input.Update(tea.PasteMsg{Content: text})
	case tea.KeyPressMsg:
		switch k.String() {
		case "esc":
			p.close("", fmt.Errorf("%w: the question was closed", remote.ErrNoAnswer))
		case "enter":
			p.enter()
		default:
			p.wrong = ""
			p.input.Update(m)
		}
	}
	return p, nil
}

func (p *promptPage) enter() {
	if p.prompt.Kind != remote.HostKey {
		p.close(p.input.Value, nil)
		return
	}
	switch typed := strings.ToLower(strings.TrimSpace(p.input.Value)); typed {
	case "yes":
		p.close("yes", nil)
	case "no":
		p.close("no", nil)
	default:
		p.wrong = "Type the whole word yes, or no. esc closes the question without an answer."
	}
}

// close answers and goes away.
func (p *promptPage) close(text string, err error) {
	p.answer(text, err)
	if err == nil && masked(p.prompt) {
		p.shell.tried[question(p.prompt)] = true
	}
	p.input.Set("")
	if len(p.shell.prompts) > 0 && p.shell.prompts[0] == p {
		p.shell.prompts = p.shell.prompts[1:]
	}
}

// View asks, with what helps to answer.
func (p *promptPage) View(width, height int) view {
	v := view{title: p.title(), typing: true, keys: []key{{"enter", "answer"}}, help: promptHelp}
	for _, text := range p.words() {
		v.lines = append(v.lines, draw.Prose(draw.Plain, text, width-1)...)
	}
	v.lines = append(v.lines, draw.Line{}, draw.Row(draw.Text(draw.Strong, "> "), p.input.Draw(width-4)))
	v.focus = len(v.lines) - 1
	if p.wrong != "" {
		v.pinned = draw.Prose(draw.Bad, p.wrong, width-1)
	}
	return v
}

func (p *promptPage) title() string {
	if p.prompt.Kind == remote.HostKey {
		return "a new host key"
	}
	return p.prompt.Host + " asks"
}

func (p *promptPage) words() []string {
	text := strings.TrimSpace(p.prompt.Text.String())
	host := p.prompt.Host
	switch p.prompt.Kind {
	case remote.HostKey:
		return []string{
			host + " shows a host key that was not seen before:", "",
			"  " + strings.ReplaceAll(text, " SHA256:", "\n  SHA256:"), "",
			"Compare it with what this prints on the host's own console (the provider's panel has one):",
			"  ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub", "",
			"If it is another one, somebody may be in between: answer no. Type yes if it is the same:",
		}
	}
	if masked(p.prompt) {
		return []string{asked(p.prompt), "", masking}
	}
	return []string{asked(p.prompt)}
}

const masking = "It is kept in memory for this run only: in no file, in no log, in no command line."

const promptHelp = `A host asks something that only you know, while it is being connected to.
A host key is asked once and then kept in your known_hosts, as ssh does. Passwords and passphrases are kept in memory until the program ends, because a changed firewall is proven over a new login.
esc closes the question without an answer: the host is then not connected to.`
