package site

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

const (
	schema  = 1        // the version of the file's format that this package reads and writes
	biggest = 64 << 10 // bytes of an answers file
)

// reader takes an answers file apart.
type reader struct {
	name   string // of the file, for errors
	text   string
	values map[string]any
	layout
	known map[string]bool // paths that are answers, joined
	errs  []error

	site    *Site
	schema  int // as the file says; schema when it does not
	unknown []string
	notes   []string
}

// Parse reads answers that were copied to a host. Every value passes its Field's Set; all errors are told, one a line.
func Parse(text string) (*Site, error) {
	r, err := read("answers", text)
	if err != nil {
		return nil, err
	}
	return r.site, nil
}

func read(name, text string) (*reader, error) {
	r := &reader{name: name, text: text, known: map[string]bool{}, site: Default(), schema: schema}
	if len(text) > biggest {
		return nil, fmt.Errorf("%s: is too big for an answers file (%d bytes; at most %d)", name, len(text), biggest)
	}
	if n := strings.IndexFunc(text, func(r rune) bool { return r == utf8.RuneError }); n >= 0 && !utf8.ValidString(text) {
		return nil, fmt.Errorf("%s:%d: not UTF-8 text", name, 1+strings.Count(text[:n], "\n"))
	}
	if strings.Contains(text, "PRIVATE KEY-----") {
		return nil, fmt.Errorf("%s: has a private key in it; secrets are never stored here: take it out, and make a new key", name)
	}
	var odd error
	if r.layout, odd = scan(text); errors.Is(odd, errDeep) {
		return nil, fmt.Errorf("%s: %w", name, odd)
	}
	if _, err := toml.Decode(text, &r.values); err != nil {
		var bad toml.ParseError
		if errors.As(err, &bad) {
			return nil, fmt.Errorf("%s:%d: not valid TOML: %s", name, bad.Position.Line, strings.Map(printable, bad.Message))
		}
		return nil, fmt.Errorf("%s: not valid TOML: %s", name, strings.Map(printable, err.Error()))
	}
	if odd != nil {
		return nil, fmt.Errorf("%s: %w", name, odd)
	}
	r.secrets()
	if len(r.errs) == 0 {
		r.version()
	}
	if len(r.errs) == 0 {
		r.hosts()
		r.jails()
		r.done()
		r.answers()
		r.rest()
	}
	return r, errors.Join(r.errs...)
}

// fail notes what is wrong with the key of a path.
func (r *reader) fail(path []string, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("%s: %s: "+format, append([]any{r.where(path), r.key(path)}, args...)...))
}

// where is file:line of a path, or the file when it has no line.
func (r *reader) where(path []string) string {
	if e := r.find(path); e != nil {
		return fmt.Sprintf("%s:%d", r.name, e.line)
	}
	for _, sec := range r.sections {
		if len(sec.path) >= len(path) && len(path) > 0 && slices.Equal(sec.path[:len(path)], path) {
			return fmt.Sprintf("%s:%d", r.name, sec.line)
		}
	}
	for _, e := range r.entries {
		if len(e.path) >= len(path) && slices.Equal(e.path[:len(path)], path) {
			return fmt.Sprintf("%s:%d", r.name, e.line)
		}
	}
	return r.name
}

// key is a path as people write it: jails by their names, other elements of arrays by nothing.
func (r *reader) key(path []string) string {
	var parts []string
	for i, part := range path {
		n := -1
		if _, err := fmt.Sscanf(part, "#%d", &n); err != nil {
			parts = append(parts, part)
		} else if i == 1 && path[0] == "jail" && n >= 0 && n < len(r.site.Jails) {
			parts = append(parts, r.site.Jails[n].Name)
		}
	}
	return keyText(parts)
}

// keyText is a key of the file, quoted where it must be and bounded, so that it can be printed.
func keyText(parts []string) string {
	text := strings.Map(printable, toml.Key(parts).String())
	if len(text) > 2*quoted {
		return strings.ToValidUTF8(text[:2*quoted], "") + "…"
	}
	return text
}

// at is the value of a path.
func (r *reader) at(path []string) (any, bool) {
	var v any = r.values
	for _, part := range path {
		if here, ok := v.(map[string]any); ok {
			if v, ok = here[part]; !ok {
				return nil, false
			}
			continue
		}
		list, _ := tables(v)
		n := -1
		if _, err := fmt.Sscanf(part, "#%d", &n); err != nil || n < 0 || n >= len(list) {
			return nil, false
		}
		v = list[n]
	}
	return v, true
}

// tables is a value as a list of tables, which has two forms: [[name]] and name = [{…}].
func tables(v any) ([]map[string]any, bool) {
	switch v := v.(type) {
	case []map[string]any:
		return v, true
	case []any:
		var list []map[string]any
		for _, each := range v {
			table, ok := each.(map[string]any)
			if !ok {
				return nil, false
			}
			list = append(list, table)
		}
		return list, true
	}
	return nil, false
}

// version reads schema and revision. An older schema is brought up to ours; there is none older yet but files that say 0.
func (r *reader) version() {
	for key, into := range map[string]*int{"schema": &r.schema, "revision": &r.site.Revision} {
		path := []string{key}
		r.known[key] = true
		v, there := r.at(path)
		if !there {
			continue
		}
		n, ok := v.(int64)
		if !ok || n < 0 || n > 1<<31-1 {
			r.fail(path, "%s is not a number of 0 or more", quote(fmt.Sprint(v)))
			continue
		}
		*into = int(n)
	}
	if r.schema > schema {
		r.fail([]string{"schema"}, "%d was made by a newer postern (this one reads up to %d); use that one, or a newer", r.schema, schema)
	}
	if r.schema < schema {
		r.notes = append(r.notes, fmt.Sprintf("%s: schema %d is read as schema %d, which the next save writes", r.where([]string{"schema"}), r.schema, schema))
	}
}
