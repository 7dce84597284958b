package wizard

import (
	"context"
	"slices"

	tea "charm.land/bubbletea/v2"
)

// key is a key of the shell, or goes to what the operator looks at.
func (w *shell) key(m tea.KeyPressMsg) tea.Cmd {
	w.notice = ""
	press := m.String()
	if press == "ctrl+c" {
		return w.interrupt()
	}
	if w.small() {
		return nil
	}
	if w.helping != nil {
		if press == "esc" || press == "?" || press == "f1" || press == "enter" || press == "q" {
			w.helping = nil
			return nil
		}
		w.helping.scroll(press)
		return nil
	}
	seen := w.seen()
	typing := seen.typing
	switch {
	case press == "f1" || press == "?" && !typing:
		w.helping = &layer{page: newHelp(w, seen)}
		return nil
	case len(w.prompts) > 0:
		return w.toTop(m)
	case press == "esc":
		return w.escape(m)
	case !typing && len(press) == 1 && press >= "1" && press <= "9" && w.file != nil && !w.changing():
		if at := int(press[0] - '1'); at < len(w.chapters) {
			return chapterOf(w.chapters[at].step.ID)
		}
	case press == "pgup" || press == "pgdown":
		if w.top().most > 0 {
			w.top().scroll(press)
			return nil
		}
	}
	return w.toTop(m)
}

// changing says whether a job is at work that changes hosts, or asks whether to.
func (w *shell) changing() bool { return w.busy != nil && w.busy.changes() }

// touching says whether hosts are being changed now: what the job asked was agreed to, and it has not asked again.
func (w *shell) touching() bool { return w.changing() && w.agreed }

// asked follows what is answered to a proposal.
func (w *shell) asked(m proposalMsg) proposalMsg {
	w.agreed = false
	if answer := m.answer; answer != nil {
		m.answer = func(yes bool) {
			w.agreed = yes
			answer(yes)
		}
	}
	return m
}

// escape goes back, also from a page that is not filled in right. A page that must say something first, such as no, does
// so when it sees the key.
func (w *shell) escape(m tea.KeyPressMsg) tea.Cmd {
	if w.seen().holds {
		return w.toTop(m)
	}
	return w.pop()
}

// interrupt is ctrl+c: while hosts are being changed it first stops after the action at work; else it leaves.
func (w *shell) interrupt() tea.Cmd {
	if w.touching() && !w.stopping {
		w.halt()
		return nil
	}
	for _, p := range w.prompts {
		p.answer("", context.Canceled)
	}
	return tea.Quit
}

// halt stops the job at work after the action it is at.
func (w *shell) halt() {
	w.stopping = true
	w.engine.stop()
	w.notice = "stopping after this action; what is not confirmed is taken back. ctrl+c again: leave now"
}

// navigate moves between pages.
func (w *shell) navigate(m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case openMsg:
		w.moved = true
		w.push(m.page)
	case replaceMsg:
		w.top().page = m.page
		*w.top() = layer{page: m.page}
	case beginMsg:
		return tea.Batch(w.navigate(m.show), m.work)
	case backMsg:
		return w.pop()
	case leaveMsg:
		if w.top().page == m.page {
			return w.pop()
		}
		w.pages = slices.DeleteFunc(w.pages, func(l *layer) bool { return l.page == m.page })
	case chapterMsg:
		w.moved = true
		w.at = m.step
		w.pages = w.pages[:1]
		w.push(newExplain(w, m.step))
		if m.ask {
			w.push(newAsk(w, m.step, ""))
		}
	case nextMsg:
		return w.onward()
	case noteMsg:
		w.notice = m.text
	case openedMsg:
		if m.err != nil {
			w.notice = m.err.Error()
			return w.toAll(m)
		}
		w.use(m.file)
		return w.start()
	}
	return nil
}

// onward leads to the next chapter that is not in place. When the last one that this program does is, all of it is proven
// first, and after the last one of all again.
func (w *shell) onward() tea.Cmd {
	c, from := w.first(w.at), w.chapter(w.at)
	if c != nil && !(from != nil && !from.step.ByHand() && w.standing()) {
		return chapterOf(c.step.ID)
	}
	w.pages, w.at = w.pages[:1], ""
	w.push(newProve(w, nil))
	return w.do(check)
}

func (w *shell) push(p page) { w.pages = append(w.pages, &layer{page: p}) }

// pop goes back one page. From the first one there is no way back but ctrl+c.
func (w *shell) pop() tea.Cmd {
	if len(w.pages) > 1 {
		w.pages = w.pages[:len(w.pages)-1]
		if len(w.pages) == 1 {
			w.at = ""
		}
		return nil
	}
	w.notice = "this is the first page; ctrl+c leaves, and keeps all answers"
	return nil
}

// scroll moves a page up or down.
func (l *layer) scroll(press string) {
	switch press {
	case "pgup":
		l.offset -= max(1, l.room-1)
	case "pgdown", "space":
		l.offset += max(1, l.room-1)
	case "up", "k":
		l.offset--
	case "down", "j":
		l.offset++
	case "home":
		l.offset = 0
	case "end":
		l.offset = l.most
	}
	l.offset = max(0, min(l.offset, l.most))
}
