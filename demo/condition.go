package demo

import (
	"strconv"
	"strings"
)

// test is test and [.
func test(s *shell, args []string) {
	words := args[1:]
	if args[0] == "[" {
		if len(words) == 0 || words[len(words)-1] != "]" {
			s.complain("%s: 1: [: missing ]", s.name)
			s.status = 2
			return
		}
		words = words[:len(words)-1]
	}
	c := &condition{s: s, words: words}
	yes := c.or()
	switch {
	case c.bad != "" || c.at < len(words):
		if c.bad == "" {
			c.bad = words[c.at] + ": unexpected operator"
		}
		s.complain("%s: 1: %s: %s", s.name, args[0], c.bad)
		s.status = 2
	case yes:
		s.status = 0
	default:
		s.status = 1
	}
}

// condition is one expression of test being read.
type condition struct {
	s     *shell
	words []string
	at    int
	bad   string
}

func (c *condition) left() int { return len(c.words) - c.at }

func (c *condition) or() bool {
	yes := c.and()
	for c.left() > 0 && c.words[c.at] == "-o" {
		c.at++
		right := c.and()
		yes = yes || right
	}
	return yes
}

func (c *condition) and() bool {
	yes := c.not()
	for c.left() > 0 && c.words[c.at] == "-a" {
		c.at++
		right := c.not()
		yes = yes && right
	}
	return yes
}

func (c *condition) not() bool {
	if c.left() > 1 && c.words[c.at] == "!" && !(c.left() == 3 && binaries[c.words[c.at+1]]) {
		c.at++
		return !c.not()
	}
	return c.primary()
}

var binaries = map[string]bool{"=": true, "==": true, "!=": true, "-eq": true, "-ne": true, "-lt": true, "-le": true, "-gt": true, "-ge": true,
	"-nt": true, "-ot": true, "-ef": true, "<": true, ">": true}

func (c *condition) primary() bool {
	if c.left() == 0 {
		return false
	}
	w := c.words[c.at:]
	switch {
	case len(w) >= 3 && binaries[w[1]]:
		c.at += 3
		return c.compare(w[0], w[1], w[2])
	case w[0] == "(" && len(w) > 2:
		c.at++
		yes := c.or()
		if c.left() == 0 || c.words[c.at] != ")" {
			c.bad = "closing paren expected"
			return false
		}
		c.at++
		return yes
	case len(w) >= 2 && len(w[0]) == 2 && w[0][0] == '-' && strings.IndexByte("bcdefghkLnOprsStuwxzG", w[0][1]) >= 0:
		c.at += 2
		return c.unary(w[0][1], w[1])
	}
	c.at++
	return w[0] != ""
}

func (c *condition) compare(a, op, b string) bool {
	switch op {
	case "=", "==":
		return a == b
	case "!=":
		return a != b
	case "<":
		return a < b
	case ">":
		return a > b
	case "-nt", "-ot", "-ef":
		x, err1 := c.s.p.host.files.stat(c.s.abs(a))
		y, err2 := c.s.p.host.files.stat(c.s.abs(b))
		switch {
		case op == "-ef":
			return err1 == nil && err2 == nil && x.inode == y.inode
		case op == "-nt":
			return err1 == nil && (err2 != nil || x.changed.After(y.changed))
		}
		return err2 == nil && (err1 != nil || y.changed.After(x.changed))
	}
	m, err1 := strconv.ParseInt(strings.TrimSpace(a), 10, 64)
	n, err2 := strconv.ParseInt(strings.TrimSpace(b), 10, 64)
	if err1 != nil || err2 != nil {
		c.bad = "Illegal number: " + a
		if err1 == nil {
			c.bad = "Illegal number: " + b
		}
		return false
	}
	switch op {
	case "-eq":
		return m == n
	case "-ne":
		return m != n
	case "-lt":
		return m < n
	case "-le":
		return m <= n
	case "-gt":
		return m > n
	}
	return m >= n
}

func (c *condition) unary(op byte, arg string) bool {
	switch op {
	case 'n':
		return arg != ""
	case 'z':
		return arg == ""
	case 't':
		return false
	}
	if arg == "" {
		return false
	}
	a, err := c.s.p.host.look(c.s.abs(arg), op != 'h' && op != 'L')
	if err != nil {
		return false
	}
	switch op {
	case 'f':
		return a.kind == plain || a.kind == device && !strings.HasPrefix(c.s.abs(arg), "/dev/")
	case 'd':
		return a.kind == folder
	case 'h', 'L':
		return a.kind == symlink
	case 'c':
		return a.kind == device && strings.HasPrefix(c.s.abs(arg), "/dev/")
	case 'b', 'p', 'S', 'u', 'g', 'k':
		return false
	case 's':
		return a.size > 0 || a.kind == device && c.s.p.host.files.text(c.s.abs(arg)) != ""
	case 'x':
		return a.kind == folder || a.mode&0o111 != 0
	case 'O', 'G':
		return a.uid == 0
	case 'w':
		return a.kind != device || a.mode&0o222 != 0
	}
	return true // -e -r
}
