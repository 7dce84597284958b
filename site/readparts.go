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
	for _, n := range r.nodes {
		secret := func(part string) bool {
			part = bare.Replace(strings.ToLower(part))
			return slices.ContainsFunc(secretWords, func(w string) bool { return strings.Contains(part, w) })
		}
		parts := n.path
		if len(parts) > 1 && parts[0] == "host" {
			parts = slices.Delete(slices.Clone(parts), 1, 2) // the name of a host
		}
		if !n.element() && slices.ContainsFunc(parts, secret) {
			r.errs = append(r.errs, fmt.Errorf("%s:%d: %s: secrets are never stored here; take it out, postern asks when it needs one (or --askpass CMD answers)",
				r.name, r.line(n.at), keyText(n.path)))
		}
	}
}

// hosts makes the hosts of the file. When it names fewer than two, the usual ones (proxy, mail) are there for the other roles.
func (r *reader) hosts() {
	base := Default()
	r.site.Hosts = nil
	if !r.table([]string{"host"}, "[host.NAME]") {
		return
	}
	for _, name := range r.children("host") {
		path := []string{"host", name}
		if !r.table(path, "[host.NAME]") {
			continue
		}
		role := Role("")
		if u := base.Host(name); u != nil {
			role = u.Role
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
	v, _ := r.at([]string{"layout"})
	if len(r.site.Hosts) > 1 || len(r.site.Hosts) > 0 && v == "toaster" {
		return
	}
	for _, u := range base.Hosts {
		if v == "toaster" && u.Role == Mail || len(r.site.HostsOf(u.Role)) > 0 || r.site.Host(u.Name) != nil {
			continue
		}
		if u.Role == Proxy {
			r.site.Hosts = slices.Insert(r.site.Hosts, 0, u)
		} else {
			r.site.Hosts = append(r.site.Hosts, u)
		}
	}
}

// jails makes the jails of the file: the elements of one array, however it is written.
func (r *reader) jails() {
	if n := r.find([]string{"jail"}); n != nil && (n.header || r.text[n.start] != '[') {
		r.fail(n.path, "is a list of tables, each written [[jail]]")
		return
	}
	for i, of := range r.children("jail") {
		path := []string{"jail", item(i)}
		if n := r.find(path); of != item(i) || n == nil || !n.header && r.text[n.start] != '{' {
			r.fail(path[:1], "is a list of tables, each written [[jail]]")
			return
		}
		v, _ := r.at(append(path, "name"))
		name, ok := v.(string)
		if !ok {
			r.fail(path, "has no name; write name = \"…\" under it")
			continue
		}
		if err := r.site.AddJail(name); err != nil {
			r.errs = append(r.errs, fmt.Errorf("%s: %w", r.where(path), err))
		}
	}
}

// done makes the tasks that are marked as done; other keys beside them are told with the unknown ones.
func (r *reader) done() {
	if !r.table([]string{"done"}, "[done]") {
		return
	}
	for _, task := range r.children("done") {
		if isTask(task) {
			r.site.Done[task] = ""
		}
	}
}

// answers sets every Field that the file has.
func (r *reader) answers(fields []Field) {
	for _, f := range fields {
		path := f.path
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
func (r *reader) rest(fields []Field) {
	ours := map[string]bool{"schema": true, "revision": true} // false for what an answer stands under
	for i := range r.site.Jails {
		ours[joined([]string{"jail", item(i), "name"})] = true
	}
	for _, f := range fields {
		path := f.path
		ours[joined(path)] = true
		for k := 1; k < len(path); k++ {
			ours[joined(path[:k])] = false
		}
	}
	for _, n := range r.nodes {
		mine, above := ours[joined(n.path)]
		switch {
		case mine, n.header, n.element(), r.text[n.start] == '{', n.path[0] == "jail" && len(n.path) < 3:
		case above:
			r.fail(n.path, "is a table, written [%s]", r.key(n.path))
		default:
			r.unknown = append(r.unknown, fmt.Sprintf("%s:%d: %s is not a key of postern and is left alone%s", r.name, r.line(n.at), r.key(n.path), hint(r.key(n.path), fields)))
		}
	}
}
