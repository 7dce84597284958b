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
	layout
	name string // of the file, for errors
	errs []error

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
	r := &reader{name: name, site: Default(), schema: schema}
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
	if _, err := toml.Decode(text, &map[string]any{}); err != nil {
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
		fields := Fields(r.site) // before an empty mark takes its task away
		r.answers(fields)
		r.rest(fields)
	}
	return r, errors.Join(r.errs...)
}

// fail notes what is wrong with the key of a path.
func (r *reader) fail(path []string, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("%s: %s: "+format, append([]any{r.where(path), r.key(path)}, args...)...))
}

// where is file:line of a path, or the file when it has no line.
func (r *reader) where(path []string) string {
	if n := r.first(path); n != nil {
		return fmt.Sprintf("%s:%d", r.name, r.line(n.at))
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

// at is the value of a path, and whether there is one; a table is a map.
func (r *reader) at(path []string) (any, bool) {
	n := r.find(path)
	if n == nil || n.header {
		return map[string]any{}, r.first(path) != nil
	}
	var v struct{ K any }
	_, _ = toml.Decode("K = "+r.text[n.start:n.end], &v) // it was decoded before, with the rest
	return v.K, true
}

// table says whether a path is a table, or nothing; what else it is, is an error.
func (r *reader) table(path []string, written string) bool {
	n := r.find(path)
	if n != nil && !n.header && r.text[n.start] != '{' || r.first(append(path, item(0))) != nil {
		r.fail(path, "is a table, written %s", written)
		return false
	}
	return true
}

// children lists the names right under a table, in the order of the file.
func (r *reader) children(table string) []string {
	var names []string
	for _, n := range r.nodes {
		if len(n.path) > 1 && n.path[0] == table && !slices.Contains(names, n.path[1]) {
			names = append(names, n.path[1])
		}
	}
	return names
}

// version reads schema and revision. An older schema is brought up to ours; there is none older yet but files that say 0.
func (r *reader) version() {
	for key, into := range map[string]*int{"schema": &r.schema, "revision": &r.site.Revision} {
		path := []string{key}
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
