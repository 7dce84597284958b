package wizard

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"postern/site"
	"postern/wizard/draw"
)

// reach finds out, while a destination is being typed, whether anything answers there.
type reach struct {
	seq   int    // of the last question; answers to older ones do not count
	key   string // host.NAME.ssh
	value string
	says  string
	fails bool
}

type (
	// reachMsg comes when nothing was typed for a moment.
	reachMsg struct{ seq int }
	// reachedMsg is what was found.
	reachedMsg struct {
		seq  int
		says string
		err  error
	}
)

// pause is how long nothing must be typed before a host is asked.
const pause = 600 * time.Millisecond

// reachable is the host that a key says how to reach.
func reachable(key string) (string, bool) {
	parts := strings.Split(key, ".")
	if len(parts) == 3 && parts[0] == "host" && parts[2] == "ssh" {
		return parts[1], true
	}
	return "", false
}

// later asks once the typing pauses.
func (r *reach) later(b *board, key, value string) tea.Cmd {
	r.seq++
	r.key, r.value, r.says, r.fails = key, strings.TrimSpace(value), "", false
	if _, ok := reachable(key); !ok || r.value == "" || b.o.Reach == nil {
		return nil
	}
	seq := r.seq
	return b.later(pause, func(time.Time) tea.Msg { return reachMsg{seq} })
}

func (r *reach) update(b *board, m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case reachMsg:
		if m.seq == r.seq {
			return r.ask(b)
		}
	case reachedMsg:
		if m.seq == r.seq {
			r.says, r.fails = m.says, m.err != nil
			if m.err != nil {
				r.says = m.err.Error()
			}
		}
	}
	return nil
}

// ask tries the destination in a copy of the site: what is typed is no answer yet.
func (r *reach) ask(b *board) tea.Cmd {
	name, _ := reachable(r.key)
	trial := b.file.Site.Clone()
	if site.Set(trial, r.key, r.value) != nil {
		return nil // the field itself says what is wrong
	}
	r.says = "asking whether anything answers there ..."
	seq, ask := r.seq, b.o.Reach
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		says, err := ask(ctx, trial, name)
		return reachedMsg{seq, says, err}
	}
}

// lines is what was found, below the form.
func (r *reach) lines(key string, width int) []draw.Line {
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
