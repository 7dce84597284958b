package site

import (
	"strings"
)

// tomlValue is an answer as the file has it.
func tomlValue(f Field, text string) string {
	if f.List {
		return tomlList(f, text)
	}
	return tomlWord(f, text)
}

func tomlWord(f Field, text string) string {
	switch {
	case f.bare && text == "":
		return "0"
	case f.bare:
		return text
	}
	return `"` + text + `"` // no answer has a quote, a backslash or a control character in it; the save reads it back
}

func tomlList(f Field, text string) string {
	words := split(text)
	for i, word := range words {
		words[i] = tomlWord(f, word)
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// restyle gives a new value the looks of the old one: the kind of quotes, and lines and comments of an array.
func restyle(old, value string) string {
	switch {
	case strings.HasPrefix(old, "'") && strings.HasPrefix(value, `"`) && !strings.HasPrefix(old, "''"):
		return "'" + strings.Trim(value, `"`) + "'"
	case strings.HasPrefix(old, "[") && strings.HasPrefix(value, "[") && strings.Contains(old, "\n"):
		return relist(old, value)
	}
	return value
}

// element is one element of an array over several lines, with the comments that go with it.
type element struct {
	text   string
	before []string // comment lines above it
	beside string   // the comment on its line
}

// relist writes the elements of value in the lines of old. An element that stays keeps its comments; those of one that goes
// stay at the end, for they are the operator's.
func relist(old, value string) string {
	had, rest := elements(old)
	newline, indent := "\n", "  "
	if strings.Contains(old, "\r\n") {
		newline = "\r\n"
	}
	if lines := strings.SplitN(old, "\n", 3); len(lines) > 2 {
		indent = lines[1][:len(lines[1])-len(strings.TrimLeft(lines[1], " \t"))]
	}
	closing := old[strings.LastIndexByte(old, '\n')+1 : len(old)-1]
	if strings.TrimSpace(closing) != "" {
		closing = ""
	}
	lines := []string{"["}
	wanted, _ := elements(value)
	used := map[string]bool{}
	for _, w := range wanted {
		line := indent + w.text + ","
		for _, h := range had {
			if same(h.text, w.text) && !used[w.text] {
				used[w.text] = true
				for _, c := range h.before {
					lines = append(lines, indent+c)
				}
				line = strings.TrimRight(indent+h.text+", "+h.beside, " ")
			}
		}
		lines = append(lines, line)
	}
	for _, h := range had {
		if !used[tidy(h.text)] {
			rest = append(append(rest, h.before...), h.beside)
		}
	}
	for _, c := range rest {
		if c != "" {
			lines = append(lines, indent+c)
		}
	}
	return strings.Join(append(lines, closing+"]"), newline)
}

// elements takes an array apart. The comments after the last element are the rest.
func elements(array string) (list []element, rest []string) {
	s := scanner{text: array, at: 1, arrays: map[string]int{}}
	fresh := true // on a line without an element so far
	for s.at < len(array)-1 && s.err == nil {
		switch c := array[s.at]; {
		case c == '\n':
			fresh = true
			s.at++
		case strings.IndexByte(" \t\r,", c) >= 0:
			s.at++
		case c == '#':
			start := s.at
			s.at = lineEnd(array, s.at)
			comment := strings.TrimRight(array[start:s.at], " \t\r")
			if !fresh {
				list[len(list)-1].beside = strings.TrimSpace(list[len(list)-1].beside + " " + comment)
			} else {
				rest = append(rest, comment)
			}
		default:
			start := s.at
			s.value(nil)
			list = append(list, element{text: array[start:s.at], before: rest})
			rest, fresh = nil, false
		}
	}
	return list, rest
}

// tidy is an element as we would write it.
func tidy(text string) string {
	if word, err := unquote(text); err == nil && text[0] == '\'' {
		return `"` + word + `"`
	}
	return text
}

func same(a, b string) bool { return tidy(a) == tidy(b) }
