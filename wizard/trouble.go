package wizard

import (
	"context"
	"errors"

	tea "charm.land/bubbletea/v2"

	"postern/remote"
	"postern/run"
	"postern/wizard/draw"
)

// troublePage says why the hosts could not be looked at, and what can be done about it. It is never a dead end.
type troublePage struct {
	*shell
	err    error
	looked bool // a look has ended since
}

// newTrouble is about an error; nil when a look that was asked for has not ended yet.
func newTrouble(w *shell, err error) page {
	return &troublePage{shell: w, err: err, looked: err != nil}
}

func (p *troublePage) Update(m tea.Msg) (page, tea.Cmd) {
	switch m := m.(type) {
	case doneMsg:
		if m.job.verb != look || errors.Is(m.err, context.Canceled) {
			return p, nil
		}
		p.err, p.looked = m.err, true
		if m.err == nil && p.top().page == page(p) {
			return p, next
		}
	case tea.KeyPressMsg:
		switch m.String() {
		case "r", "enter":
			if p.busy == nil {
				return p, p.do(look)
			}
		case "e":
			return p, open(newAsk(p.shell, p.chapters[0].step.ID, ""))
		case "w":
			return p, open(newWays(p.shell, p.missing()))
		case "a":
			if errors.Is(p.err, run.ErrStale) && p.o.Sites.Adopt != nil {
				return p, open(newSites(p.shell))
			}
		}
	}
	return p, nil
}

// missing is the host that is not reached, "" when it is not one alone.
func (w *shell) missing() string {
	one := ""
	for name, reached := range w.reached {
		switch {
		case reached:
		case one != "":
			return ""
		default:
			one = name
		}
	}
	return one
}

func (p *troublePage) View(width, height int) view {
	v := view{title: "not reached", keys: []key{{"r", "try again"}, {"e", "answers"}, {"w", "ways in"}},
		help: "The hosts could not be looked at. Nothing was changed. What was said is above; the answers can be changed, the attempt repeated, or another way in be taken."}
	switch {
	case p.busy != nil || !p.looked:
		v.lines = append(v.lines, draw.Say(draw.Plain, " looking at the hosts  %s", clock(p.elapsed())))
		if p.last.Text != "" {
			v.lines = append(v.lines, draw.Prose(draw.Plain, " "+eventWords(p.last), width)...)
		}
	case p.err == nil:
		v.lines = append(v.lines, draw.Say(draw.Good, " [ok] the hosts were looked at"))
	default:
		v.lines = append(v.lines, draw.Prose(draw.Bad, " [FAIL] the hosts could not be looked at; nothing was changed", width)...)
		v.lines = append(v.lines, draw.Line{})
		v.lines = append(v.lines, draw.Inset(draw.Plain, p.err.Error(), width)...)
		v.lines = append(v.lines, draw.Line{})
		v.lines = append(v.lines, advice(p.err, width)...)
	}
	return v
}

// advice is what to do about an error, in words for people.
func advice(err error, width int) []draw.Line {
	var changed *remote.ChangedKeyError
	var locked *remote.ErrLocked
	text := "Try again, change the answers, or take another way in."
	switch {
	case errors.As(err, &changed):
		text = "The host shows another key than the one on record. If the host was installed anew, that is expected: compare the new key on the host's own console, " +
			"take the old one out of the record with the command above, and try again. If it was not, somebody may be in between: do not go on."
	case errors.As(err, &locked):
		text = "Somebody changes the host just now, or a program that died did: what that left open is taken back by the host itself, " +
			"within its deadline (two minutes, unless another was given). Then try again."
	case errors.Is(err, remote.ErrUnknownKey):
		text = "The host's key was not confirmed, so nothing was sent to it. Try again and compare the key on the host's own console."
	case errors.Is(err, run.ErrStale):
		text = "Somebody changed the hosts with newer answers than these. Take those over (contents, Other sites, adopt), or change these so that they agree."
	case errors.Is(err, remote.ErrNoAnswer):
		text = "A question of the connection was closed without an answer. Try again, and answer it."
	case errors.Is(err, remote.ErrNoRoot):
		text = "The login worked, becoming root did not. Log in as root, or as a user who may use sudo or su; chapter 1 asks for the destination."
	case errors.Is(err, remote.ErrLost):
		text = "The link to a host was lost. A change that was open is taken back by the host itself at the deadline. Try again: what it did is looked at first."
	case errors.Is(err, run.ErrRolledBack):
		text = "Nothing of this change is kept. The reason stands above: mend it and try again, or leave it as it was."
	case errors.Is(err, context.DeadlineExceeded):
		text = "There is no answer. Is the host on, is the address right, and does no firewall drop SSH from here? The ways in (w) also lead through the proxy, or to its console."
	case errors.Is(err, run.ErrRefused):
		text = "Nothing was changed. The reason stands above."
	}
	return draw.Inset(draw.Plain, text, width)
}
