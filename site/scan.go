package site

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// entry is one key with its value, and where they stand in the text.
type entry struct {
	path       []string // whole, from the root; elements of arrays are named by item
	line       int      // of the key, from 1
	start, end int      // of the value, in bytes
	section    int      // the section it stands in
	inline     bool     // it stands inside an inline table
}

// section is what stands under one [header]; the first has none.
type section struct {
	path       []string
	line       int
	start, end int // from the header's line to the next header's; the body begins at body
	body       int
}

// layout says where everything is in a TOML text.
type layout struct {
	entries  []entry
	sections []section
}

// item names the nth element of an array, in a path.
func item(n int) string { return "#" + strconv.Itoa(n) }

// scan finds where the keys of a TOML text stand, so that a value can be changed and all else stay. The text has been
// parsed before, and is known to be valid.
func scan(text string) (layout, error) {
	s := scanner{text: text, arrays: map[string]int{}}
	s.sections = []section{{}}
	for s.skip(true); s.at < len(text) && s.err == nil; s.skip(true) {
		if text[s.at] == '[' {
			s.header()
		} else {
			s.pair(s.sections[len(s.sections)-1].path, false)
		}
	}
	s.sections[len(s.sections)-1].end = len(text)
	return s.layout, s.err
}

var (
	errScan = errors.New("is written in a way that postern cannot change in place")
	errDeep = fmt.Errorf("has values or keys more than %d levels deep, which no answers have", deepest)
)

// deepest bounds the nesting of values and the parts of keys: the TOML parser takes minutes for thousands of them.
const deepest = 16

type scanner struct {
	layout
	text   string
	at     int
	err    error
	depth  int
	arrays map[string]int // arrays of tables, by joined path: how many elements so far
}

// peek says whether the text goes on with the prefix.
func (s *scanner) peek(prefix string) bool { return strings.HasPrefix(s.text[s.at:], prefix) }

// take goes over the prefix, which must be there.
func (s *scanner) take(prefix string) {
	if !s.peek(prefix) {
		s.fail()
		return
	}
	s.at += len(prefix)
}

func (s *scanner) fail() {
	if s.err == nil {
		s.err = errScan
	}
	s.at = len(s.text)
}

// skip goes over white space; over line ends and comments too when lines.
func (s *scanner) skip(lines bool) {
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == ' ' || c == '\t' || lines && (c == '\n' || c == '\r'):
			s.at++
		case c == '#' && lines:
			s.at = lineEnd(s.text, s.at)
		case s.at == 0 && s.peek("\ufeff"):
			s.at += len("\ufeff")
		default:
			return
		}
	}
}

func (s *scanner) line() int { return 1 + strings.Count(s.text[:s.at], "\n") }

func (s *scanner) header() {
	start, line := lineStart(s.text, s.at), s.line()
	array := s.peek("[[")
	s.take("[")
	if array {
		s.take("[")
	}
	written := s.key()
	s.take("]")
	if array {
		s.take("]")
	}
	var path []string
	for i, part := range written {
		path = append(path, part)
		name := strings.Join(path, "\x00")
		if array && i == len(written)-1 {
			s.arrays[name]++
		}
		if n := s.arrays[name]; n > 0 {
			path = append(path, item(n-1))
		}
	}
	s.sections[len(s.sections)-1].end = start
	s.sections = append(s.sections, section{path: path, line: line, start: start, body: nextLine(s.text, s.at)})
}

// key reads a dotted key.
func (s *scanner) key() []string {
	var path []string
	for s.err == nil {
		s.skip(false)
		start := s.at
		switch {
		case s.peek(`"`), s.peek(`'`):
			s.quoted(s.text[s.at : s.at+1])
		default:
			for s.at < len(s.text) && !strings.ContainsRune(" \t\r\n.=[]\"'#,{}", rune(s.text[s.at])) {
				s.at++
			}
		}
		part, err := unquote(s.text[start:s.at])
		if err != nil || start == s.at {
			s.fail()
		}
		path = append(path, part)
		if len(path) > deepest {
			s.err = errDeep
		}
		s.skip(false)
		if !s.peek(".") {
			return path
		}
		s.at++
	}
	return path
}

// pair reads key = value.
func (s *scanner) pair(under []string, inline bool) {
	line := s.line()
	path := append(append([]string(nil), under...), s.key()...)
	s.take("=")
	s.skip(false)
	n := len(s.entries)
	s.entries = append(s.entries, entry{path: path, line: line, start: s.at, section: len(s.sections) - 1, inline: inline})
	s.value(path)
	s.entries[n].end = s.at
}

// element goes over one element of an array. One that is a table is an entry: keys can be added to it.
func (s *scanner) element(path []string) {
	if !s.peek("{") {
		s.value(path)
		return
	}
	n := len(s.entries)
	s.entries = append(s.entries, entry{path: path, line: s.line(), start: s.at, section: len(s.sections) - 1, inline: true})
	s.value(path)
	s.entries[n].end = s.at
}

// value goes over a value and notes the keys in it.
func (s *scanner) value(path []string) {
	switch {
	case s.peek(`"""`), s.peek(`'''`):
		s.quoted(s.text[s.at : s.at+3])
	case s.peek(`"`), s.peek(`'`):
		s.quoted(s.text[s.at : s.at+1])
	case s.peek("["):
		s.group("]", func(n int) { s.element(append(append([]string(nil), path...), item(n))) })
	case s.peek("{"):
		s.group("}", func(int) { s.pair(path, true) })
	default:
		end := s.at
		for end < len(s.text) && !strings.ContainsRune(",]}#\r\n", rune(s.text[end])) {
			end++
		}
		end = s.at + len(strings.TrimRight(s.text[s.at:end], " \t"))
		if end == s.at {
			s.fail()
			return
		}
		s.at = end
	}
}

// group goes over what stands between brackets, with commas between.
func (s *scanner) group(closing string, each func(int)) {
	s.at++
	if s.depth++; s.depth > deepest {
		s.err = errDeep
	}
	for n := 0; s.err == nil; n++ {
		s.skip(true)
		if s.peek(closing) {
			break
		}
		each(n)
		s.skip(true)
		if s.peek(",") {
			s.at++
		}
	}
	s.depth--
	s.take(closing)
}

// quoted goes over a string in the quotes given.
func (s *scanner) quoted(quotes string) {
	s.at += len(quotes)
	for s.at < len(s.text) && !s.peek(quotes) {
		if quotes[0] == '"' && s.text[s.at] == '\\' {
			s.at++
		}
		s.at++
	}
	if s.at >= len(s.text) {
		s.fail()
		return
	}
	s.at += len(quotes)
	// up to two quotes may stand before the three that close
	for n := 0; len(quotes) == 3 && n < 2 && s.peek(quotes[:1]); n++ {
		s.at++
	}
}

// unquote is the key or string that a piece of TOML text stands for.
func unquote(text string) (string, error) {
	if text == "" || text[0] != '"' && text[0] != '\'' {
		return text, nil
	}
	var v struct{ K string }
	_, err := toml.Decode("K = "+text, &v)
	return v.K, err
}

func lineStart(text string, at int) int { return strings.LastIndexByte(text[:at], '\n') + 1 }

// lineEnd is where the line ends, before its line end.
func lineEnd(text string, at int) int {
	if n := strings.IndexByte(text[at:], '\n'); n >= 0 {
		return at + n
	}
	return len(text)
}

// nextLine is where the next line begins, or the end of the text.
func nextLine(text string, at int) int { return min(lineEnd(text, at)+1, len(text)) }
