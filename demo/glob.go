package demo

import (
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// globbing tells whether a word is a file name pattern as it is written. What only a variable's value makes one is not: no
// script of ours relies on that, and word expansion alone would look with the separators of the system it runs on.
func globbing(w *syntax.Word) bool {
	found := false
	for _, part := range w.Parts {
		switch part := part.(type) {
		case *syntax.Lit:
			for i := 0; i < len(part.Value); i++ {
				switch part.Value[i] {
				case '\\':
					i++
				case '*', '?', '[':
					found = true
				}
			}
		case *syntax.CmdSubst, *syntax.ArithmExp:
			return false // must not be expanded twice
		}
	}
	return found
}

// words expands words into fields.
func (s *shell) words(list []*syntax.Word) ([]string, error) {
	if s.noglob {
		return expand.Fields(s.cfg, list...)
	}
	var out []string
	for _, w := range list {
		if globbing(w) {
			pat, err := expand.Pattern(s.cfg, w)
			if err != nil {
				return nil, err
			}
			if found := s.p.host.files.glob(s.p.dir, pat); len(found) > 0 {
				out = append(out, found...)
				continue
			}
		}
		fields, err := expand.Fields(s.cfg, w)
		if err != nil {
			return nil, err
		}
		out = append(out, fields...)
	}
	return out, nil
}

// glob is the sorted list of paths that a pattern means.
func (f *files) glob(dir, pat string) []string {
	found := []string{""}
	at := func(p string) string {
		if strings.HasPrefix(p, "/") {
			return p
		}
		return dir + "/" + p
	}
	parts := strings.Split(pat, "/")
	for i, part := range parts {
		last := i == len(parts)-1
		var next []string
		for _, before := range found {
			if i > 0 {
				before += "/"
			}
			switch plainPart, isPlain := unescaped(part); {
			case part == "":
				if a, err := f.stat(at(before)); !last || err == nil && a.kind == folder {
					next = append(next, before)
				}
			case isPlain:
				if _, err := f.lstat(at(before + plainPart)); err == nil {
					next = append(next, before+plainPart)
				}
			default:
				names, _ := f.list(at(before))
				for _, name := range names {
					if (name[0] != '.' || part[0] == '.') && match(part, name) {
						next = append(next, before+name)
					}
				}
			}
		}
		found = next
	}
	return found
}

// unescaped is a part of a pattern as a name; isPlain is false when it is a pattern.
func unescaped(part string) (name string, isPlain bool) {
	var b strings.Builder
	for i := 0; i < len(part); i++ {
		switch part[i] {
		case '*', '?', '[':
			return "", false
		case '\\':
			i++
		}
		if i < len(part) {
			b.WriteByte(part[i])
		}
	}
	return b.String(), true
}
