package site

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// What is accepted is harmless in a shell, on a screen and in the file, and comes back as it is.
func FuzzSet(f *testing.F) {
	for i, c := range accepted {
		f.Add(i, c.in)
	}
	f.Add(7, "-oProxyCommand=id")
	f.Add(7, "a@b:22\x00")
	f.Add(30, "10.0.0.0/24; id")
	f.Fuzz(func(t *testing.T, n int, text string) {
		s := full(t)
		fields := Fields(s)
		field := fields[(n%len(fields)+len(fields))%len(fields)]
		if err := field.Set(s, text); err != nil {
			if !utf8.ValidString(err.Error()) || strings.ContainsFunc(err.Error(), unicode.IsControl) {
				t.Errorf("%s: the error cannot be printed: %q", field.Key, err)
			}
			return
		}
		got := field.Get(s)
		for _, r := range got {
			if r > 126 || r < ' ' || strings.ContainsRune("$`\"'\\;&|<>()*?!#~\n{}^", r) || r == ' ' && !field.List {
				t.Errorf("%s accepts %q", field.Key, got)
			}
		}
		for _, word := range split(got) {
			if strings.HasPrefix(word, "-") {
				t.Errorf("%s accepts the option %q", field.Key, word)
			}
		}
		if err := field.Set(s, got); err != nil || field.Get(s) != got {
			t.Errorf("%s: %q became %q, %v", field.Key, got, field.Get(s), err)
		}
	})
}

// No text makes the reader panic, hide a key from the scan, or save what reads back otherwise.
func FuzzRead(f *testing.F) {
	f.Add(handmade)
	for _, text := range []string{
		"a = \"\"\"x\"\"\"\"\"\n", "a = '''x'''''\nb = 1", "'a b'.\"c\\u0041\" = {d = [1,\n2 # x\n], e.f = 'g'}", "[[a]]\n[[a.b]]\nc=1\n[a.d]\ne=2",
		"[[jail]]\nname='a'\nports=[1]", "host.mail={ssh='a',}", "a = [[1],[2,3],{b=1}]", "a=1979-05-27 07:32:00 # c", "\ufeffa=1", "a = {\n b = 1, # c\n}\n",
		"[host.vps]\nrole='proxy'\n", "schema=1\nrevision=2\n[tunnel]\nnetwork='10.1.0.0/16'\n", "domains = [ 'a.example' # x\n , # y\n]\n",
		"[done]\n'a.b' = '2026-11-21' # x\n'c.d' = 2026-11-21\n", "done.'a.b' = ''\n",
		"[jail.'#0']\nname = 'a'\n", "[[jail.'#0']]\nname = 'a'\n", "[[host]]\n['#x']\ny = 1\n", "a = \"\"\"\\\"\"\"\\", "a = \"\\\"\\\"", "ports = {}\ndone = { }\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var values map[string]any
		if _, err := toml.Decode(text, &values); err == nil && utf8.ValidString(text) {
			l, err := scan(text)
			if errors.Is(err, errDeep) {
				return
			}
			if err != nil {
				t.Fatalf("valid, but not scanned: %q", text)
			}
			for _, n := range l.nodes {
				if n.at > n.start || n.start >= n.end || n.end > len(text) {
					t.Errorf("%q: %v is at %d, %d to %d", text, n.path, n.at, n.start, n.end)
				}
			}
			if got, want := leaves(text, l), count(values); got != want {
				t.Errorf("%q: %d keys found, %d are there", text, got, want)
			}
		}
		r, err := read("f", text)
		if err != nil {
			if strings.ContainsFunc(strings.ReplaceAll(err.Error(), "\n", ""), unicode.IsControl) {
				t.Errorf("the error cannot be printed: %q", err)
			}
			return
		}
		s := r.site.Clone()
		set(t, s, "ports.imaps", "1993")
		set(t, s, "domains", "one.example, two.example")
		next, err := r.with(s, nil)
		if err != nil {
			t.Logf("%q: %v", text, err)
			return
		}
		again := next.text
		back, err := read("f", again)
		if err != nil || unlike(back.site, s) != "" {
			t.Errorf("%q saved as %q: %v", text, again, err)
		}
		if len(back.unknown) != len(r.unknown) {
			t.Errorf("%q saved as %q: unknown keys %q, were %q", text, again, back.unknown, r.unknown)
		}
		if strings.Count(again, "#") < strings.Count(text, "#") {
			t.Errorf("%q saved as %q: a comment is lost", text, again)
		}
	})
}

// leaves counts the keys and elements of a layout that are no tables.
func leaves(text string, l layout) int {
	n := 0
	for _, e := range l.nodes {
		if !e.header && text[e.start] != '{' {
			n++
		}
	}
	return n
}

// count counts the keys and elements of a decoded text that are no tables.
func count(v any) int {
	n := 0
	switch v := v.(type) {
	case map[string]any:
		for _, each := range v {
			n += count(each)
		}
	case []map[string]any:
		for _, each := range v {
			n += count(each)
		}
	case []any:
		n++
		for _, each := range v {
			n += count(each)
		}
	default:
		return 1
	}
	return n
}
