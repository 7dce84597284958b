package wizard

import (
	"cmp"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"postern/remote"
	"postern/report"
	"postern/site"
	"postern/steps"
	"postern/wizard/draw"
)

// waysPage lists the ways to a host when SSH from here does not lead there: to run the program on it, to go through the
// other one, or what to type on its console.
type waysPage struct {
	*board
	host string // the one it is about, "" for all
	menu draw.Split
}

// way is one way in, and what taking it does.
type way struct {
	head string
	text string
	take func() tea.Msg
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
	list := []way{{h.Name + ": another SSH destination", "Another user, port or alias of your ssh_config. Now: " + cmp.Or(h.SSH, "none"),
		func() tea.Msg { return openMsg{newAsk(p.board, p.chapters[0].step.ID, at+".ssh")} }}}
	if !h.Local {
		list = append(list, way{h.Name + ": this machine is it",
			"postern runs on it and needs no SSH to it. To do that, copy the program and " + p.file.Path + " there, and start it there as root.",
			p.set(at+".local", "true")})
	} else {
		list = append(list, way{h.Name + ": this machine is not it", "It is reached by SSH again.", p.set(at+".local", "false")})
	}
	if proxies := s.HostsOf(site.Proxy); h.Role == site.Mail && len(proxies) > 0 && h.Jump == "" {
		inside := within(h.SSH, s.TunnelAddress(h).String())
		list = append(list, way{h.Name + ": through " + proxies[0].Name + ", inside the tunnel",
			fmt.Sprintf("Once chapter 3 is in place: SSH to %s by way of %s. It works from anywhere, also when the home network lets nobody in.", inside, proxies[0].Name),
			p.set(at+".ssh", inside, at+".jump", proxies[0].Name)})
	}
	if h.Jump != "" {
		list = append(list, way{h.Name + ": directly", "Not through " + h.Jump + " any more.", p.set(at+".jump", "")})
	}
	return append(list, way{h.Name + ": its console", "What to type at its own screen when nothing else gets in.",
		func() tea.Msg {
			return readMsg{title: "console of " + h.Name, text: []report.Line{{Text: p.console(h), Prose: true}}}
		}})
}

// console is what to type on a host's own console.
func (p *waysPage) console(h *site.Host) string {
	ssh := "  systemctl enable --now ssh\n  ip -brief address\n"
	if h.BSD() {
		ssh = "  sysrc sshd_enable=YES\n  service sshd start\n  ifconfig\n"
	}
	return steps.WayBack(p.site(), h) + "\n\nThen, to let SSH in again and see that it runs:\n" + ssh +
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

// set has answers kept, pairs of key and value, and the hosts looked at again.
func (p *waysPage) set(pairs ...string) func() tea.Msg {
	var answers [][2]string
	for i := 0; i+1 < len(pairs); i += 2 {
		answers = append(answers, [2]string{pairs[i], pairs[i+1]})
	}
	then := func(err error) tea.Msg {
		switch {
		case err != nil:
			return noteMsg(p.titles(remote.Words(err)))
		case !p.enough():
			return all{chapterMsg{step: p.chapters[0].step.ID}, noteMsg("kept; chapter 1 asks for the rest")}
		}
		return all{openMsg{newTrouble(p.board, nil)}, noteMsg("kept; looking at the hosts this way"), job{verb: look}}
	}
	return func() tea.Msg { return answerMsg{answers, then} }
}

// Update takes keys.
func (p *waysPage) Update(m tea.Msg) tea.Msg {
	list := p.ways()
	if k, ok := m.(tea.KeyPressMsg); ok && !p.menu.Key(k.String(), len(list)) && k.String() == "enter" {
		return list[min(p.menu.Picked, len(list)-1)].take()
	}
	return nil
}

// View lists the ways, and says of the chosen one what it means.
func (p *waysPage) View(width, height int) view {
	v := view{title: "ways in", keys: []key{{"enter", "take it"}, {"up/down", "choose"}}, help: waysHelp}
	list := p.ways()
	var rows []draw.Line
	for _, way := range list {
		rows = append(rows, draw.Say(draw.Plain, "%s", way.head))
	}
	v.list(rows, p.menu.Picked)
	if p.menu.Picked < len(list) {
		v.pinned = append([]draw.Line{{}}, draw.Inset(draw.Plain, list[p.menu.Picked].text, width)...)
	}
	return v
}

const waysHelp = `How a host is reached when SSH from this machine does not lead there.
Nothing is changed on a host by choosing a way: it is an answer like any other, kept in the file, and the hosts are looked at again.
The console is the last way: a host takes an unconfirmed change back by itself, so it is hardly ever needed.`
