package demo

import (
	"strings"
	"sync"

	"mvdan.cc/sh/v3/syntax"
)

// parsed keeps the long scripts that were parsed last: the same ones come again and again.
var parsed struct {
	mu    sync.Mutex
	files map[string]*syntax.File
	order []string
}

// A script of fewer bytes is parsed each time, and no more than so many are kept.
const (
	parseLong = 2000
	parseMost = 16
)

// parse parses a POSIX script. What it gives is shared, and must not be changed.
func parse(text string) (*syntax.File, error) {
	if len(text) < parseLong {
		return syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(text), "")
	}
	parsed.mu.Lock()
	f := parsed.files[text]
	parsed.mu.Unlock()
	if f != nil {
		return f, nil
	}
	f, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(text), "")
	if err != nil {
		return nil, err
	}
	parsed.mu.Lock()
	defer parsed.mu.Unlock()
	if parsed.files == nil {
		parsed.files = map[string]*syntax.File{}
	}
	if parsed.files[text] == nil {
		parsed.files[text] = f
		parsed.order = append(parsed.order, text)
	}
	if len(parsed.order) > parseMost {
		delete(parsed.files, parsed.order[0])
		parsed.order = parsed.order[1:]
	}
	return f, nil
}
