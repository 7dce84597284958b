package wizard

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"postern/remote"
	"postern/site"
	"postern/steps"
	"postern/wizard/draw"
)

// askPage asks a chapter's answers: one row each, first what nobody can guess, then what has a usual value, and a last row
// that goes on. Every answer is kept in the file at once; what is not valid yet is kept here as a draft.
type askPage struct {
	*board
	id        string
	picked    string            // the key of the row that is edited; goOn or showMore for those
	edit      *draw.Editor      // of the picked row, nil for the last ones
	wrong     map[string]string // by key, why a draft is no answer; by goOn what does not fit together
	passed    map[string]bool   // what was answered, or left empty, on this page
	more      bool              // those that hardly anybody changes are listed too
	pasteNote string            // one line about a paste
	leads     leads
}

// Rows that are no questions.
const (
	goOn     = "go on"
	showMore = "show more"
)

func newAsk(b *board, id, key string) *askPage {
	p := &askPage{board: b, id: id, wrong: map[string]string{}, passed: map[string]bool{}}
	if key == "" {
		key = p.nextOpen("")
		if rows := p.order(); slices.IndexFunc(rows, p.isDraft) >= 0 {
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
	s := p.file.Site
	for _, f := range site.Named(s, p.chapter(p.id).asks(s)) {
		switch {
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
// was answered; so has the usual one of a few words, which stands there to be seen.
func (p *askPage) waits(f site.Field, later []site.Field) bool {
	if f.Get(p.file.Site) == "" && p.needs(f.Key) {
		return true
	}
	if p.passed[f.Key] || p.file.Has(f.Key) {
		return false
	}
	if f.Choices != nil && f.Get(p.file.Site) == f.Default() {
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
	if strings.HasSuffix(key, ".provider") {
		choices = steps.Providers()
	}
	if f.Default() == "false" {
		choices = []string{"false", "true"}
	} else if choices != nil && f.Optional {
		choices = append([]string{""}, choices...)
	}
	p.edit = draw.NewEditor(p.theme, value, choices, false)
}

// Update takes keys, pastes, and what was found out meanwhile.
func (p *askPage) Update(m tea.Msg) tea.Msg {
	switch m := m.(type) {
	case pausedMsg, leadsMsg:
		return p.leads.update(p.board, m)
	case tea.PasteMsg:
		return p.paste(m.Content)
	case tea.KeyPressMsg:
		return p.press(m)
	}
	return nil
}

func (p *askPage) press(k tea.KeyPressMsg) tea.Msg {
	p.pasteNote = ""
	switch k.String() {
	case "enter":
		return p.enter()
	case "up", "down":
		if p.edit != nil && p.edit.Lists() {
			return p.typed(k)
		}
		return p.leave(when(k.String() == "down", 1, -1))
	case "tab":
		return p.leave(1)
	case "shift+tab":
		return p.leave(-1)
	case "ctrl+o":
		return openMsg{&waysPage{board: p.board}}
	}
	return p.typed(k)
}

// typed follows a change of the text: errors are told on leaving, and taken back at once.
func (p *askPage) typed(m tea.Msg) tea.Msg {
	if p.edit == nil {
		return nil
	}
	before := p.edit.Value
	if p.edit.Update(m); p.edit.Value == before {
		return nil
	}
	delete(p.wrong, p.picked)
	delete(p.wrong, goOn)
	return all{draftMsg{key: p.picked, text: p.edit.Value}, p.leads.later(p.board, p.picked, p.edit.Value)}
}

// looksSecret are texts that no answer is: keys.
var looksSecret = regexp.MustCompile(`-----BEGIN|^[A-Za-z0-9+/]{43}=$`)

func (p *askPage) paste(text string) tea.Msg {
	if p.edit == nil {
		return nil
	}
	first, more := draw.Pasted(text)
	switch {
	case looksSecret.MatchString(first):
		p.pasteNote = "this looks like a key; no answer is one, and keys stay on their hosts: nothing was pasted"
		return nil
	case more:
		p.pasteNote = "several lines were pasted: the first one was taken"
	}
	return p.typed(tea.PasteMsg{Content: first})
}

// come edits another row.
func (p *askPage) come(key string) tea.Msg {
	p.pick(key)
	if p.edit == nil {
		return nil
	}
	return p.leads.later(p.board, key, p.edit.Value)
}

// leave goes to another row; what was typed is kept, valid or not.
func (p *askPage) leave(by int) tea.Msg {
	key := p.picked
	next := func(bool) tea.Msg {
		order := p.order()
		at := max(0, slices.Index(order, key))
		return p.come(order[(at+by+len(order))%len(order)])
	}
	f, err := site.FieldOf(p.file.Site, key)
	if p.edit == nil || err != nil || strings.TrimSpace(p.edit.Value) == f.Get(p.file.Site) {
		return all{draftMsg{key: key, gone: true}, next(true)}
	}
	return p.keep(next)
}

// enter answers the row, and goes to the next that waits, or on.
func (p *askPage) enter() tea.Msg {
	switch p.picked {
	case showMore:
		_, _, seldom := p.fields()
		p.more = true
		p.pick(seldom[0].Key)
		return nil
	case goOn:
		return p.finish()
	}
	return p.keep(func(kept bool) tea.Msg {
		if !kept {
			return nil
		}
		p.passed[p.picked] = true
		return p.come(p.nextOpen(p.picked))
	})
}

// keep has what was typed kept in the file, or as a draft with the reason why not.
func (p *askPage) keep(then func(kept bool) tea.Msg) tea.Msg {
	key, typed := p.picked, p.edit.Value
	value := strings.TrimSpace(typed)
	if value == "" && p.needs(key) {
		p.wrong[key] = key + ": this chapter is made of it; without it esc goes back, and the answer can come later"
		return then(false)
	}
	return answerMsg{[][2]string{{key, value}}, func(err error) tea.Msg {
		if err != nil {
			p.wrong[key] = remote.Words(err)
			return all{draftMsg{key: key, text: typed}, then(false)}
		}
		delete(p.wrong, key)
		return then(true)
	}}
}

// finish goes on to what there is to do, when the answers fit each other.
func (p *askPage) finish() tea.Msg {
	for _, key := range p.order() {
		if (p.isDraft(key) || p.wrong[key] != "") && key != goOn {
			p.pick(key)
			return noteMsg("first this one: what was typed is no answer yet")
		}
	}
	if key := p.nextOpen(""); key != goOn {
		p.pick(key)
		return noteMsg("first this one: enter takes what stands there, and so it does for the next")
	}
	if why := p.misfit(); why != "" {
		p.wrong[goOn] = why
		return nil
	}
	var pairs [][2]string
	_, usual, _ := p.fields()
	for _, f := range usual {
		pairs = append(pairs, [2]string{f.Key, f.Get(p.file.Site)})
	}
	return answerMsg{pairs, func(err error) tea.Msg {
		if err != nil {
			p.wrong[goOn] = remote.Words(err)
			return nil
		}
		return p.bring(p.id)
	}}
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
		return why
	}
	for _, c := range p.chapters {
		if slices.Contains(c.asks(p.file.Site), key) {
			return fmt.Sprintf("%s (chapter %d asks it)", why, c.step.Chapter)
		}
	}
	return why
}
