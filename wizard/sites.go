package wizard

import (
	"cmp"
	"context"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"postern/remote"
	"postern/site"
	"postern/wizard/draw"
)

// sitesPage lists the sites whose answers are kept on this machine.
type sitesPage struct {
	*board
	known   []Known
	loaded  bool
	menu    draw.Split
	asking  string // new, adopt, rename or forget while one is asked about; "" else
	input   *draw.Editor
	wrong   string
	waiting bool // a host is being asked for its answers
}

// sitesMsg is the list, as it was read.
type sitesMsg struct {
	known []Known
	err   error
}

func newSites(b *board) *sitesPage { return &sitesPage{board: b} }

// openSites opens the list of sites, and has it read.
func openSites(b *board) tea.Msg {
	s := newSites(b)
	return all{openMsg{s}, s.load()}
}

// load reads the list beside the screen, after something was done.
func (p *sitesPage) load(first ...func() error) tea.Msg {
	list := p.o.Sites.List
	return tea.Cmd(func() tea.Msg {
		var m sitesMsg
		for _, do := range first {
			m.err = do()
		}
		if list != nil {
			var err error
			m.known, err = list()
			m.err = cmp.Or(m.err, err)
		}
		return m
	})
}

// opened opens a site beside the screen.
func opened(open func() (*site.File, error)) tea.Msg {
	return tea.Cmd(func() tea.Msg {
		f, err := open()
		return openedMsg{f, err}
	})
}

// Update takes the list, and keys.
func (p *sitesPage) Update(m tea.Msg) tea.Msg {
	switch m := m.(type) {
	case sitesMsg:
		p.known, p.loaded, p.waiting = m.known, true, false
		p.menu.Pick(p.menu.Picked, len(p.known))
		if m.err != nil {
			p.wrong = remote.Words(m.err)
		}
	case openedMsg:
		p.waiting = false
	case tea.PasteMsg:
		if p.input != nil {
			text, _ := draw.Pasted(m.Content)
			p.input.Update(tea.PasteMsg{Content: text})
		}
	case tea.KeyPressMsg:
		if p.input != nil {
			return p.typed(m)
		}
		if p.wrong = ""; p.menu.Key(m.String(), len(p.known)) {
			return nil
		}
		return pressed(p.choices(), m.String())
	}
	return nil
}

// choices are what can be done in the list.
func (p *sitesPage) choices() []choice {
	o, some := p.o.Sites, p.menu.Picked < len(p.known)
	var list []choice
	for _, one := range []struct {
		press, does string
		offered     bool
	}{{"enter", "open", true}, {"n", "new", o.New != nil}, {"a", "adopt", o.Adopt != nil}, {"r", "rename", o.Rename != nil && some}, {"f", "forget", o.Forget != nil && some}} {
		if one.offered {
			list = append(list, choice{key{one.press, one.does}, func() tea.Msg { return p.begin(one.does) }})
		}
	}
	return list
}

// begin opens the chosen site, or asks what is to be asked before something is done.
func (p *sitesPage) begin(what string) tea.Msg {
	before := ""
	switch {
	case what == "open" && p.menu.Picked < len(p.known) && p.o.Sites.Open != nil:
		path := p.known[p.menu.Picked].Path
		return opened(func() (*site.File, error) { return p.o.Sites.Open(path) })
	case what == "open" && len(p.known) > 0:
		return noteMsg("opening is not possible here")
	case what == "open":
		what = "new"
	case what == "rename":
		before = p.known[p.menu.Picked].Name
	}
	p.asking, p.wrong = what, ""
	p.input = draw.NewEditor(p.theme, before, nil, false)
	return nil
}

// questions are what is asked before something is done.
var questions = map[string]string{
	"new":    "A name for the new site, such as home:",
	"adopt":  "A host that was set up before, user@host; its answers are taken from it, and nothing is changed there:",
	"rename": "The new name:",
	"forget": "The answers file is removed; the hosts stay as they are, and 'adopt' brings the answers back from them. Type yes:",
}

func (p *sitesPage) typed(k tea.KeyPressMsg) tea.Msg {
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
func (p *sitesPage) decide(text string) tea.Msg {
	what, o := p.asking, p.o.Sites
	if text == "" || what == "forget" && text != "yes" {
		p.wrong = questions[what]
		return nil
	}
	p.input, p.asking = nil, ""
	switch what {
	case "new":
		return opened(func() (*site.File, error) { return o.New(text) })
	case "adopt":
		p.waiting = true
		return adoptMsg{func(ctx context.Context, ask Asker) (*site.File, error) { return o.Adopt(ctx, text, "", ask) }}
	}
	path := p.known[p.menu.Picked].Path
	return p.load(func() error {
		if what == "forget" {
			return o.Forget(path)
		}
		_, err := o.Rename(path, text)
		return err
	})
}

// View lists them, and asks what is to be asked.
func (p *sitesPage) View(width, height int) view {
	v := view{title: "sites", typing: p.input != nil, holds: p.input != nil, help: sitesHelp}
	switch {
	case !p.loaded:
		v.add(draw.Say(draw.Plain, " reading the list of sites"))
	case len(p.known) == 0:
		v.add(draw.Prose(draw.Plain, " There is no site yet. enter begins a new one; a takes the answers of a host that was set up before.", width-1)...)
	}
	names := max(12, min(24, width/3))
	var rows []draw.Line
	for _, k := range p.known {
		rows = append(rows, draw.Say(draw.Plain, "%s", draw.Pad(draw.Middle(k.Name, names), names)+" "+draw.Middle(k.Says, width-names-4)))
	}
	v.list(rows, p.menu.Picked)
	if at := p.menu.Picked; p.input == nil && at < len(p.known) {
		v.pinned = draw.Inset(draw.Plain, p.known[at].Path+"\n"+p.known[at].Says, width)
	}
	if p.waiting {
		v.add(draw.Line{}, draw.Say(draw.Plain, " asking the host for its answers ..."))
	}
	if p.input != nil {
		v.add(draw.Line{})
		v.add(draw.Inset(draw.Plain, questions[p.asking], width)...)
		v.add(draw.Row(draw.Text(draw.Strong, " > "), p.input.Draw(width-5)))
		v.focus = len(v.lines) - 1
		v.keys = []key{{"enter", "do it"}}
	} else {
		v.keys = keysOf(p.choices())
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
