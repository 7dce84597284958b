package site

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// printable drops what must not reach a screen out of a file's own text.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return -1
}

// secretWords are parts of keys that people keep secrets under, without their hyphens and underscores.
var secretWords = []string{"password", "passwd", "passphrase", "privatekey", "presharedkey", "secret", "token"}

// secrets refuses every key that looks like one for a secret, wherever it stands. The value is not repeated.
func (r *reader) secrets() {
	bare := strings.NewReplacer("_", "", "-", "", " ", "")
	look := func(path []string, line int) {
		for i, part := range path {
			if i == 1 && path[0] == "host" {
				continue // the name of a host
			}
			name := bare.Replace(strings.ToLower(part))
			if slices.ContainsFunc(secretWords, func(w string) bool { return strings.Contains(name, w) }) {
				r.errs = append(r.errs, fmt.Errorf("%s:%d: %s: secrets are never stored here; take it out, postern asks when it needs one (or --askpass CMD answers)",
					r.name, line, keyText(path)))
				return
			}
		}
	}
	for _, sec := range r.sections {
		look(sec.path, sec.line)
	}
	for _, e := range r.entries {
		look(e.path, e.line)
	}
}

// children lists the names right under a table, in the order of the file.
func (r *reader) children(table string) []string {
	var names []string
	add := func(path []string) {
		if len(path) > 1 && path[0] == table && !slices.Contains(names, path[1]) {
			names = append(names, path[1])
		}
	}
	type place struct {
		line int
		path []string
	}
	var places []place
	for _, sec := range r.sections {
		places = append(places, place{sec.line, sec.path})
	}
	for _, e := range r.entries {
		places = append(places, place{e.line, e.path})
	}
	slices.SortStableFunc(places, func(a, b place) int { return a.line - b.line })
	for _, p := range places {
		add(p.path)
	}
	return names
}

// hosts makes the hosts of the file. When it names fewer than two, the usual ones (proxy, mail) are there for the other roles.
func (r *reader) hosts() {
	usual := r.site.Hosts
	r.site.Hosts = nil
	if v, there := r.at([]string{"host"}); there {
		if _, ok := v.(map[string]any); !ok {
			r.fail([]string{"host"}, "is a table, written [host.NAME]")
			return
		}
	}
	for _, name := range r.children("host") {
		path := []string{"host", name}
		if v, _ := r.at(path); v != nil {
			if _, ok := v.(map[string]any); !ok {
				r.fail(path, "is a table, written [host.NAME]")
				continue
			}
		}
		role := Role("")
		for _, u := range usual {
			if u.Name == name {
				role = u.Role
			}
		}
		if v, there := r.at(append(path, "role")); there {
			role = Role(strings.ToLower(strings.TrimSpace(fmt.Sprint(v)))) // what it must be is said by its Field
		}
		if role == "" {
			r.fail(path, `has no role; write role = "proxy" or role = "mail" under it`)
		}
		if _, err := r.site.AddHost(name, role); err != nil {
			r.errs = append(r.errs, fmt.Errorf("%s: %w", r.where(path), err))
		}
	}
	if v, _ := r.at([]string{"layout"}); len(r.site.Hosts) > 1 || len(r.site.Hosts) > 0 && v == "toaster" {
		return
	}
	for _, u := range usual {
		if len(r.site.HostsOf(u.Role)) > 0 || r.site.Host(u.Name) != nil {
			continue
		}
		if u.Role == Proxy {
			r.site.Hosts = slices.Insert(r.site.Hosts, 0, u)
		} else {
			r.site.Hosts = append(r.site.Hosts, u)
		}
	}
}

// jails makes the jails of the file.
func (r *reader) jails() {
	v, there := r.at([]string{"jail"})
	if !there {
		return
	}
	list, ok := tables(v)
	if !ok {
		r.fail([]string{"jail"}, "is a list of tables, each written [[jail]]")
		return
	}
	for i, jail := range list {
		path := []string{"jail", item(i)}
		r.known[strings.Join(append(path, "name"), "\x00")] = true
		name, ok := jail["name"].(string)
		if !ok {
			r.fail(path, "has no name; write name = \"…\" under it")
			continue
		}
		if err := r.site.AddJail(name); err != nil {
			r.errs = append(r.errs, fmt.Errorf("%s: %w", r.where(path), err))
		}
	}
}

// answers sets every Field that the file has.
func (r *reader) answers() {
	for _, f := range Fields(r.site) {
		path := f.parts()
		r.known[strings.Join(path, "\x00")] = true
		v, there := r.at(path)
		if !there {
			continue
		}
		text, err := plain(v, f.List)
		if err != nil {
			r.fail(path, "%w", err)
		} else if err := f.Set(r.site, text); err != nil {
			r.errs = append(r.errs, fmt.Errorf("%s: %w", r.where(path), err))
		}
	}
}

// parts is where the Field stands in the file.
func (f Field) parts() []string {
	if f.path != nil {
		return f.path
	}
	return strings.Split(f.Key, ".")
}

// plain is a value of the file as the text of an answer.
func plain(v any, list bool) (string, error) {
	switch v := v.(type) {
	case map[string]any, []map[string]any:
		return "", fmt.Errorf("is a table; a value is wanted")
	case []any:
		if !list {
			return "", fmt.Errorf("is a list; one value is wanted")
		}
		var words []string
		for _, each := range v {
			word, err := plain(each, false)
			if err != nil {
				return "", err
			}
			words = append(words, word)
		}
		return strings.Join(words, ", "), nil
	}
	if at, ok := v.(time.Time); ok && at.Location().String() == "date-local" {
		return at.Format(time.DateOnly), nil
	}
	return fmt.Sprint(v), nil
}

// rest looks at the keys that are no answers: they stay, and are told.
func (r *reader) rest() {
	fields := Fields(r.site)
	for _, e := range r.entries {
		path := strings.Join(e.path, "\x00")
		if r.known[path] || r.text[e.start] == '{' || e.path[0] == "jail" && len(e.path) < 3 {
			continue
		}
		if i := slices.IndexFunc(fields, func(f Field) bool { return strings.HasPrefix(strings.Join(f.parts(), "\x00"), path+"\x00") }); i >= 0 {
			r.fail(e.path, "is a table, written [%s]", r.key(e.path))
			continue
		}
		r.unknown = append(r.unknown, fmt.Sprintf("%s:%d: %s is not a key of postern and is left alone%s", r.name, e.line, r.key(e.path), hint(r.key(e.path), fields)))
	}
}
