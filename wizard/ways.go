package wizard

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"postern/site"
	"postern/steps"
	"postern/wizard/draw"
)

// waysPage lists the ways to a host when SSH from here does not lead there: to run the program on it, to go through the
// other one, or what to type on its console.
type waysPage struct {
	*shell
	host   string // the one it is about, "" for all
	picked int
}

func newWays(w *shell, host string) page { return &waysPage{shell: w, host: host} }

// way is one way in, and what taking it does.
type way struct {
	head string
	text string
	take func() tea.Cmd
}

// ways are those of every host that the page is about, and how each answers.
func (p *waysPage) ways() []way {
	var list []way
	for _, h := range p.file.Site.Hosts {
		if p.host == "" || p.host == h.Name {
			list = append(list, p.waysTo(h)...)
		}
	}
	return list
}

func (p *waysPage) waysTo(h *site.Host) []way {
	s := p.file.Site
	at := "host." + h.Name
	list := []way{{h.Name + ": another SSH destination", "Another user, port or alias of your ssh_config. Now: " + orNone(h.SSH),
		func() tea.Cmd { return open(newAsk(p.shell, p.chapters[0].step.ID, at+".ssh")) }}}
	if !h.Local {
		list = append(list, way{h.Name + ": this machine is it",
			"postern runs on it and needs no SSH to it. To do that, copy the program and " + p.file.Path + " there, and start it there as root.",
			func() tea.Cmd { return p.set(at+".local", "true") }})
	} else {
		list = append(list, way{h.Name + ": this machine is not it", "It is reached by SSH again.",
			func() tea.Cmd { return p.set(at+".local", "false") }})
	}
	if proxies := s.HostsOf(site.Proxy); h.Role == site.Mail && len(proxies) > 0 && h.Jump == "" {
		inside := within(h.SSH, s.TunnelAddress(h).String())
		list = append(list, way{h.Name + ": through " + proxies[0].Name + ", inside the tunnel",
			fmt.Sprintf("Once chapter 3 is in place: SSH to %s by way of %s. It works from anywhere, also when the home network lets nobody in.", inside, proxies[0].Name),
			func() tea.Cmd { return p.set(at+".ssh", inside, at+".jump", proxies[0].Name) }})
	}
	if h.Jump != "" {
		list = append(list, way{h.Name + ": directly", "Not through " + h.Jump + " any more.",
			func() tea.Cmd { return p.set(at+".jump", "") }})
	}
	return append(list, way{h.Name + ": its console", "What to type at its own screen when nothing else gets in.",
		func() tea.Cmd { return open(&textPage{title: "console of " + h.Name, text: p.console(h)}) }})
}

// console is what to type on a host's own console.
func (p *waysPage) console(h *site.Host) string {
	return steps.WayBack(p.site(), h) + "\n\nThen, to let SSH in again and see that it runs:\n" +
		"  systemctl enable --now ssh\n  ip -brief address\n" +
		"      shows the addresses to give as the SSH destination in chapter 1\n\nEverything else is put right by this program: open the chapter again."
}

// within is an SSH destination of the same user, at another address.
func within(ssh, address string) string {
	rest := strings.TrimPrefix(ssh, "ssh://")
	if user, _, found := strings.Cut(rest, "@"); found {
		return user + "@" + address
	}
	return "root@" + address
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// set gives answers, pairs of key and value, and looks again.
func (p *waysPage) set(pairs ...string) tea.Cmd {
	for i := 0; i+1 < len(pairs); i += 2 {
		if err := p.answer(pairs[i], pairs[i+1]); err != nil {
			return note(err.Error())
		}
	}
	if !p.enough() {
		return tea.Batch(note("kept; chapter 1 asks for the rest"), chapterOf(p.chapters[0].step.ID))
	}
	p.push(newTrouble(p.shell, nil))
	return tea.Batch(note("kept; looking at the hosts this way"), p.do(look))
}

func (p *waysPage) Update(m tea.Msg) (page, tea.Cmd) {
	k, ok := m.(tea.KeyPressMsg)
	if !ok {
		return p, nil
	}
	list := p.ways()
	switch k.String() {
	case "up", "k", "shift+tab":
		p.picked = max(0, p.picked-1)
	case "down", "j", "tab":
		p.picked = min(len(list)-1, p.picked+1)
	case "enter":
		return p, list[min(p.picked, len(list)-1)].take()
	}
	return p, nil
}

func (p *waysPage) View(width, height int) view {
	v := view{title: "ways in", keys: []key{{"enter", "take it"}, {"up/down", "choose"}}, help: waysHelp}
	list := p.ways()
	for i, way := range list {
		if i == p.picked {
			v.focus = len(v.lines)
		}
		v.lines = append(v.lines, draw.Pick(draw.Say(draw.Plain, "%s", way.head), i == p.picked))
	}
	if p.picked < len(list) {
		v.pinned = append([]draw.Line{{}}, draw.Inset(draw.Plain, list[p.picked].text, width)...)
	}
	return v
}

const waysHelp = `How a host is reached when SSH from this machine does not lead there.
Nothing is changed on a host by choosing a way: it is an answer like any other, kept in the file, and the hosts are looked at again.
The console is the last way: a host takes an unconfirmed change back by itself, so it is hardly ever needed.`

// textPage shows text to read.
type textPage struct{ title, text string }

func (p *textPage) Update(m tea.Msg) (page, tea.Cmd) {
	if k, ok := m.(tea.KeyPressMsg); ok && k.String() == "y" {
		return p, tea.Batch(tea.SetClipboard(p.text), note("copied, where the terminal allows it"))
	}
	return p, nil
}

func (p *textPage) View(width, height int) view {
	return view{title: p.title, lines: draw.Inset(draw.Plain, p.text, width), keys: []key{{"y", "copy"}}, help: "Text to read, or to type elsewhere."}
}
