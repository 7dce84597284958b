package demo

import (
	"fmt"
	"strconv"
	"strings"
)

func echo(s *shell, args []string) {
	args = args[1:]
	end := "\n"
	if len(args) > 0 && args[0] == "-n" {
		args, end = args[1:], ""
	}
	text, stop := escapes(strings.Join(args, " "), false)
	if stop {
		end = ""
	}
	s.say(text + end)
}

func printFormat(s *shell, args []string) {
	args = args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		s.complain("%s: 1: printf: usage: printf format [arg ...]", s.name)
		s.status = 2
		return
	}
	text, ok := format(args[0], args[1:])
	s.say(text)
	if !ok {
		s.status = 1
	}
}

// format is printf: the format again and again until no argument is left.
func format(form string, args []string) (string, bool) {
	var b strings.Builder
	ok := true
	for {
		used, stop, fine := formatOnce(&b, form, &args)
		ok = ok && fine
		if !used || stop || len(args) == 0 {
			return b.String(), ok
		}
	}
}

func formatOnce(b *strings.Builder, form string, args *[]string) (used, stop, ok bool) {
	ok = true
	next := func() string {
		used = true
		if len(*args) == 0 {
			return ""
		}
		a := (*args)[0]
		*args = (*args)[1:]
		return a
	}
	for i := 0; i < len(form); i++ {
		switch {
		case form[i] == '\\':
			n, text, end := escape(form[i:], true)
			b.WriteString(text)
			i += n - 1
			if end {
				return used, true, ok
			}
		case form[i] == '%' && i+1 < len(form) && form[i+1] == '%':
			b.WriteByte('%')
			i++
		case form[i] == '%':
			j := i + 1
			for j < len(form) && strings.IndexByte("-+ #0123456789.*", form[j]) >= 0 {
				j++
			}
			if j == len(form) {
				b.WriteString(form[i:])
				return used, stop, false
			}
			spec := form[i:j]
			for strings.Contains(spec, "*") {
				spec = strings.Replace(spec, "*", next(), 1)
			}
			text, fine, end := conversion(spec, form[j], next)
			b.WriteString(text)
			ok = ok && fine
			if end {
				return used, true, ok
			}
			i = j
		default:
			b.WriteByte(form[i])
		}
	}
	return used, stop, ok
}

// conversion is one %… of a format.
func conversion(spec string, verb byte, next func() string) (text string, ok, stop bool) {
	switch verb {
	case 's':
		return fmt.Sprintf(spec+"s", next()), true, false
	case 'b':
		text, stop = escapes(next(), false)
		return fmt.Sprintf(spec+"s", text), true, stop
	case 'c':
		a := next()
		return fmt.Sprintf(spec+"s", a[:min(1, len(a))]), true, false
	case 'd', 'i', 'u', 'o', 'x', 'X':
		if verb == 'i' || verb == 'u' {
			verb = 'd'
		}
		a := next()
		if a == "" {
			return fmt.Sprintf(spec+string(verb), 0), true, false
		}
		if a[0] == '\'' || a[0] == '"' {
			return fmt.Sprintf(spec+string(verb), (a + "\x00")[1]), true, false
		}
		n, err := strconv.ParseInt(a, 0, 64)
		return fmt.Sprintf(spec+string(verb), n), err == nil, false
	case 'f', 'e', 'g':
		n, err := strconv.ParseFloat(next(), 64)
		return fmt.Sprintf(spec+string(verb), n), err == nil, false
	}
	return spec + string(verb), false, false
}

// escapes replaces backslash sequences as echo and %b do; stop tells that \c was there.
func escapes(s string, inFormat bool) (text string, stop bool) {
	if !strings.Contains(s, `\`) {
		return s, false
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		n, text, end := escape(s[i:], inFormat)
		b.WriteString(text)
		if end {
			return b.String(), true
		}
		i += n - 1
	}
	return b.String(), false
}

// escape reads one backslash sequence: how long it is and what it stands for.
func escape(s string, inFormat bool) (n int, text string, stop bool) {
	if len(s) < 2 {
		return 1, `\`, false
	}
	if at := strings.IndexByte("abfnrtv\\", s[1]); at >= 0 {
		return 2, "\a\b\f\n\r\t\v\\"[at : at+1], false
	}
	switch {
	case s[1] == 'e' && !inFormat:
		return 2, "\x1b", false
	case s[1] == 'c':
		return 2, "", true
	case s[1] == '"' && inFormat:
		return 2, `"`, false
	case s[1] >= '0' && s[1] <= '7':
		from, most := 1, 4
		if !inFormat && s[1] == '0' {
			from, most = 2, 5
		}
		end := from
		for end < len(s) && end < most && s[end] >= '0' && s[end] <= '7' {
			end++
		}
		v, _ := strconv.ParseUint(s[from:end], 8, 16)
		return max(end, 2), string([]byte{byte(v)}), false
	}
	return 1, `\`, false
}
