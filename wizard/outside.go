package wizard

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// doJob gives the engine a job that is more than a verb and chapters.
func (w *shell) doJob(j job) tea.Cmd {
	s := w.file.Site.Clone()
	return func() tea.Msg {
		w.engine.do(j, s)
		return nil
	}
}

// titled is a page's title with its chapter, where the header does not have that already.
func (w *shell) titled(j job, title string) string {
	if c := w.chapter(strings.Join(j.steps, " ")); c != nil && w.at == "" {
		return c.step.Title + " / " + title
	}
	return title
}

// leave takes a page away, also from under one that is about to go back.
func (w *shell) leave(p page) tea.Cmd {
	return func() tea.Msg { return leaveMsg{p} }
}

// write puts text into a file beside the answers, and says where.
func (w *shell) write(name, text string) tea.Cmd {
	write := w.o.Write
	if write == nil {
		return note("saving is not possible here")
	}
	return func() tea.Msg {
		path, err := write(name, []byte(text))
		if err != nil {
			return noteMsg{"not saved: " + err.Error()}
		}
		return noteMsg{"saved as " + path}
	}
}

// copied puts text into the clipboard of the operator's terminal. Nobody can tell whether it let that happen.
func copied(text string) tea.Cmd {
	return tea.Batch(tea.SetClipboard(text), note("copied, if your terminal allows it; x writes a file"))
}
