package pf

import (
	"strings"
)

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
