package site

import (
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// document is a TOML text that is changed in place: comments, order and keys we do not know stay as they are.
type document struct {
	text string
}

// put gives a key its value, which is TOML text already.
func (d *document) put(path []string, value string) error {
	l, err := scan(d.text)
	if err != nil {
		return err
	}
	parent, leaf := path[:len(path)-1], path[len(path)-1:]
	if e := l.find(path); e != nil {
		d.replace(e.start, e.end, restyle(d.text[e.start:e.end], value))
		return nil
	}
	if e := l.find(parent); len(parent) > 0 && e != nil {
		d.within(l, e, leaf, value)
		return nil
	}
	for i, sec := range l.sections {
		if slices.Equal(sec.path, parent) {
			d.under(l, i, leaf, value)
			return nil
		}
	}
	if e := l.dotted(parent); e != nil {
		d.after(e, path[len(l.sections[e.section].path):], value)
		return nil
	}
	for k := len(parent) - 1; k > 0; k-- {
		if e := l.find(path[:k]); e != nil {
			d.within(l, e, path[k:], value)
			return nil
		}
	}
	d.section("[" + toml.Key(parent).String() + "]")
	return d.put(path, value)
}

// find is the entry of a path, or nil.
func (l layout) find(path []string) *entry {
	for i := range l.entries {
		if slices.Equal(l.entries[i].path, path) {
			return &l.entries[i]
		}
	}
	return nil
}

// dotted is the last entry that makes a table by its dotted key alone, or nil.
func (l layout) dotted(table []string) *entry {
	for i := len(l.entries) - 1; i >= 0; i-- {
		e := &l.entries[i]
		if !e.inline && len(e.path) > len(table) && slices.Equal(e.path[:len(table)], table) &&
			len(l.sections[e.section].path) < len(table) {
			return e
		}
	}
	return nil
}

func (d *document) replace(start, end int, with string) {
	d.text = d.text[:start] + with + d.text[end:]
}

// insert puts a line in at the begin of a line, or at the end of the text.
func (d *document) insert(at int, line string) {
	newline := "\n"
	if strings.Contains(d.text, "\r\n") {
		newline = "\r\n"
	}
	if at > 0 && d.text[at-1] != '\n' {
		line = newline + line
	}
	d.replace(at, at, line+newline)
}

// within adds a key to an inline table.
func (d *document) within(l layout, table *entry, key []string, value string) {
	last := table.start + 1
	comma := ""
	for _, e := range l.entries {
		if e.start > table.start && e.end < table.end && e.end > last {
			last, comma = e.end, ","
		}
	}
	d.replace(last, last, comma+" "+toml.Key(key).String()+" = "+value)
	if comma == "" && d.text[last:] != "" && strings.HasPrefix(strings.TrimLeft(d.text[last:], " "), "}") {
		d.text = d.text[:last] + " " + d.text[last:]
	}
}

// after adds a key on the line after an entry, indented like it.
func (d *document) after(e *entry, key []string, value string) {
	line := strings.TrimPrefix(d.text[lineStart(d.text, d.keyStart(e)):], "\ufeff")
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	d.insert(nextLine(d.text, e.end), indent+toml.Key(key).String()+" = "+value)
}

// keyStart is a place in the line where an entry's key stands.
func (d *document) keyStart(e *entry) int {
	at := 0
	for n := 1; n < e.line; n++ {
		at = nextLine(d.text, at)
	}
	return at
}

// under adds a key to a section: after its last entry, or at its top.
func (d *document) under(l layout, index int, key []string, value string) {
	for i := len(l.entries) - 1; i >= 0; i-- {
		if e := &l.entries[i]; e.section == index && !e.inline {
			d.after(e, key, value)
			return
		}
	}
	at := l.sections[index].body
	if index == 0 {
		at = top(d.text, l)
	}
	d.insert(at, toml.Key(key).String()+" = "+value)
	if index == 0 && at < len(d.text) && len(l.sections) > 1 {
		d.insert(nextLine(d.text, at), "")
	}
}

// top is where the first key goes in a text that has none at its root: after the comment at its head, when an empty line
// tells that it belongs to no section.
func top(text string, l layout) int {
	if len(l.sections) == 1 {
		return len(text)
	}
	head := text[:l.sections[1].start]
	if n := strings.LastIndex(head, "\n\n"); n >= 0 {
		return n + 2
	}
	if n := strings.LastIndex(head, "\r\n\r\n"); n >= 0 {
		return n + 4
	}
	return len(text) - len(strings.TrimPrefix(text, "\ufeff"))
}

// section adds a header at the end of the text.
func (d *document) section(header string) {
	if d.text != "" {
		d.insert(len(d.text), "")
	}
	d.insert(len(d.text), header)
}
