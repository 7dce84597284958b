package wizard

import (
	"context"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"postern/wizard/draw"
)

// sitesPage lists the sites whose answers are kept on this machine.
type sitesPage struct {
	*shell
	known  []Known
	err    error
	loaded bool
	picked int
	asking string // new, adopt, rename or forget while one is asked about; "" else
	input  *draw.Editor
	wrong  string
	busy   bool // a host is being asked for its answers
}

// sitesMsg is the list, as it was read.
type sitesMsg struct {
	known []Known
	err   error
}

func newSites(w *shell) *sitesPage { return &sitesPage{shell: w} }

// load reads the list beside the screen.
func (p *sitesPage) load() tea.Cmd {
	list := p.o.Sites.List
	if list == nil {
		return func() tea.Msg { return sitesMsg{} }
	}
	return func() tea.Msg {
		known, err := list()
		return sitesMsg{known, err}
	}
}

func (p *sitesPage) Update(m tea.Msg) (page, tea.Cmd) {
	switch m := m.(type) {
	case sitesMsg:
		p.known, p.err, p.loaded, p.busy = m.known, m.err, true, false
		p.picked = max(0, min(p.picked, len(p.known)-1))
		if m.err != nil {
			p.wrong = m.err.Error()
		}
	case openedMsg:
		p.busy = false
	case tea.PasteMsg:
		if p.input != nil {
			text, _ := draw.Pasted(m.Content)
			p.input.Update(tea.PasteMsg{Content: text})
		}
	case tea.KeyPressMsg:
		if p.input != nil {
			return p, p.typed(m)
		}
		return p, p.press(m.String())
	}
	return p, nil
}

func (p *sitesPage) press(press string) tea.Cmd {
	p.wrong = ""
	switch press {
	case "up", "k", "shift+tab":
		p.picked = max(0, p.picked-1)
	case "down", "j", "tab":
		p.picked = max(0, min(len(p.known)-1, p.picked+1))
	case "enter":
		if p.picked < len(p.known) && p.o.Sites.Open != nil {
			open, path := p.o.Sites.Open, p.known[p.picked].Path
			return func() tea.Msg {
				f, err := open(path)
				return openedMsg{f, err}
			}
		}
		if len(p.known) == 0 {
			p.begin("new", "")
		}
	case "n", "a", "r", "f":
		what := map[string]string{"n": "new", "a": "adopt", "r": "rename", "f": "forget"}[press]
		if !p.offers(what) {
			return nil
		}
		before := ""
		if what == "rename" {
			before = p.known[p.picked].Name
		}
		p.begin(what, before)
	}
	return nil
}

// offers says whether something can be done.
func (p *sitesPage) offers(what string) bool {
	some := p.picked < len(p.known)
	switch what {
	case "new":
		return p.o.Sites.New != nil
	case "adopt":
		return p.o.Sites.Adopt != nil
	case "rename":
		return p.o.Sites.Rename != nil && some
	}
	return p.o.Sites.Forget != nil && some
}

func (p *sitesPage) begin(what, value string) {
	p.asking, p.wrong = what, ""
	p.input = draw.NewEditor(p.theme, value, nil, false)
}

// questions are what is asked before something is done.
var questions = map[string]string{
	"new":    "A name for the new site, such as home:",
	"adopt":  "A host that was set up before, user@host; its answers are taken from it, and nothing is changed there:",
	"rename": "The new name:",
	"forget": "The answers file is removed; the hosts stay as they are, and 'adopt' brings the answers back from them. Type yes:",
}

func (p *sitesPage) typed(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "esc":
		p.input, p.asking, p.wrong = nil, "", ""
		return nil
	case "enter":
		return p.decide(strings.TrimSpace(p.input.Value))
	}
	p.wrong = ""
	p.input.Update(k)
	return nil
}

// decide does what was asked about, beside the screen.
func (p *sitesPage) decide(text string) tea.Cmd {
	what, o := p.asking, p.o.Sites
	if text == "" || what == "forget" && text != "yes" {
		p.wrong = questions[what]
		return nil
	}
	p.input, p.asking = nil, ""
	switch what {
	case "new":
		return func() tea.Msg {
			f, err := o.New(text)
			return openedMsg{f, err}
		}
	case "adopt":
		p.busy = true
		ask := p.engine.ask
		return func() tea.Msg {
			f, err := o.Adopt(context.Background(), text, "", ask)
			return openedMsg{f, err}
		}
	}
	path := p.known[p.picked].Path
	return func() tea.Msg {
		var err error
		if what == "rename" {
			_, err = o.Rename(path, text)
		} else {
			err = o.Forget(path)
		}
		if err != nil {
			known, _ := o.List()
			return sitesMsg{known, err}
		}
		known, err := o.List()
		return sitesMsg{known, err}
	}
}

func (p *sitesPage) View(width, height int) view {
	v := view{title: "sites", typing: p.input != nil, holds: p.input != nil, help: sitesHelp}
	switch {
	case !p.loaded:
		v.lines = append(v.lines, draw.Say(draw.Plain, " reading the list of sites"))
	case len(p.known) == 0:
		v.lines = append(v.lines, draw.Prose(draw.Plain, " There is no site yet. enter begins a new one; a takes the answers of a host that was set up before.", width-1)...)
	}
	names := max(12, min(24, width/3))
	for i, k := range p.known {
		if i == p.picked {
			v.focus = len(v.lines)
		}
		v.lines = append(v.lines, draw.Pick(draw.Row(draw.Text(draw.Plain, draw.Pad(draw.Middle(k.Name, names), names)+" "), draw.Text(draw.Plain, draw.Middle(k.Says, width-names-4))), i == p.picked))
	}
	if p.input == nil && p.picked < len(p.known) {
		v.pinned = draw.Inset(draw.Plain, p.known[p.picked].Path+"\n"+p.known[p.picked].Says, width)
	}
	if p.busy {
		v.lines = append(v.lines, draw.Line{}, draw.Say(draw.Plain, " asking the host for its answers ..."))
	}
	if p.input != nil {
		v.lines = append(v.lines, draw.Line{})
		v.lines = append(v.lines, draw.Inset(draw.Plain, questions[p.asking], width)...)
		v.lines = append(v.lines, draw.Row(draw.Text(draw.Strong, " > "), p.input.Draw(width-5)))
		v.focus = len(v.lines) - 1
		v.keys = []key{{"enter", "do it"}}
	} else {
		for _, k := range []key{{"enter", "open"}, {"n", "new"}, {"a", "adopt"}, {"r", "rename"}, {"f", "forget"}} {
			if k.press == "enter" || p.offers(k.does) {
				v.keys = append(v.keys, k)
			}
		}
	}
	if p.wrong != "" {
		v.pinned = draw.Inset(draw.Bad, p.wrong, width)
	}
	return v
}

const sitesHelp = `Every site is one answers file. It holds no secret: passwords are asked for, and private keys never leave their hosts.
adopt takes the answers that lie on a host which was set up before, for a second laptop or a lost file. forget removes the file here and changes no host.`

// siteName is what a site's file is called without its ending.
func siteName(path string) string { return strings.TrimSuffix(filepath.Base(path), ".toml") }
