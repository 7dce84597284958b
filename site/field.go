package site

import (
	"fmt"
	"slices"
	"strings"
)

// Field is one answer. Form, flag, TOML key, line-mode question and documentation are all made from Fields.
type Field struct {
	Key      string   // the TOML key, dotted: ports.imaps, host.proxy.ssh
	Title    string   // a few words, for a form
	Help     string   // one or two sentences: what it is for, what is allowed, what empty means
	Choices  []string // the allowed words, when it is one of a few
	List     bool     // several values, separated by commas in text form
	Optional bool     // empty is allowed and means "detect" or "none"
	Alone    bool     // nobody can guess it: it is asked by itself, the others with their usual values together
	Seldom   bool     // hardly anybody changes it: it is listed among the usual values only when it was changed

	of   string // the host, the jail or the task that it is an answer of
	get  func(s *Site, of string) string
	set  func(s *Site, of, text string) error
	bare bool     // a number or true/false: not quoted in the file
	path []string // where it is in the file
}

// Get is the answer as text; lists joined by ", ".
func (f Field) Get(s *Site) string { return f.get(s, f.of) }

// Set gives the answer: the one validator. It trims; its errors name the key, what was given, and what is allowed.
func (f Field) Set(s *Site, raw string) error {
	text, err := clean(raw)
	if err == nil {
		err = f.set(s, f.of, text)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", f.Key, err)
	}
	return nil
}

// Default is what the answer is before anybody gave it, as text.
func (f Field) Default() string { return f.Get(usual) }

var usual = Default()

// label is what of a Field people read.
type label struct{ key, title, help string }

// reading makes the value of a Field from its text.
type reading[T any] func(*Site, string) (T, error)

// always is a reading that needs no look at the rest of the site.
func always[T any](parse func(string) (T, error)) reading[T] {
	return func(_ *Site, text string) (T, error) { return parse(text) }
}

// holder is what holds an answer: the site itself, or its host or jail of a name.
func holder[C any](s *Site, of string) (*C, error) {
	var found any = s
	switch any((*C)(nil)).(type) {
	case *Host:
		h := s.Host(of)
		if h == nil {
			return nil, errAbsent(s, "host", of)
		}
		found = h
	case *Jail:
		i := slices.IndexFunc(s.Jails, func(j Jail) bool { return j.Name == of })
		if i < 0 {
			return nil, errAbsent(s, "jail", of)
		}
		found = &s.Jails[i]
	}
	return found.(*C), nil
}

// value is a Field whose value stands at a place of what holds it.
func value[C, V any](w label, at func(*C) *V, show func(V) string, read reading[V]) Field {
	bare := false
	switch any(*new(V)).(type) {
	case int, bool, []int:
		bare = true
	}
	return Field{
		Key: w.key, Title: w.title, Help: w.help, bare: bare, path: strings.Split(w.key, "."),
		get: func(s *Site, of string) string {
			c, err := holder[C](s, of)
			if err != nil {
				return ""
			}
			return show(*at(c))
		},
		set: func(s *Site, of, text string) error {
			c, err := holder[C](s, of)
			if err != nil {
				return err
			}
			v, err := read(s, text)
			if err == nil {
				*at(c) = v
			}
			return err
		},
	}
}

// one is a Field of a single value.
func one[C any, T comparable](w label, at func(*C) *T, parse reading[T]) Field {
	return value(w, at, func(v T) string { return show(v) }, parse)
}

// maybe is a Field of a single value that may be empty.
func maybe[C any, T comparable](w label, at func(*C) *T, parse func(string) (T, error)) Field {
	f := one(w, at, func(_ *Site, text string) (v T, err error) {
		if text != "" {
			v, err = parse(text)
		}
		return v, err
	})
	f.Optional = true
	return f
}

// many is a Field of a list, which may be empty. What is given twice is kept once.
func many[C any, T comparable](w label, at func(*C) *[]T, parse func(string) (T, error)) Field {
	f := value(w, at, showAll[T], func(_ *Site, text string) ([]T, error) { return each(text, parse) })
	f.List, f.Optional = true, true
	return f
}

// choice is a Field of one word out of a few; optional ones may be empty.
func choice[C any, T ~string](w label, at func(*C) *T, optional bool, allowed ...string) Field {
	parse := func(text string) (T, error) {
		for _, word := range allowed {
			if strings.EqualFold(word, text) {
				return T(word), nil
			}
		}
		return "", fmt.Errorf("%s is not one of %s", quote(text), strings.Join(allowed, ", "))
	}
	f := one(w, at, always(parse))
	if optional {
		f = maybe(w, at, parse)
	}
	f.Choices = allowed
	return f
}

// alone makes a Field one that is asked by itself.
func alone(f Field) Field {
	f.Alone = true
	return f
}

// seldom makes Fields ones that hardly anybody changes.
func seldom(fields []Field) []Field {
	for i := range fields {
		fields[i].Seldom = true
	}
	return fields
}
