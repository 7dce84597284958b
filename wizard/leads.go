package wizard

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"postern/remote"
	"postern/site"
	"postern/wizard/draw"
)

// leads finds out, while a destination is being typed, where it leads to. Only the login that comes later asks the host itself.
type leads struct {
	seq   int    // of the last question; answers to older ones do not count
	key   string // host.NAME.ssh
	value string
	says  string
	fails bool
}

type (
	// pausedMsg comes when nothing was typed for a moment.
	pausedMsg struct{ seq int }
	// leadsMsg is what was found.
	leadsMsg struct {
		seq  int
		says string
		err  error
	}
)

// pause is how long nothing must be typed before a name is looked up.
const pause = 600 * time.Millisecond

// later asks once the typing pauses.
func (r *leads) later(b *board, key, value string) tea.Msg {
	r.seq++
	r.key, r.value, r.says, r.fails = key, strings.TrimSpace(value), "", false
	if !strings.HasPrefix(key, "host.") || !strings.HasSuffix(key, ".ssh") || r.value == "" || b.o.Leads == nil {
		return nil
	}
	seq := r.seq
	return b.later(pause, func(time.Time) tea.Msg { return pausedMsg{seq} })
}

// update asks when the pause is over, and takes the answer. The destination is tried in a copy of the site: what is typed is
// no answer yet.
func (r *leads) update(b *board, m tea.Msg) tea.Msg {
	switch m := m.(type) {
	case leadsMsg:
		if m.seq == r.seq {
			r.says, r.fails = m.says, m.err != nil
			if m.err != nil {
				r.says = remote.Words(m.err)
			}
		}
	case pausedMsg:
		if m.seq != r.seq {
			return nil // something else was typed since
		}
		trial, name := b.file.Site.Clone(), strings.Split(r.key, ".")[1]
		if site.Set(trial, r.key, r.value) != nil {
			return nil // the field itself says what is wrong
		}
		r.says = "looking up where it leads to ..."
		ask := b.o.Leads
		return tea.Cmd(func() tea.Msg {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			says, err := ask(ctx, trial, name)
			return leadsMsg{m.seq, says, err}
		})
	}
	return nil
}

// lines is what was found, below the form.
func (r *leads) lines(key string, width int) []draw.Line {
	if r.key != key || r.says == "" {
		return nil
	}
	s, text := draw.Plain, r.says
	if r.fails {
		s, text = draw.Amber, "[warn] "+text
	}
	lines := draw.Inset(s, text, width)
	return lines[:min(len(lines), 2)]
}
