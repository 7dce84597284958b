package site

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// node is a key with its value, an element of an array, or a [header]: where it stands in the text, in bytes.
type node struct {
	path       []string // whole, from the root; elements of arrays are named by item
	table      []string // what the [header] above it says; a header's own path
	at         int      // its key, or its header
	start, end int      // its value
	header     bool
	inline     bool // it stands inside another value
}

// element says whether it is an element of an array: that has no key.
func (n node) element() bool { return n.inline && n.at == n.start }

// layout says where everything is in a TOML text, in its order.
type layout struct {
	text  string
	nodes []node
	index map[string]int // by joined path: the node of it, or else the first one under it
}

// item names the nth element of an array, in a path.
func item(n int) string { return "#" + strconv.Itoa(n) }

// joined is a path as the key of a map.
func joined(path []string) string { return strings.Join(path, "\x00") }

// first is the node of a path, or else the first one under it, or nil.
func (l layout) first(path []string) *node {
	if i, ok := l.index[joined(path)]; ok {
		return &l.nodes[i]
	}
	return nil
}

// find is the node of a path, or nil.
func (l layout) find(path []string) *node {
	if n := l.first(path); n != nil && len(n.path) == len(path) {
		return n
	}
	return nil
}

// line is the line of a place in the text, from 1.
func (l layout) line(at int) int { return 1 + strings.Count(l.text[:at], "\n") }

// deepest bounds the nesting of values and the parts of keys: the TOML parser takes minutes for thousands of them.
const deepest = 16

var (
	errScan = errors.New("is written in a way that postern cannot change in place")
	errDeep = fmt.Errorf("has values or keys more than %d levels deep, which no answers have", deepest)
)

// token is a piece of TOML text: a string (up to two quotes may stand before the three that close it), a comment, a sign, a
// line end, or anything else without white space. A string that nothing closes is one too: no text is gone through twice.
var token = regexp.MustCompile(`(?s)"""(?:\\.|[^\\])*?(?:"{3,5}|\\?$)|'''.*?(?:'{3,5}|$)|"(?:\\.|[^"\\\n])*"?|'[^'\n]*'?|` +
	`#[^\n]*|[\[\]{}=,.\n]|[^\s\[\]{}=,.#"'\x{feff}]+`)

// scan finds where the keys of a TOML text stand, so that a value can be changed and all else stay. For a text that is not
// valid it may say anything, but ends soon.
func scan(text string) (layout, error) {
	end := []int{len(text), len(text)}
	s := scanner{tokens: append(token.FindAllStringIndex(text, -1), end), arrays: map[string]int{}}
	s.text, s.index = text, map[string]int{}
	var table []string
	for s.skip(); s.peek() != "" && s.err == nil; s.skip() {
		if s.peek() == "[" {
			table = s.header()
		} else {
			s.pair(table, table, false)
		}
	}
	return s.layout, s.err
}

type scanner struct {
	layout
	tokens [][]int        // those to come, and an empty one at the end of the text
	end    int            // of the one before them
	arrays map[string]int // arrays of tables, by joined path: how many elements so far
	err    error
}

func (s *scanner) peek() string { return s.text[s.tokens[0][0]:s.tokens[0][1]] }

// next goes over a token, which is there in a valid text.
func (s *scanner) next() string {
	text := s.peek()
	if text == "" {
		s.err = cmp.Or(s.err, errScan)
		return ""
	}
	s.end, s.tokens = s.tokens[0][1], s.tokens[1:]
	return text
}

// skip goes over line ends and comments.
func (s *scanner) skip() {
	for s.peek() == "\n" || strings.HasPrefix(s.peek(), "#") {
		s.next()
	}
}

func (s *scanner) add(n node) {
	if len(n.path) > deepest {
		s.err = errDeep
		return
	}
	for k := range n.path {
		if old, ok := s.index[joined(n.path[:k+1])]; !ok || k+1 == len(n.path) && len(s.nodes[old].path) > k+1 {
			s.index[joined(n.path[:k+1])] = len(s.nodes)
		}
	}
	s.nodes = append(s.nodes, n)
}

func (s *scanner) header() []string {
	n := node{at: s.tokens[0][0], header: true}
	s.next()
	array := s.peek() == "["
	if array {
		s.next()
	}
	written := s.key()
	for i, part := range written {
		n.path = append(n.path, part)
		name := joined(n.path)
		if array && i == len(written)-1 {
			s.arrays[name]++
		}
		if count := s.arrays[name]; count > 0 {
			n.path = append(n.path, item(count-1))
		}
	}
	for s.peek() == "]" {
		s.next()
	}
	n.table, n.start, n.end = n.path, n.at, s.end
	s.add(n)
	return n.path
}

// key reads a dotted key.
func (s *scanner) key() (path []string) {
	for {
		part, err := unquote(s.next())
		s.err = cmp.Or(s.err, err)
		path = append(path, part)
		if s.err != nil || s.peek() != "." {
			return path
		}
		s.next()
	}
}

// pair notes key = value.
func (s *scanner) pair(table, under []string, inline bool) {
	at := s.tokens[0][0]
	path := slices.Concat(under, s.key())
	s.next()
	s.value(node{path: path, table: table, at: at, inline: inline})
}

// value notes a value, and the keys and elements in it.
func (s *scanner) value(n node) {
	n.start = s.tokens[0][0]
	at := len(s.nodes)
	if s.add(n); s.err != nil {
		return
	}
	switch s.peek() {
	case "[":
		s.group("]", func(i int) {
			s.value(node{path: slices.Concat(n.path, []string{item(i)}), table: n.table, at: s.tokens[0][0], inline: true})
		})
	case "{":
		s.group("}", func(int) { s.pair(n.table, n.path, true) })
	default: // one token, or several: a number may have dots in it, and a time a blank
		for s.next(); s.peek() != "" && !strings.Contains(",]}#\n", s.peek()[:1]); {
			s.next()
		}
	}
	s.nodes[at].end = s.end
}

// group goes over what stands between brackets, with commas between.
func (s *scanner) group(closing string, each func(int)) {
	s.next()
	s.skip()
	for n := 0; s.err == nil && s.peek() != closing; n++ {
		each(n)
		if s.skip(); s.peek() == "," {
			s.next()
		}
		s.skip()
	}
	s.next()
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
