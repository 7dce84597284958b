//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mutant is one seeded edit. In its file it reads
//
//	# what would go wrong
//	file run/confirm.go
//	- the lines that are there, once, whatever their indentation
//	+ the lines that stand in their place
//	test ./run TestDecision
//
// where the last word, a pattern of the tests that must fail, may be left out.
type mutant struct {
	title, file string
	old, new    []string
	tests, only string
}

// seeded reads the edits of a folder, sorted by file.
func seeded(folder string) ([]mutant, error) {
	paths, err := filepath.Glob(folder + "/*.txt")
	if err != nil {
		return nil, err
	}
	var list []mutant
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		for n, line := range strings.Split(string(text), "\n") {
			word, rest, _ := strings.Cut(strings.TrimRight(line, "\r"), " ")
			if word == "#" {
				list = append(list, mutant{title: rest})
			}
			if strings.TrimSpace(line) == "" {
				continue
			}
			if len(list) == 0 || !list[len(list)-1].take(word, rest) {
				return nil, fmt.Errorf("%s:%d: %q is no line of an edit", path, n+1, line)
			}
		}
	}
	for _, m := range list {
		if m.file == "" || m.tests == "" || len(m.old) == 0 {
			return nil, fmt.Errorf("%q lacks its file, its lines or its test", m.title)
		}
	}
	return list, nil
}

// take takes in one line of an edit.
func (m *mutant) take(word, rest string) bool {
	switch word {
	case "#":
	case "file":
		m.file = rest
	case "-":
		m.old = append(m.old, strings.TrimSpace(rest))
	case "+":
		m.new = append(m.new, rest)
	case "test":
		m.tests, m.only, _ = strings.Cut(rest, " ")
	default:
		return false
	}
	return true
}

func (m mutant) named(words []string) bool {
	return len(words) == 0 || slices.ContainsFunc(words, func(w string) bool { return strings.Contains(m.file+": "+m.title, w) })
}

// broken is the file with the edit made. An edit that does not fit exactly one place is an error: the seed has grown old.
func (m mutant) broken() (string, error) {
	text, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	lines := strings.Split(string(text), "\n")
	at := -1
	for i := range lines {
		if i+len(m.old) > len(lines) || !slices.EqualFunc(m.old, lines[i:i+len(m.old)], func(a, b string) bool { return a == strings.TrimSpace(b) }) {
			continue
		}
		if at >= 0 {
			return "", fmt.Errorf("what it edits stands at lines %d and %d", at+1, i+1)
		}
		at = i
	}
	if at < 0 {
		return "", fmt.Errorf("what it edits is not there any more: %q", m.old[0])
	}
	return strings.Join(slices.Concat(lines[:at], m.new, lines[at+len(m.old):]), "\n"), nil
}
