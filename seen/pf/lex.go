package pf

// token is one word of a text. A kind that is a character stands for itself.
type token struct {
	kind rune
	text string
	n    int64 // of a number
	line int
	from *source // where it stands: the file, and where in it the token before it ends; nil within a macro
	at   int
}

// The kinds of tokens that are no single character.
const (
	end    rune = -1 - iota
	word        // as it stands: a keyword, or a string
	quoted      // a string in quotes
	number      // digits alone
	arrow       // ->
	within      // ><
	beyond      // <>
	broken      // what cannot be a word; text says why
)

// source is a file that is being read.
type source struct {
	name  string // "" is the text itself
	text  string
	at    int
	line  int
	ended bool // its last line had no end, and was given one
}

// lexer cuts a text into tokens, as pfctl does: macros are put in where they stand, and a word may go on behind one.
type lexer struct {
	files  []*source
	unread []letter
	macro  map[string]string
	work   *int // letters read, of all files together
	bare   bool // the text's last line has no end
}

// letter is one byte, or -1 at the end, and whether it is of a macro: no macro is put into another.
type letter struct {
	c     int
	macro bool
}

func (l *lexer) file() *source { return l.files[len(l.files)-1] }

// get is the next letter; a line that ends in a backslash goes on. In quotes all is as it stands.
func (l *lexer) get(inQuotes bool) letter {
	if *l.work++; *l.work > maxWork {
		return letter{c: -1}
	}
	if n := len(l.unread); n > 0 {
		c := l.unread[n-1]
		l.unread = l.unread[:n-1]
		return c
	}
	c := l.raw()
	for c == '\\' && !inQuotes {
		if c = l.raw(); c != '\n' {
			return letter{c: c}
		}
		l.file().line++
		c = l.raw()
	}
	for c < 0 && len(l.files) > 1 && !inQuotes {
		l.files = l.files[:len(l.files)-1]
		c = l.raw()
	}
	return letter{c: c}
}

func (l *lexer) raw() int {
	f := l.file()
	if f.at == len(f.text) {
		if f.ended || f.at == 0 || f.text[f.at-1] == '\n' || len(l.files) > 1 {
			return -1
		}
		f.ended, l.bare = true, true
		return '\n'
	}
	f.at++
	return int(f.text[f.at-1])
}

func (l *lexer) unget(c letter) { l.unread = append(l.unread, c) }

// put has a macro's text read next.
func (l *lexer) put(text string) {
	for i := len(text) - 1; i >= 0; i-- {
		l.unget(letter{int(text[i]), true})
	}
}

// next is the next token, with the place where it stands.
func (l *lexer) next() token {
	for f := l.file(); len(l.unread) == 0 && len(l.files) > 1 && f.at == len(f.text); f = l.file() {
		l.files = l.files[:len(l.files)-1]
	}
	var from *source
	at := 0
	if len(l.unread) < 3 {
		from, at = l.file(), l.file().at
		for _, c := range l.unread {
			if at--; c.macro {
				from = nil
			}
		}
	}
	t := l.cut()
	t.from, t.at = from, at
	return t
}

func (l *lexer) cut() token {
	c := l.get(false)
	for c.c == ' ' || c.c == '\t' {
		c = l.get(false)
	}
	line := l.file().line
	if c.c == '#' {
		for c.c != '\n' && c.c >= 0 {
			c = l.get(false)
		}
	}
	switch {
	case c.c == '$' && !c.macro:
		return l.expand(line)
	case c.c == '"' || c.c == '\'':
		return l.quote(c.c, line)
	case c.c == '\n':
		line = l.file().line
		l.file().line++
		return token{kind: '\n', line: line}
	case c.c < 0 && *l.work > maxWork:
		return token{kind: end, text: "there is too much to read", line: line}
	case c.c < 0:
		return token{kind: end, line: line}
	}
	if kind, ok := pairs[[2]int{c.c, l.peek()}]; ok {
		l.get(false)
		return token{kind: kind, line: line}
	}
	if digit(c.c) || c.c == '-' {
		if t, ok := l.digits(c, line); ok {
			return t
		}
	}
	if !digit(c.c) && !alpha(c.c) && c.c != ':' && c.c != '_' {
		return token{kind: rune(c.c), line: line}
	}
	return l.word(c, line)
}

var pairs = map[[2]int]rune{{'<', '>'}: beyond, {'>', '<'}: within, {'-', '>'}: arrow}

func (l *lexer) peek() int {
	c := l.get(false)
	l.unget(c)
	return c.c
}
