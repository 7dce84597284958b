package wizard

import (
	"context"
	"slices"

	tea "charm.land/bubbletea/v2"

	"postern/remote"
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
	if cmd, read := w.reads(press); read {
		return cmd
	}
	if w.helping != nil {
		if slices.Contains([]string{"esc", "?", "f1", "enter", "q"}, press) {
			w.helping = nil
		} else {
			w.helping.Key(press)
		}
		return nil
	}
	seen := w.seen()
	typing := seen.typing
	switch {
	case press == "f1" || press == "?" && !typing:
		w.helping = &layer{page: helpPage{&w.board, seen}}
		return nil
	case len(w.prompts) > 0:
		return w.toTop(m)
	case press == "esc" && !seen.holds: // a page that must say something first, such as no, does so when it sees the key
		return w.pop()
	case !typing && len(press) == 1 && press >= "1" && press <= "9" && w.file != nil && !w.changing():
		if at := int(press[0] - '1'); at < len(w.chapters) {
			return w.take(chapterMsg{step: w.chapters[at].step.ID})
		}
	case press == "pgup" || press == "pgdown":
		if w.top().Most > 0 {
			w.top().Key(press)
			return nil
		}
	}
	return w.toTop(m)
}

// interrupt is ctrl+c: while hosts are being changed it first stops after the action at work; else it leaves.
func (w *shell) interrupt() tea.Cmd {
	if w.touching() && !w.stopping {
		return w.take(haltMsg{})
	}
	for _, p := range w.prompts {
		p.answer("", context.Canceled)
	}
	return tea.Quit
}

// navigate moves between pages.
func (w *shell) navigate(m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case openMsg:
		w.moved = true
		w.push(m.page)
	case replaceMsg:
		for _, l := range w.pages {
			if l.page == m.page {
				*l = layer{page: m.by}
			}
		}
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
		w.push(&explainPage{&w.board, m.step})
		if m.ask {
			w.push(newAsk(&w.board, m.step, ""))
		}
	case nextMsg:
		return w.onward()
	case openedMsg:
		if m.err != nil {
			w.notice = remote.Words(m.err)
			return w.toAll(m)
		}
		w.use(m.file)
		return w.start()
	}
	return nil
}

// onward leads to the next chapter that is not in place. When the last one that changes hosts is, all of it is proven
// first, and after the last one of all again.
func (w *shell) onward() tea.Cmd {
	c, from := w.first(w.at), w.chapter(w.at)
	if c != nil && !(from != nil && !from.step.OfAnswers() && w.standing()) {
		return w.take(chapterMsg{step: c.step.ID})
	}
	w.pages, w.at = w.pages[:1], ""
	w.push(newProve(&w.board, nil))
	return w.take(job{verb: check})
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
	w.notice = "this is the first page; ctrl+c leaves" + when(w.o.Simulated == "", ", and keeps all answers", "")
	return nil
}
