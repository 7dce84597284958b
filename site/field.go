package site

import (
	"fmt"
	"strings"
)

// Field is one answer. Form, flag, TOML key, line-mode question and documentation are all made from Fields.
type Field struct {
	Key      string                    // the TOML key, dotted: ports.imaps, host.proxy.ssh
	Title    string                    // a few words, for a form
	Help     string                    // one or two sentences: what it is for, what is allowed, what empty means
	Choices  []string                  // the allowed words, when it is one of a few
	List     bool                      // several values, separated by commas in text form
	Optional bool                      // empty is allowed and means "detect" or "none"
	Alone    bool                      // nobody can guess it: it is asked by itself, the others with their usual values together
	Seldom   bool                      // hardly anybody changes it: it is listed among the usual values only when it was changed
	Get      func(*Site) string        // the answer as text; lists joined by ", "
	Set      func(*Site, string) error // the one validator; trims; an error names the key, what was given, what is allowed

	bare bool     // a number or true/false: not quoted in the file
	path []string // where it is in the file; nil for the parts of Key
}

// Default is what the answer is before anybody gave it, as text.
func (f Field) Default() string { return f.Get(Default()) }

// words are the parts of a Field that people read.
type words struct{ key, title, help string }

// reading makes the value of a Field from its text.
type reading[T any] func(*Site, string) (T, error)

// always is a reading that needs no look at the rest of the site.
func always[T any](parse func(string) (T, error)) reading[T] {
	return func(_ *Site, text string) (T, error) { return parse(text) }
}

// one is a Field of a single value: at finds it in a site, or is nil when the site has no such host or jail.
func one[T comparable](w words, at func(*Site) *T, parse reading[T]) Field {
	f := Field{Key: w.key, Title: w.title, Help: w.help}
	var zero T
	switch any(zero).(type) {
	case int, bool:
		f.bare = true
	}
	f.Get = func(s *Site) string {
		if p := at(s); p != nil {
			return show(*p)
		}
		return ""
	}
	f.Set = guarded(f.Key, func(s *Site, text string) error {
		p := at(s)
		if p == nil {
			return errAbsent(s, w.key)
		}
		v, err := parse(s, text)
		if err == nil {
			*p = v
		}
		return err
	})
	return f
}

// maybe is a Field of a single value that may be empty.
func maybe[T comparable](w words, at func(*Site) *T, parse reading[T]) Field {
	f := one(w, at, func(s *Site, text string) (T, error) {
		if text == "" {
			var zero T
			return zero, nil
		}
		return parse(s, text)
	})
	f.Optional = true
	return f
}

// alone makes a Field one that is asked by itself.
func alone(f Field) Field {
	f.Alone = true
	return f
}

// seldom makes Fields ones that hardly anybody changes.
func seldom(fields ...Field) []Field {
	for i := range fields {
		fields[i].Seldom = true
	}
	return fields
}

// many is a Field of a list, which may be empty. What is given twice is kept once.
func many[T comparable](w words, at func(*Site) *[]T, parse func(string) (T, error)) Field {
	f := Field{Key: w.key, Title: w.title, Help: w.help, List: true, Optional: true}
	var zero T
	_, f.bare = any(zero).(int)
	f.Get = func(s *Site) string {
		if p := at(s); p != nil {
			return showAll(*p)
		}
		return ""
	}
	f.Set = guarded(f.Key, func(s *Site, text string) error {
		p := at(s)
		if p == nil {
			return errAbsent(s, w.key)
		}
		values, err := each(text, parse)
		if err == nil {
			*p = values
		}
		return err
	})
	return f
}

// choice is a Field of one word out of a few; optional ones may be empty.
func choice[T ~string](w words, at func(*Site) *T, optional bool, allowed ...string) Field {
	parse := always(func(text string) (T, error) {
		for _, word := range allowed {
			if strings.EqualFold(word, text) {
				return T(word), nil
			}
		}
		return "", fmt.Errorf("%s is not one of %s", quote(text), strings.Join(allowed, ", "))
	})
	f := one(w, at, parse)
	if optional {
		f = maybe(w, at, parse)
	}
	f.Choices = allowed
	return f
}

// guarded makes a Set: it trims, refuses what no answer may contain, and names the key in every error.
func guarded(key string, set func(*Site, string) error) func(*Site, string) error {
	return func(s *Site, raw string) error {
		text, err := clean(raw)
		if err == nil {
			err = set(s, text)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	}
}
