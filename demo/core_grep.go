package demo

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
)

func init() {
	register("grep", grep)
	register("sed", sed)
}

// expression turns a POSIX regular expression, basic or extended, into one of Go's.
func expression(s string, extended bool) string {
	var b strings.Builder
	start := true // where * is itself
	for i := 0; i < len(s); i++ {
		c := s[i]
		begins := false
		switch {
		case c == '[':
			n := bracketEnd(s[i:])
			b.WriteString(goBracket(s[i : i+n]))
			i += n - 1
		case c == '\\' && i+1 < len(s):
			i++
			switch e := s[i]; {
			case !extended && strings.IndexByte("(){}|+?", e) >= 0:
				b.WriteByte(e)
				begins = e == '(' || e == '|'
			case e == 'n':
				b.WriteString(`\n`)
			case e == '<' || e == '>':
				b.WriteString(`\b`)
			case strings.IndexByte("bBwWsS", e) >= 0:
				b.WriteString(`\` + string(e))
			default:
				b.WriteString(regexp.QuoteMeta(string(e)))
			}
		case !extended && strings.IndexByte("(){}|+?", c) >= 0:
			b.WriteString(`\` + string(c))
		case !extended && c == '*' && start:
			b.WriteString(`\*`)
		case !extended && c == '^' && !start, !extended && c == '$' && i+1 < len(s) && !strings.HasPrefix(s[i+1:], `\)`) && !strings.HasPrefix(s[i+1:], `\|`):
			b.WriteString(`\` + string(c))
		default:
			b.WriteByte(c)
			begins = c == '^' || extended && (c == '(' || c == '|')
		}
		start = begins
	}
	return b.String()
}

// bracketEnd is how long the set at the start of s is.
func bracketEnd(s string) int {
	i := 1
	if i < len(s) && s[i] == '^' {
		i++
	}
	if i < len(s) && s[i] == ']' {
		i++
	}
	for i < len(s) && s[i] != ']' {
		if strings.HasPrefix(s[i:], "[:") {
			if end := strings.Index(s[i:], ":]"); end > 0 {
				i += end + 1
			}
		}
		i++
	}
	return min(i+1, len(s))
}

// goBracket is a set as Go writes it: a backslash in it is a backslash.
func goBracket(set string) string {
	inner := set[1:]
	out := "["
	if strings.HasPrefix(inner, "^") {
		out, inner = "[^", inner[1:]
	}
	if strings.HasPrefix(inner, "]") {
		out, inner = out+`\]`, inner[1:]
	}
	return out + strings.ReplaceAll(strings.ReplaceAll(inner, `\n`, "\n"), `\`, `\\`)
}

var compiled sync.Map

// pattern compiles an expression, which scripts use again and again.
func pattern(s string, extended, fold, fixed bool) (*regexp.Regexp, error) {
	key := strconv.FormatBool(extended) + strconv.FormatBool(fold) + strconv.FormatBool(fixed) + s
	if re, ok := compiled.Load(key); ok {
		return re.(*regexp.Regexp), nil
	}
	text := regexp.QuoteMeta(s)
	if !fixed {
		text = expression(s, extended)
	}
	if fold {
		text = "(?i)" + text
	}
	re, err := regexp.Compile(text)
	if err == nil {
		re.Longest() // as POSIX has it
		compiled.Store(key, re)
	}
	return re, err
}

func grep(c *call) int {
	got, rest := c.options("EFGivlLcnqsHhoxwae:f:m:r")
	var pats []string
	switch {
	case has(got, "f"):
		text, err := c.load(got["f"])
		if err != nil {
			return c.fail(2, "%s: %s", got["f"], why(err))
		}
		pats = lines(text)
	case has(got, "e"):
		pats = lines(got["e"])
	case len(rest) == 0:
		return c.fail(2, "no pattern")
	default:
		pats, rest = strings.Split(rest[0], "\n"), rest[1:]
	}
	var all []*regexp.Regexp
	for _, p := range pats {
		re, err := pattern(p, has(got, "E"), has(got, "i"), has(got, "F"))
		if err != nil {
			return c.fail(2, "%v", err)
		}
		all = append(all, re)
	}
	g := &grepping{c: c, got: got, all: all, named: len(rest) > 1 && !has(got, "h") || has(got, "H")}
	for _, name := range rest {
		if name == "-" {
			continue
		}
		if a, err := c.host.files.stat(c.abs(name)); err != nil && !has(got, "s") && name != "/dev/stdin" {
			c.fail(2, "%s: %s", name, why(err))
			g.missing = true
		} else if err == nil && a.kind == folder {
			g.missing = true
		} else if err == nil {
			g.file(name, c.host.files.text(c.abs(name)))
		} else if err != nil {
			g.missing = true
		}
	}
	if len(rest) == 0 {
		c.inputs(nil, func(_, text string) { g.file("(standard input)", text) })
	}
	switch {
	case g.found && (!g.missing || has(got, "q")):
		return 0
	case g.missing:
		return 2
	}
	return 1
}

// grepping is one grep at work.
type grepping struct {
	c              *call
	got            map[string]string
	all            []*regexp.Regexp
	named          bool
	found, missing bool
}

// hits is where a line matches.
func (g *grepping) hits(line string) []string {
	for _, re := range g.all {
		if has(g.got, "x") {
			if at := re.FindStringIndex(line); at != nil && at[0] == 0 && at[1] == len(line) {
				return []string{line}
			}
			continue
		}
		if found := re.FindAllString(line, -1); found != nil {
			return found
		}
	}
	return nil
}

func (g *grepping) file(name, text string) {
	n := 0
	for i, line := range lines(text) {
		hits := g.hits(line)
		if (hits != nil) == has(g.got, "v") {
			continue
		}
		n++
		g.found = true
		if has(g.got, "q") {
			return
		}
		if has(g.got, "l") {
			g.c.out("%s\n", name)
			return
		}
		if has(g.got, "c") {
			continue
		}
		before := ""
		if g.named {
			before = name + ":"
		}
		if has(g.got, "n") {
			before += strconv.Itoa(i+1) + ":"
		}
		if !has(g.got, "o") {
			hits = []string{line}
		}
		for _, h := range hits {
			g.c.out("%s%s\n", before, h)
		}
		if most, err := strconv.Atoi(g.got["m"]); err == nil && n >= most {
			break
		}
	}
	if has(g.got, "c") {
		g.c.out("%d\n", n)
	}
}
