package does

import (
	"slices"
	"strings"
)

// Syntax is how a kind of file says its settings.
type Syntax struct {
	split func(text string) []statement
	equal string // what stands between a new name and its value
}

// statement is a setting, or else a line or more without a name.
type statement struct {
	text                 string // all of it, with its line's end
	section, name, value string
	before, after        string // of the value, where it is a setting
	loose                bool   // no new setting goes right behind it
}

// Put gives a key its value in a text, wherever it stands: which of several lines counts is then no matter. Where it does not
// stand, it is added to its section.
func (s Syntax) Put(text string, k Key) string {
	list, found, last := s.split(text), false, -1
	for i := range list {
		it := &list[i]
		if it.section != k.Section {
			continue
		}
		if !it.loose {
			last = i
		}
		if it.name == k.Name {
			if found = true; it.value != k.Value {
				it.text = it.before + k.Value + it.after
			}
		}
	}
	if !found {
		line := k.Name + s.equal + k.Value + "\n"
		if last < 0 && k.Section != "" {
			if line, last = "["+k.Section+"]\n"+line, len(list)-1; last >= 0 {
				line = "\n" + line
			}
		}
		if last >= 0 {
			list[last].text = ended(list[last].text)
		}
		list = slices.Insert(list, last+1, statement{text: line})
	}
	var b strings.Builder
	for _, it := range list {
		b.WriteString(it.text)
	}
	return b.String()
}

// without is a text in which a key does not stand.
func (s Syntax) without(text string, k Key) string {
	var b strings.Builder
	for _, it := range s.split(text) {
		if it.section != k.Section || it.name != k.Name {
			b.WriteString(it.text)
		}
	}
	return b.String()
}

// ended is a text that more lines can be added to.
func ended(text string) string {
	if text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\n"
}

// comment says whether a line is one, by what such begins with, or empty.
func comment(line, begins string) bool {
	line = strings.TrimSpace(line)
	return line == "" || strings.Contains(begins, line[:1])
}

// lineEnd is what ends a line: nothing at the end of a text that has no newline there.
func lineEnd(line string) string { return line[len(strings.TrimRight(line, "\r\n")):] }
