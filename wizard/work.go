package wizard

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/remote"
	"postern/report"
	"postern/steps"
	"postern/wizard/draw"
)

// work is what is done on one host, as far as its events told.
type work struct {
	host    string
	changes []remote.Change
	at      int             // the change at work, counted from 1; 0 before the first
	starts  []time.Duration // since the work began
	since   time.Time       // when the change at work began
	armed   time.Time       // when the host's guard was set, or a little before; zero when it is not
	applied time.Duration   // how long all of it took; 0 until it is applied
	anew    bool            // a new login works
	kept    bool
	gone    bool // taken back, or about to be
}

// finished is how many changes are made.
func (w *work) finished() int {
	if w.applied > 0 {
		return len(w.changes)
	}
	return max(0, w.at-1)
}

// offered takes a proposal: what was made before it stays as one line.
func (p *applyPage) offered(m proposalMsg) {
	if len(p.works) > 0 {
		n := 0
		for _, w := range p.works {
			n += len(w.changes)
		}
		p.before = append(p.before, draw.Row(draw.Text(draw.Good, " [ok]   "), draw.Text(draw.Plain, "prepared: "+report.Plural(n, "change"))))
	}
	p.from = len(p.said)
	p.offer, p.works, p.asked, p.proofs = m.proposal, nil, false, 0
	parts := m.parts()
	if guarded := m.proposal.Parts(false); m.proposal.Undo && len(guarded) > 0 {
		parts = guarded // what is taken back afterwards is told below
	}
	for _, part := range parts {
		p.works = append(p.works, &work{host: part.Host, changes: part.Changes, starts: make([]time.Duration, len(part.Changes)+1)})
	}
}

// any says whether something is so of the work on a host.
func (p *applyPage) any(is func(*work) bool) bool { return slices.ContainsFunc(p.works, is) }

// event takes one line of progress.
func (p *applyPage) event(e steps.Event) {
	p.heard = p.o.Clock()
	var w *work
	if i := slices.IndexFunc(p.works, func(w *work) bool { return w.host == e.Host }); i >= 0 {
		w = p.works[i]
	}
	if e.Kind == "change" && w != nil && w.change(e, p.heard, p.offer.Inert) {
		return
	}
	switch {
	case e.Kind == "warn":
		p.warn = e
	case e.Kind == "prove" && !p.preparing() && p.any(func(w *work) bool { return w.applied > 0 }):
		p.proofs++
	case e.Kind == "prove":
		p.asked = true
	case w == nil:
	case e.Kind == "guard":
		w.applied = max(e.Elapsed, time.Millisecond)
	case e.Kind == "connect":
		w.anew = w.applied > 0
	case e.Kind == "confirm":
		w.kept = true
	case e.Kind == "rollback":
		w.gone = true
	}
	if e.Kind != "warn" && e.Host == p.warn.Host {
		p.warn = steps.Event{}
	}
	if n := len(p.said); n > 0 && p.said[n-1].Kind == e.Kind && p.said[n-1].Host == e.Host && p.said[n-1].Text == e.Text {
		return // said once; that it goes on is seen by the time
	}
	if len(p.said) >= 2*mostSaid {
		p.said, p.from = p.said[mostSaid:], max(0, p.from-mostSaid)
	}
	p.said = append(p.said, e)
}

// change takes the news of a change, and says whether that was all there is to it.
func (w *work) change(e steps.Event, now time.Time, inert bool) bool {
	if inert && e.Text == "prepared" {
		w.applied = max(e.Elapsed, time.Millisecond)
		return true
	}
	if w.armed.IsZero() && !inert {
		w.armed = now.Add(-e.Elapsed)
	}
	if e.N <= w.at || e.N > len(w.changes) {
		return false
	}
	w.at, w.since = e.N, now
	w.starts[e.N-1] = e.Elapsed
	return true
}

// actions are all that is done, in order, with the row of what is done now.
func (p *applyPage) actions(width int) (rows []draw.Line, at int) {
	rows = append(rows, p.before...)
	if p.offer == nil {
		if p.last.Text == "" || p.began.IsZero() {
			return append(rows, action(running, "connect to the hosts, and look", 0, width)), len(rows)
		}
		return append(rows, action(running, report.Doing(p.last), 0, width)), len(rows)
	}
	now := -1
	mark := func(s string) string {
		if s == running && now < 0 {
			now = len(rows)
		}
		return s
	}
	if p.asked && !p.offer.Inert {
		begun := p.any(func(w *work) bool { return w.at > 0 || w.applied > 0 })
		rows = append(rows, action(mark(when(begun, finishedWord, running)), "ask the checks, to know what works now", 0, width))
	}
	for _, w := range p.works {
		rows = append(rows, draw.Say(draw.Strong, " %s", w.host))
		for i := range w.changes {
			word, took := w.state(i, p.o.Clock())
			rows = append(rows, action(mark(word), fmt.Sprintf("%d %s", i+1, w.changes[i].Title), took, width))
		}
	}
	if !p.offer.Inert {
		rows = append(rows, p.proving(width, mark)...)
	}
	if now < 0 {
		now = len(rows) - 1 // all is made
		if p.any(func(w *work) bool { return w.applied == 0 }) {
			now = 0
		}
	}
	return rows, now
}

// proving are the actions that decide whether the change is kept.
func (p *applyPage) proving(width int, mark func(string) string) []draw.Line {
	applied := !p.any(func(w *work) bool { return w.applied == 0 })
	kept := !p.any(func(w *work) bool { return !w.kept })
	var hosts, out []string
	for _, w := range p.works {
		hosts = append(hosts, w.host)
		if !w.anew {
			out = append(out, w.host)
		}
	}
	all, anew := strings.Join(hosts, ", "), len(out) == 0
	if p.any(func(w *work) bool { return w.gone }) {
		return []draw.Line{action(mark(running), "take it back on "+all, 0, width)}
	}
	login := "log in anew to " + all
	if !anew && applied {
		login = "log in anew to " + strings.Join(out, ", ")
	}
	rows := []draw.Line{action(mark(when(anew, finishedWord, when(applied, running, waiting))), login, 0, width)}
	prove := when(kept, finishedWord, when(anew && p.proofs > 0, running, waiting))
	rows = append(rows, action(mark(prove), "ask the checks over the new logins", 0, width))
	return append(rows, action(when(kept, finishedWord, waiting), "keep it, on "+all, 0, width))
}

// The words of an action.
const (
	waiting      = "[wait]"
	running      = "[run]"
	finishedWord = "[ok]"
	undone       = "[back]"
)

func when[T any](is bool, then, otherwise T) T {
	if is {
		return then
	}
	return otherwise
}

// state is how far the change at an index is, and how long it took or takes.
func (w *work) state(i int, now time.Time) (string, time.Duration) {
	switch {
	case w.gone && i < w.at:
		return undone, 0
	case w.applied > 0 && i == len(w.changes)-1:
		return finishedWord, w.applied - w.starts[i]
	case i+1 < w.at:
		return finishedWord, w.starts[i+1] - w.starts[i]
	case w.applied > 0:
		return finishedWord, 0
	case i+1 == w.at:
		return running, now.Sub(w.since)
	}
	return waiting, 0
}

// action is one row: a word, what it is, and how long it took.
func action(word, text string, took time.Duration, width int) draw.Line {
	s := map[string]draw.Style{finishedWord: draw.Good, running: draw.Strong, undone: draw.Amber}[word]
	room, time := width-8, ""
	if took > 0 && width >= 48 {
		time = " " + report.Seconds(took) + " "
		room -= len(time)
	}
	return draw.Row(draw.Text(draw.Plain, " "), draw.Text(s, draw.Pad(word, 7)),
		draw.Text(when(word == running, draw.Strong, draw.Plain), draw.Pad(draw.Short(draw.Readable(text), room), room)), draw.Text(draw.Plain, time))
}

// output is what was said: what the hosts print as it is, what happened as line mode says it.
func (p *applyPage) output(width int) []draw.Line { return draw.Report(p.spoken(), width) }

func (p *applyPage) spoken() []report.Line {
	var lines []report.Line
	for _, e := range p.said[max(0, len(p.said)-mostSaid):] {
		lines = append(lines, spoken(e)...)
	}
	return lines
}

func spoken(e steps.Event) []report.Line {
	if e.Kind == "change" {
		return []report.Line{{Text: "  " + report.Doing(e)}}
	}
	return report.Event(e)
}
