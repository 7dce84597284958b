package pf

import (
	"fmt"
	"strings"
)

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
		p.note(fault{line: t.line, why: fmt.Sprintf("%q is a word of the language", t.text), refused: from(r)})
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
