package site

import (
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// document is a TOML text that is changed in place: comments, order and keys we do not know stay as they are. Whoever
// changes one reads it back, and so learns whether it says what it should.
type document struct{ layout }

// edit puts other text in place of a piece of it.
func (d *document) edit(start, end int, with string) {
	d.layout, _ = scan(d.text[:start] + with + d.text[end:])
}

// put gives a key its value, which is TOML text already.
func (d *document) put(path []string, value string) {
	parent := path[:len(path)-1]
	if n := d.find(path); n != nil {
		d.edit(n.start, n.end, restyle(d.text[n.start:n.end], value))
		return
	}
	for k := len(parent); k > 0; k-- {
		if n := d.find(path[:k]); n != nil && d.text[n.start] == '{' {
			d.within(n, assign(path[k:], value))
			return
		}
	}
	for i := len(d.nodes) - 1; i >= 0; i-- {
		n := &d.nodes[i]
		if !n.inline && begins(n.path, parent) && len(n.table) <= len(parent) { // the last of the table, or its header
			indent := strings.TrimPrefix(d.text[lineStart(d.text, n.at):n.at], "\ufeff")
			d.insert(nextLine(d.text, n.end), indent+assign(path[len(n.table):], value))
			return
		}
	}
	if len(parent) == 0 {
		d.top(assign(path, value))
		return
	}
	d.section("["+toml.Key(parent).String()+"]", assign(path[len(parent):], value))
}

// begins says whether a path is the other, or under it.
func begins(path, with []string) bool {
	return len(path) >= len(with) && slices.Equal(path[:len(with)], with)
}

// assign is the line of a key and its value.
func assign(key []string, value string) string { return toml.Key(key).String() + " = " + value }

// insert puts a line in at the begin of a line, or at the end of the text.
func (d *document) insert(at int, line string) {
	newline := "\n"
	if strings.Contains(d.text, "\r\n") {
		newline = "\r\n"
	}
	if at > 0 && d.text[at-1] != '\n' {
		line = newline + line
	}
	d.edit(at, at, line+newline)
}

// within adds a key to an inline table.
func (d *document) within(table *node, pair string) {
	last, before, after := table.start+1, " ", " "
	for _, n := range d.nodes {
		if n.start > table.start && n.end < table.end && n.end > last {
			last, before, after = n.end, ", ", ""
		}
	}
	d.edit(last, last, before+pair+after)
}

// top adds the first key at the root of a text: after the comment at its head, when an empty line tells that it belongs to
// no section.
func (d *document) top(line string) {
	if len(d.nodes) == 0 {
		d.insert(len(d.text), line)
		return
	}
	head := d.text[:lineStart(d.text, d.nodes[0].at)]
	at := len(d.text) - len(strings.TrimPrefix(d.text, "\ufeff"))
	for _, blank := range []string{"\n\n", "\r\n\r\n"} {
		if n := strings.LastIndex(head, blank); n >= 0 {
			at = n + len(blank)
		}
	}
	d.insert(at, line)
	d.insert(nextLine(d.text, at), "")
}

// section adds a header and its first line at the end of the text.
func (d *document) section(header, line string) {
	if d.text != "" {
		d.insert(len(d.text), "")
	}
	d.insert(len(d.text), header)
	d.insert(len(d.text), line)
}

// forget takes out the lines of a table: its keys and its header.
func (d *document) forget(table []string) {
	for i := len(d.nodes) - 1; i >= 0; i-- {
		if n := d.nodes[i]; !n.inline && begins(n.path, table) {
			d.edit(lineStart(d.text, n.at), nextLine(d.text, n.end), "")
			i = len(d.nodes)
		}
	}
}

// drop takes a key out: its whole line, where nothing else stands on it.
func (d *document) drop(path []string) {
	n := d.find(path)
	if n.inline || strings.TrimSpace(d.text[n.end:lineEnd(d.text, n.end)]) != "" {
		d.edit(n.start, n.end, `""`)
		return
	}
	d.edit(lineStart(d.text, n.at), nextLine(d.text, n.end), "")
}
