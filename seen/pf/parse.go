package pf

import (
	"fmt"
	"strings"
)

// fault is why releases do not take a text, or why it cannot be told whether they do.
type fault struct {
	file    string
	line    int
	why     string
	refused releases
	unsure  releases
}

// parser reads statements. What it cannot read ends the statement (halt), not the reading.
type parser struct {
	*lexer
	known   Host
	set     *Ruleset
	ahead   []token
	now     []token // what was read of this statement
	order   int     // how far the sections are
	made    int     // how many rules came of it
	anyhow  bool    // require-order no
	lost    bool    // something before is not known on which what follows rests: what seems wrong may be right
	printed bool    // it is what pfctl printed
	depth   int
	states  []Limit // set state-defaults
	inTable bool    // a table is being read
	bound   bool    // set state-policy if-bound
	policy  string  // set block-policy
}

type halt struct{}

// Parse reads a text: pf.conf, or the file of an anchor, whose path is told ("rdr/dovecot"). Whatever the text is, a Ruleset
// comes of it; Accepts says what its releases think of it.
func Parse(text, anchor string, host Host) *Ruleset {
	work := 0
	return parse(text, anchor, host, 0, &work)
}

func parse(text, anchor string, host Host, depth int, work *int) *Ruleset {
	p := newParser(text, anchor, host, work)
	p.depth = depth
	p.all(&p.set.Statements)
	return p.set
}

func newParser(text, anchor string, host Host, work *int) *parser {
	l := &lexer{macro: map[string]string{}, work: work}
	p := &parser{lexer: l, known: host, set: &Ruleset{Anchor: anchor, Macros: l.macro, host: host}, policy: "drop"}
	if len(text) > maxText {
		text = text[:maxText]
		p.note(fault{line: 1, why: "the text is too long", unsure: every})
	}
	l.files = []*source{{text: text, line: 1}}
	return p
}

// all reads statements until the text ends.
func (p *parser) all(into *[]Statement) {
	for {
		switch t := p.peek(); t.kind {
		case end:
			if t.text != "" {
				p.note(fault{line: t.line, why: t.text, unsure: every})
			}
			return
		case '\n':
			p.take()
		default:
			p.now = nil
			*into = append(*into, p.statement()...)
		}
	}
}

// statement reads one, to the end of its line.
func (p *parser) statement() (list []Statement) {
	at := p.peek()
	s := Statement{Kind: Unread, File: p.file().name, Line: at.line}
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(halt); !ok {
				panic(r)
			}
			p.skip()
			p.lost = p.lost || p.open()
			s.Kind, s.Why = Unread, p.set.faults[len(p.set.faults)-1].why
			s.Text = written(at, p.peek())
			list = []Statement{s}
		}
	}()
	p.one(&s)
	switch t := p.peek(); {
	case t.kind == end && t.text == "":
		p.doubt("the last line does not end", from(R15_0))
	case t.kind != '\n':
		p.refuse("syntax error")
	}
	if s.Text = written(at, p.peek()); len(s.Rules) > 0 {
		for _, r := range s.Rules {
			r.Text = s.Text
		}
	}
	if last := p.take(); p.bare {
		p.note(fault{line: last.line, why: "the last line does not end in a newline (before FreeBSD 15.0)", refused: before(R15_0)})
	}
	return []Statement{s}
}

// written is what stands between two tokens, on one line. It is the host's text: whoever shows it cleans it.
func written(first, last token) string {
	if first.from == nil || first.from != last.from || last.at < first.at {
		return ""
	}
	text := first.from.text[first.at:min(last.at, first.at+maxMacro)]
	text = strings.Join(strings.Fields(strings.ReplaceAll(text, "\\\n", " ")), " ")
	return text[:min(len(text), 400)]
}

// skip reads to the end of the line, as pfctl does behind an error. Where braces are open it is not told which end.
func (p *parser) skip() {
	for t := p.peek(); t.kind != '\n' && t.kind != end; t = p.peek() {
		p.take()
	}
}

// open says whether the statement that ended in a fault opened braces that are not closed, and might have gone on.
func (p *parser) open() bool {
	n := 0
	for _, t := range p.now {
		switch t.kind {
		case '{', '(':
			n++
		case '}', ')':
			n--
		}
	}
	return n > 0 && p.set.faults[len(p.set.faults)-1].unsure != 0
}

func (p *parser) peek() token { return p.look(0) }

func (p *parser) look(n int) token {
	for len(p.ahead) <= n {
		p.ahead = append(p.ahead, p.lexer.next())
	}
	return p.ahead[n]
}

func (p *parser) take() token {
	t := p.peek()
	p.ahead = p.ahead[1:]
	p.now = append(p.now, t)
	return t
}

// is says whether the next token is this keyword or character, and takes it.
func (p *parser) is(s string) bool {
	if t := p.peek(); t.kind == word && t.text == s {
		if r, ok := newer[s]; ok {
			p.needs(r, fmt.Sprintf("%q is not known yet", s))
		}
		p.take()
		return true
	} else if len(s) == 1 && t.kind == rune(s[0]) {
		p.take()
		return true
	}
	return false
}

func (p *parser) want(s string) {
	if !p.is(s) {
		p.refuse("syntax error")
	}
}

// anyOf takes the next word if it is one of these.
func (p *parser) anyOf(words ...string) string {
	for _, w := range words {
		if p.is(w) {
			return w
		}
	}
	return ""
}

// isString says whether the next token is a string: in quotes, or a word that means nothing by itself.
func (p *parser) isString() bool {
	t := p.peek()
	return t.kind == quoted || t.kind == word && !keywords[t.text]
}

// str takes a string.
func (p *parser) str() string {
	t := p.peek()
	if !p.isString() {
		p.refuse("syntax error")
	}
	if r, ok := newer[t.text]; ok && t.kind == word {
		p.note(fault{line: t.line, why: fmt.Sprintf("%q is a word of the language", t.text), unsure: from(r)})
	}
	return p.take().text
}

func (p *parser) number(least, most int64, what string) int64 {
	if p.peek().kind != number {
		p.refuse("syntax error")
	}
	t := p.take()
	if t.n < least || t.n > most {
		p.refuse(fmt.Sprintf("%d is no %s (%d to %d)", t.n, what, least, most))
	}
	return t.n
}

func (p *parser) note(f fault) {
	if f.file = p.fileName(); f.line == 0 {
		f.line = p.peek().line
	}
	if p.lost {
		f.refused, f.unsure = 0, f.unsure|f.refused
	}
	if len(p.set.faults) < maxFaults {
		p.set.faults = append(p.set.faults, f)
	}
}

// maxFaults bounds what is noted of one text.
const maxFaults = 1000

func (p *parser) fileName() string {
	if len(p.files) == 0 {
		return ""
	}
	return p.file().name
}

// refuse ends the statement: no release takes it. Where a word is in it that we know too little of, that is not told.
func (p *parser) refuse(why string) {
	t := p.peek()
	f := fault{line: t.line, why: why, refused: every}
	switch {
	case t.kind == end && t.text != "":
		f.refused, f.unsure, f.why = 0, every, t.text
	case t.kind == broken:
		f.why = t.text
	}
	for _, w := range append(p.now, t) {
		if w.kind == word && doubtful[w.text] {
			f.refused, f.unsure = 0, every
		}
	}
	if f.line == 0 && len(p.now) > 0 {
		f.line = p.now[len(p.now)-1].line
	}
	p.note(f)
	panic(halt{})
}

// doubt ends the statement: it cannot be told whether a release takes it.
func (p *parser) doubt(why string, of ...releases) {
	f := fault{why: why, unsure: every}
	if len(of) > 0 {
		f.unsure = of[0]
		f.refused = every &^ of[0]
	}
	p.note(f)
	panic(halt{})
}

// unsure notes that it cannot be told whether a release takes what is being read.
func (p *parser) unsure(why string) { p.note(fault{why: why, unsure: every}) }

// wrong notes that no release takes it.
func (p *parser) wrong(why string) { p.note(fault{why: why, refused: every}) }

// needs notes that older releases do not take it.
func (p *parser) needs(r Release, why string) {
	p.note(fault{why: why + " (before FreeBSD " + r.String() + ")", refused: before(r)})
}

// lines passes over ends of lines, which lists may have within.
func (p *parser) lines() {
	for p.peek().kind == '\n' {
		p.take()
	}
}

// list reads one item, or several in braces.
func (p *parser) list(item func()) {
	if !p.is("{") {
		item()
		return
	}
	p.braced(item)
}

// braced reads the items of a list behind its brace, and the one that ends it.
func (p *parser) braced(item func()) {
	p.lines()
	for {
		item()
		p.lines()
		if p.is("}") {
			return
		}
		p.is(",")
	}
}

func (t token) String() string {
	switch t.kind {
	case quoted:
		return `"` + t.text + `"`
	case word, number:
		return t.text
	case arrow:
		return "->"
	case within:
		return "><"
	case beyond:
		return "<>"
	}
	return strings.TrimSpace(string(t.kind))
}
