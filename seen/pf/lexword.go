package pf

import (
	"math"
	"strconv"
)

// expand puts a macro in, and is the token behind its beginning.
func (l *lexer) expand(line int) token {
	var name []byte
	c := l.get(false)
	for ; digit(c.c) || alpha(c.c) || c.c == '_'; c = l.get(false) {
		name = append(name, byte(c.c))
	}
	l.unget(c)
	text, ok := l.macro[string(name)]
	if !ok {
		return token{kind: broken, text: "macro '" + string(name) + "' not defined", line: line}
	}
	l.put(text)
	return l.cut()
}

func (l *lexer) quote(mark, line int) token {
	var text []byte
	for {
		c := l.get(true)
		switch {
		case c.c < 0:
			return token{kind: broken, text: "a quote that does not end", line: line}
		case c.c == 0 || len(text) > maxMacro:
			return token{kind: end, text: "a quote that cannot be read", line: line}
		case c.c == '\n':
			l.file().line++
			continue
		case c.c == '\\':
			if next := l.get(true); next.c == mark {
				c = next
			} else if next.c == '\n' {
				l.file().line++
				continue
			} else {
				l.unget(next)
			}
		case c.c == mark:
			return token{kind: quoted, text: string(text), line: line}
		}
		text = append(text, byte(c.c))
	}
}

// digits reads a number: digits behind which a word cannot go on.
func (l *lexer) digits(first letter, line int) (token, bool) {
	read := []letter{first}
	c := l.get(false)
	for ; digit(c.c) && len(read) < 32; c = l.get(false) {
		read = append(read, c)
	}
	l.unget(c)
	text := make([]byte, len(read))
	for i, c := range read {
		text[i] = byte(c.c)
	}
	switch c.c {
	case -1, ' ', '\t', '\n', '\r', '\v', '\f', ')', ',', '/', '}', '=':
		n, err := strconv.ParseInt(string(text), 10, 64)
		if err == nil {
			return token{kind: number, text: strconv.FormatInt(n, 10), n: n, line: line}, true
		}
		if len(text) > 1 {
			return token{kind: broken, text: "invalid number", n: math.MaxInt64, line: line}, true
		}
	}
	for i := len(read) - 1; i > 0; i-- {
		l.unget(read[i])
	}
	return token{}, false
}

func (l *lexer) word(c letter, line int) token {
	var text []byte
	for ; inWord(c.c); c = l.get(false) {
		if text = append(text, byte(c.c)); len(text) > 8000 {
			return token{kind: end, text: "a word that is too long", line: line}
		}
	}
	l.unget(c)
	return token{kind: word, text: string(text), line: line}
}

func digit(c int) bool { return '0' <= c && c <= '9' }

func alpha(c int) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// inWord says whether a word goes on with this letter.
func inWord(c int) bool {
	switch c {
	case '(', ')', '{', '}', '<', '>', '!', '=', '/', '#', ',':
		return false
	}
	return ' ' < c && c < 0x7f
}
