package site

import (
	"cmp"
	"strings"
)

// tomlValue is an answer as the file has it.
func tomlValue(f Field, text string) string {
	words := []string{text}
	if f.List {
		words = split(text)
	}
	for i, word := range words {
		if f.bare {
			words[i] = cmp.Or(word, "0")
		} else {
			words[i] = `"` + word + `"` // no answer has a quote, a backslash or a control character in it; the save reads it back
		}
	}
	if f.List {
		return "[" + strings.Join(words, ", ") + "]"
	}
	return words[0]
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
	text   string   // as it is written
	word   string   // what that means
	before []string // comment lines above it
	beside string   // the comment on its line
}

// relist writes the elements of value in the lines of old. An element that stays keeps its comments; those of one that goes
// stay at the end, for they are the operator's.
func relist(old, value string) string {
	had, left := elements(old)
	wanted, _ := elements(value)
	newline, indent := "\n", "  "
	if strings.Contains(old, "\r\n") {
		newline = "\r\n"
	}
	if lines := strings.SplitN(old, "\n", 3); len(lines) > 2 {
		indent = lines[1][:len(lines[1])-len(strings.TrimLeft(lines[1], " \t"))]
	}
	lines := []string{"["}
	used := map[string]bool{}
	for _, e := range wanted {
		for _, h := range had {
			if h.word == e.word && !used[e.word] {
				used[e.word] = true
				e = h
			}
		}
		for _, c := range e.before {
			lines = append(lines, indent+c)
		}
		lines = append(lines, strings.TrimRight(indent+e.text+", "+e.beside, " "))
	}
	for _, h := range had {
		if !used[h.word] {
			left = append(append(left, h.before...), h.beside)
		}
	}
	for _, c := range left {
		if c != "" {
			lines = append(lines, indent+c)
		}
	}
	closing := old[strings.LastIndexByte(old, '\n')+1 : len(old)-1]
	if strings.TrimSpace(closing) != "" {
		closing = ""
	}
	return strings.Join(append(lines, closing+"]"), newline)
}

// elements takes an array of words or numbers apart. The comments after the last element are left.
func elements(array string) (list []element, left []string) {
	fresh := true // on a line without an element so far
	for _, t := range token.FindAllString(array[1:len(array)-1], -1) {
		switch {
		case t == "\n":
			fresh = true
		case t == ",":
		case t[0] == '#' && fresh:
			left = append(left, strings.TrimRight(t, " \t\r"))
		case t[0] == '#':
			last := &list[len(list)-1]
			last.beside = strings.TrimSpace(last.beside + " " + strings.TrimRight(t, " \t\r"))
		default:
			word, _ := unquote(t)
			list = append(list, element{text: t, word: word, before: left})
			left, fresh = nil, false
		}
	}
	return list, left
}
