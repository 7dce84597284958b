package demo

import (
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// sed knows s, p, d, q, a, i and = with addresses by number, $ and expression, and !.
func sed(c *call) int {
	got, rest := c.options("nEre:i")
	script := got["e"]
	if !has(got, "e") {
		if len(rest) == 0 {
			return c.fail(1, "no script")
		}
		script, rest = rest[0], rest[1:]
	}
	commands, err := parseSed(script, has(got, "E", "r"))
	if err != nil {
		return c.fail(1, "-e expression #1: %v", err)
	}
	if has(got, "i") {
		for _, name := range rest {
			text, err := c.load(name)
			if err != nil {
				return c.fail(4, "can't read %s: %s", name, why(err))
			}
			c.host.files.write(c.abs(name), runSed(commands, text, has(got, "n")), 0o644)
		}
		return 0
	}
	var all strings.Builder
	status := c.inputs(rest, func(_, text string) { all.WriteString(text) })
	io.WriteString(c.stdout, runSed(commands, all.String(), has(got, "n")))
	return min(status*2, 2)
}

// sedAddress is a line to act on.
type sedAddress struct {
	number int
	last   bool
	re     *regexp.Regexp
}

type sedCommand struct {
	from, to *sedAddress
	not      bool
	verb     byte
	re       *regexp.Regexp
	with     string
	flags    string
	inside   bool // between from and to
}

var errSed = errors.New("unknown command")

func parseSed(script string, extended bool) ([]*sedCommand, error) {
	var list []*sedCommand
	for {
		script = strings.TrimLeft(script, " \t\n;")
		if script == "" {
			return list, nil
		}
		k := &sedCommand{}
		var err error
		if k.from, script, err = parseSedAddress(script, extended); err != nil {
			return nil, err
		}
		if strings.HasPrefix(script, ",") {
			if k.to, script, err = parseSedAddress(script[1:], extended); err != nil {
				return nil, err
			}
		}
		script = strings.TrimLeft(script, " ")
		if strings.HasPrefix(script, "!") {
			k.not, script = true, strings.TrimLeft(script[1:], " ")
		}
		if script == "" {
			return nil, errSed
		}
		k.verb, script = script[0], script[1:]
		switch k.verb {
		case 's':
			if script, err = k.substitute(script, extended); err != nil {
				return nil, err
			}
		case 'a', 'i', 'c':
			text, after, _ := strings.Cut(strings.TrimLeft(strings.TrimPrefix(strings.TrimLeft(script, " "), "\\"), " \n"), "\n")
			k.with, script = text, after
		case 'p', 'd', 'q', '=':
		default:
			return nil, errSed
		}
		list = append(list, k)
	}
}

func parseSedAddress(s string, extended bool) (*sedAddress, string, error) {
	switch {
	case s == "":
	case s[0] == '$':
		return &sedAddress{last: true}, s[1:], nil
	case s[0] >= '0' && s[0] <= '9':
		end := 0
		for end < len(s) && s[end] >= '0' && s[end] <= '9' {
			end++
		}
		n, err := strconv.Atoi(s[:end])
		return &sedAddress{number: n}, s[end:], err
	case s[0] == '/':
		text, rest, ok := until(s[1:], '/')
		if !ok {
			return nil, "", errors.New("unterminated address regex")
		}
		re, err := pattern(text, extended, false, false)
		return &sedAddress{re: re}, rest, err
	}
	return nil, s, nil
}

// until cuts at the next delimiter that is neither escaped nor in a set.
func until(s string, delim byte) (text, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			if s[i+1] != delim {
				b.WriteByte('\\')
			}
			i++
			b.WriteByte(s[i])
		case s[i] == '[' && delim != '[':
			n := bracketEnd(s[i:])
			if i+n >= len(s) { // no set after all
				n = 1
			}
			b.WriteString(strings.ReplaceAll(s[i:i+n], `\`+string(delim), string(delim)))
			i += n - 1
		case s[i] == delim:
			return b.String(), s[i+1:], true
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false
}

func (k *sedCommand) substitute(s string, extended bool) (rest string, err error) {
	if s == "" {
		return "", errors.New("unterminated `s' command")
	}
	text, s2, ok1 := until(s[1:], s[0])
	with, s3, ok2 := untilPlain(s2, s[0])
	if !ok1 || !ok2 {
		return "", errors.New("unterminated `s' command")
	}
	end := 0
	for end < len(s3) && strings.IndexByte("gpI0123456789", s3[end]) >= 0 {
		end++
	}
	k.with, k.flags = with, s3[:end]
	k.re, err = pattern(text, extended, strings.Contains(k.flags, "I"), false)
	return s3[end:], err
}

// untilPlain cuts at the next delimiter that is not escaped.
func untilPlain(s string, delim byte) (text, rest string, ok bool) {
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
		} else if s[i] == delim {
			return strings.ReplaceAll(s[:i], `\`+string(delim), string(delim)), s[i+1:], true
		}
	}
	return "", "", false
}

func (a *sedAddress) fits(n int, last bool, line string) bool {
	switch {
	case a.last:
		return last
	case a.re != nil:
		return a.re.MatchString(line)
	}
	return n == a.number
}

// applies tells whether a command is meant for a line.
func (k *sedCommand) applies(n int, last bool, line string) bool {
	yes := true
	switch {
	case k.from == nil:
	case k.to == nil:
		yes = k.from.fits(n, last, line)
	case k.inside:
		k.inside = !k.to.fits(n, last, line) && (k.to.number == 0 || n < k.to.number)
	default:
		yes = k.from.fits(n, last, line)
		k.inside = yes && (k.to.number == 0 || n < k.to.number)
	}
	return yes != k.not
}

func runSed(commands []*sedCommand, text string, silent bool) string {
	var b strings.Builder
	all := lines(text)
	for i, line := range all {
		last := i == len(all)-1
		end := "\n"
		if last && !strings.HasSuffix(text, "\n") {
			end = ""
		}
		after, deleted, quit := "", false, false
		for _, k := range commands {
			if !k.applies(i+1, last, line) {
				continue
			}
			switch k.verb {
			case 's':
				was := line
				line = k.replace(line)
				if line != was && strings.Contains(k.flags, "p") {
					b.WriteString(line + end)
				}
			case 'p':
				b.WriteString(line + end)
			case 'd':
				deleted = true
			case 'q':
				quit = true
			case '=':
				b.WriteString(strconv.Itoa(i+1) + "\n")
			case 'a':
				after += k.with + "\n"
			case 'i':
				b.WriteString(k.with + "\n")
			case 'c':
				b.WriteString(k.with + "\n")
				deleted = true
			}
			if deleted || quit {
				break
			}
		}
		if !deleted && !silent {
			b.WriteString(line + end)
		}
		b.WriteString(after)
		if quit {
			break
		}
	}
	return b.String()
}

// replace does one s command.
func (k *sedCommand) replace(line string) string {
	var b strings.Builder
	at := 0
	for _, m := range k.re.FindAllStringSubmatchIndex(line, -1) {
		b.WriteString(line[at:m[0]])
		for i := 0; i < len(k.with); i++ {
			switch {
			case k.with[i] == '&':
				b.WriteString(line[m[0]:m[1]])
			case k.with[i] == '\\' && i+1 < len(k.with):
				i++
				if d := int(k.with[i] - '0'); d >= 0 && d <= 9 {
					if 2*d+1 < len(m) && m[2*d] >= 0 {
						b.WriteString(line[m[2*d]:m[2*d+1]])
					}
				} else if k.with[i] == 'n' {
					b.WriteByte('\n')
				} else {
					b.WriteByte(k.with[i])
				}
			default:
				b.WriteByte(k.with[i])
			}
		}
		at = m[1]
		if !strings.Contains(k.flags, "g") {
			break
		}
	}
	return b.String() + line[at:]
}
