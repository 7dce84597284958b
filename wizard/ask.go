package wizard

import (
	"regexp"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"postern/site"
	"postern/wizard/draw"
)

// askPage asks a chapter's answers: one row each, first what nobody can guess, then what has a usual value, and a last row
// that goes on. Every answer is kept in the file at once; what is not valid yet is kept here as a draft.
type askPage struct {
	*shell
	id     string
	picked string            // the key of the row that is edited; goOn or showMore for those
	edit   *draw.Editor      // of the picked row, nil for the last ones
	wrong  map[string]string // by key, why a draft is no answer; by goOn what does not fit together
	passed map[string]bool   // what was answered, or left empty, on this page
	more   bool              // those that hardly anybody changes are listed too
	told   string            // one line about a paste
	reach  reach
}

// Rows that are no questions.
const (
	goOn     = "go on"
	showMore = "show more"
)

func newAsk(w *shell, id, key string) *askPage {
	p := &askPage{shell: w, id: id, wrong: map[string]string{}, passed: map[string]bool{}}
	if key == "" {
		key = p.nextOpen("")
		if rows := p.order(); slices.ContainsFunc(rows, p.isDraft) {
			key = rows[slices.IndexFunc(rows, p.isDraft)]
		}
	}
	p.pick(key)
	return p
}

// isDraft says whether something was typed for a key that is no answer yet.
func (p *askPage) isDraft(key string) bool {
	_, draft := p.drafts[key]
	return draft
}

// fields are the questions: those that are asked by themselves, those with a usual value, and those hardly anybody changes.
func (p *askPage) fields() (alone, usual, seldom []site.Field) {
	c := p.chapter(p.id)
	if c.step.Fields == nil {
		return nil, nil, nil
	}
	s := p.file.Site
	for _, key := range c.step.Fields(s) {
		f, err := site.FieldOf(s, key)
		switch {
		case err != nil:
		case f.Alone || f.Get(s) == "" && !f.Optional:
			alone = append(alone, f)
		case f.Seldom && f.Get(s) == f.Default() && !p.more:
			seldom = append(seldom, f)
		default:
			usual = append(usual, f)
		}
	}
	return alone, usual, seldom
}

// order is the keys of the rows from top to bottom.
func (p *askPage) order() []string {
	var keys []string
	alone, usual, seldom := p.fields()
	for _, f := range append(slices.Clone(alone), usual...) {
		keys = append(keys, f.Key)
	}
	if len(seldom) > 0 {
		keys = append(keys, showMore)
	}
	return append(keys, goOn)
}

// nextOpen is the first question after a row that waits for an answer and has no usual one; goOn when there is none.
func (p *askPage) nextOpen(after string) string {
	alone, _, _ := p.fields()
	passed := after == ""
	for range 2 {
		for i, f := range alone {
			if passed && p.waits(f, alone[i+1:]) {
				return f.Key
			}
			passed = passed || f.Key == after
		}
		passed = true
	}
	return goOn
}

// waits says whether a question has no answer yet. One that may stay empty and was passed by before has one: a later one
// was answered.
func (p *askPage) waits(f site.Field, later []site.Field) bool {
	if f.Get(p.file.Site) == "" && p.needs(f.Key) {
		return true
	}
	if p.passed[f.Key] || p.file.Has(f.Key) {
		return false
	}
	if f.Optional && f.Get(p.file.Site) == "" {
		return !slices.ContainsFunc(later, func(l site.Field) bool { return p.file.Has(l.Key) && !p.passed[l.Key] })
	}
	return true
}

// needs says whether this chapter can say nothing without an answer that may else stay empty.
func (p *askPage) needs(key string) bool { return slices.Contains(p.chapter(p.id).step.Needs, key) }

// pick begins to edit a row.
func (p *askPage) pick(key string) {
	p.picked, p.edit = key, nil
	f, err := site.FieldOf(p.file.Site, key)
	if err != nil {
		return
	}
	value, draft := p.drafts[key]
	if !draft {
		value = f.Get(p.file.Site)
	}
	choices := f.Choices
	if f.Default() == "false" {
		choices = []string{"false", "true"}
	}
	if choices != nil && f.Optional {
		choices = append([]string{""}, choices...)
	}
	p.edit = draw.NewEditor(p.theme, value, choices, false)
	if draft {
		p.edit.Fresh = false
	}
}

// Update takes keys, pastes, and what was found out meanwhile.
func (p *askPage) Update(m tea.Msg) (page, tea.Cmd) {
	switch m := m.(type) {
	case reachMsg, reachedMsg:
		return p, p.reach.update(p.shell, m)
	case tea.PasteMsg:
		return p, p.paste(m.Content)
	case tea.KeyPressMsg:
		return p, p.press(m)
	}
	return p, nil
}

func (p *askPage) press(k tea.KeyPressMsg) tea.Cmd {
	p.told = ""
	switch k.String() {
	case "enter":
		return p.enter()
	case "tab", "down":
		return p.leave(1)
	case "shift+tab", "up":
		return p.leave(-1)
	case "ctrl+o":
		return open(newWays(p.shell, ""))
	}
	if p.edit == nil {
		return nil
	}
	before := p.edit.Value
	p.edit.Update(k)
	return p.typed(before)
}

// typed follows a change of the text: errors are told on leaving, and taken back at once.
func (p *askPage) typed(before string) tea.Cmd {
	if p.edit.Value == before {
		return nil
	}
	delete(p.wrong, p.picked)
	delete(p.wrong, goOn)
	p.drafts[p.picked] = p.edit.Value
	return p.reach.later(p.shell, p.picked, p.edit.Value)
}

// looksSecret are texts that no answer is: keys.
var looksSecret = regexp.MustCompile(`-----BEGIN|^[A-Za-z0-9+/]{43}=$`)

func (p *askPage) paste(text string) tea.Cmd {
	if p.edit == nil {
		return nil
	}
	first, more := draw.Pasted(text)
	switch {
	case looksSecret.MatchString(first):
		p.told = "this looks like a key; no answer is one, and keys stay on their hosts: nothing was pasted"
		return nil
	case more:
		p.told = "several lines were pasted: the first one was taken"
	}
	before := p.edit.Value
	p.edit.Update(tea.PasteMsg{Content: first})
	return p.typed(before)
}

// leave goes to another row; what was typed is kept, valid or not.
func (p *askPage) leave(by int) tea.Cmd {
	if p.edit != nil {
		f, err := site.FieldOf(p.file.Site, p.picked)
		if err == nil && strings.TrimSpace(p.edit.Value) != f.Get(p.file.Site) {
			p.keep()
		} else {
			delete(p.drafts, p.picked)
		}
	}
	order := p.order()
	at := max(0, slices.Index(order, p.picked))
	p.pick(order[(at+by+len(order))%len(order)])
	return p.reach.on(p.shell, p.picked, p.edit)
}

// enter answers the row, and goes to the next that waits, or on.
func (p *askPage) enter() tea.Cmd {
	switch {
	case p.picked == showMore:
		_, _, seldom := p.fields()
		p.more = true
		p.pick(seldom[0].Key)
		return nil
	case p.picked == goOn:
		return p.finish()
	case !p.keep():
		return nil
	}
	p.passed[p.picked] = true
	p.pick(p.nextOpen(p.picked))
	return p.reach.on(p.shell, p.picked, p.edit)
}

// keep validates what was typed and keeps it in the file, or as a draft with the reason why not.
func (p *askPage) keep() bool {
	key, value := p.picked, strings.TrimSpace(p.edit.Value)
	if value == "" && p.needs(key) {
		p.wrong[key] = key + ": this chapter is made of it; without it esc goes back, and the answer can come later"
		return false
	}
	if err := p.answer(key, value); err != nil {
		p.drafts[key], p.wrong[key] = p.edit.Value, err.Error()
		return false
	}
	delete(p.drafts, key)
	delete(p.wrong, key)
	return true
}
