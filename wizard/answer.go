package wizard

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"postern/site"
)

// answer gives an answer and saves it.
func (w *shell) answer(key, value string) error {
	f, err := site.FieldOf(w.file.Site, key)
	if err != nil {
		return err
	}
	before := f.Get(w.file.Site)
	if err := w.file.Set(key, value); err != nil {
		return err
	}
	if err := w.file.Save(); err != nil {
		return err
	}
	if f.Get(w.file.Site) == before {
		return nil
	}
	if w.found != nil {
		if err := site.Set(w.found, key, value); err != nil {
			w.found = nil // it is looked at again
		}
	}
	for _, c := range w.chapters {
		if c.step.Fields != nil && slices.Contains(c.step.Fields(w.file.Site), key) {
			c.state = unknown
		}
	}
	w.byHand()
	return nil
}

// finish goes on to what there is to do, when the answers fit each other.
func (p *askPage) finish() tea.Cmd {
	for _, key := range p.order() {
		if (p.isDraft(key) || p.wrong[key] != "") && key != goOn {
			p.pick(key)
			return nil
		}
	}
	if key := p.nextOpen(""); key != goOn {
		p.pick(key)
		return nil
	}
	if why := p.misfit(); why != "" {
		p.wrong[goOn] = why
		return nil
	}
	_, usual, _ := p.fields()
	for _, f := range usual {
		if err := p.file.Set(f.Key, f.Get(p.file.Site)); err != nil {
			p.wrong[goOn] = err.Error()
			return nil
		}
	}
	if err := p.file.Save(); err != nil {
		p.wrong[goOn] = err.Error()
		return nil
	}
	return p.bring(p.id, open)
}

// misfit says what does not fit together, and goes to the row where that can be mended.
func (p *askPage) misfit() string {
	problems := site.Problems(p.file.Site, p.chapter(p.id).step.Needs...)
	if len(problems) == 0 {
		return ""
	}
	why := problems[0].Error()
	key, _, _ := strings.Cut(why, ": ")
	if slices.Contains(p.order(), key) {
		p.pick(key)
		p.wrong[key] = why
	} else if c := p.asks(key); c != nil {
		why = fmt.Sprintf("%s (chapter %d asks it)", why, c.step.Chapter)
	}
	return why
}

// asks is the chapter that asks a key.
func (w *shell) asks(key string) *chapter {
	for _, c := range w.chapters {
		if c.step.Fields != nil && slices.Contains(c.step.Fields(w.file.Site), key) {
			return c
		}
	}
	return nil
}
