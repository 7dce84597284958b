package site

import (
	"errors"
	"fmt"
	"strings"
)

// FieldOf is the Field of a key. The error names keys that are near.
func FieldOf(s *Site, key string) (Field, error) {
	key = strings.TrimSpace(key)
	fields := Fields(s)
	for _, f := range fields {
		if f.Key == key {
			return f, nil
		}
	}
	if key == "schema" || key == "revision" {
		return Field{}, fmt.Errorf("%s: is counted by postern and not set by hand", key)
	}
	if parts := strings.Split(key, "."); len(parts) == 3 && (parts[0] == "host" && s.Host(parts[1]) == nil) {
		return Field{}, fmt.Errorf("%s: %w", keyText(parts), errAbsent(s, key))
	}
	return Field{}, fmt.Errorf("%s is not a key%s", quote(key), hint(near(key, fields)))
}

// Set gives the answer of a key. On an error the site is as before.
func Set(s *Site, key, text string) error {
	f, err := FieldOf(s, key)
	if err != nil {
		return err
	}
	return f.Set(s, text)
}

// FieldList is every answer with its default and its help, as text for people.
func FieldList(s *Site) string {
	var b strings.Builder
	for _, f := range Fields(s) {
		value := f.Default()
		if value == "" {
			value = "(empty)"
		}
		fmt.Fprintf(&b, "%s = %s\n    %s: %s\n", f.Key, value, f.Title, f.Help)
		if f.Choices != nil {
			fmt.Fprintf(&b, "    one of %s\n", strings.Join(f.Choices, ", "))
		}
	}
	return b.String()
}

// AddHost adds a host that has no answers yet.
func (s *Site) AddHost(name string, role Role) (*Host, error) {
	if err := checkHostName(name); err != nil {
		return nil, fmt.Errorf("host: %w", err)
	}
	for _, h := range s.Hosts {
		if strings.EqualFold(h.Name, name) {
			return nil, fmt.Errorf("host.%s: there is a host of that name already", name)
		}
	}
	h := &Host{Name: name, Role: role}
	s.Hosts = append(s.Hosts, h)
	return h, nil
}

// AddJail adds a jail that has no answers yet.
func (s *Site) AddJail(name string) error {
	if err := checkJailName(name); err != nil {
		return fmt.Errorf("jail: %w", err)
	}
	for _, j := range s.Jails {
		if strings.EqualFold(j.Name, name) {
			return fmt.Errorf("jail: %s: there is a jail of that name already", name)
		}
	}
	s.Jails = append(s.Jails, Jail{Name: name})
	return nil
}

// errAbsent says that the host or jail of a key is not in the site.
func errAbsent(s *Site, key string) error {
	parts := strings.SplitN(key, ".", 3)
	if parts[0] == "jail" {
		return fmt.Errorf("there is no jail %s; add it to the answers file as [[jail]] with its name", quote(parts[1]))
	}
	if len(s.Hosts) == 0 {
		return errors.New("the site has no hosts")
	}
	var names []string
	for _, h := range s.Hosts {
		names = append(names, h.Name)
	}
	return fmt.Errorf("there is no host %s, only %s; add it to the answers file as [host.NAME] with its role",
		quote(parts[1]), strings.Join(names, " and "))
}

// near lists the keys a mistyped one may have meant, the nearest first; at most two.
func near(key string, fields []Field) []string {
	var found []string
	best := len(key)/3 + 1
	for _, f := range fields {
		d := distance(strings.ToLower(key), f.Key)
		// the last part alone is what people remember
		if last := f.Key[strings.LastIndex(f.Key, ".")+1:]; strings.EqualFold(key, last) {
			d = min(d, 1)
		}
		switch {
		case d < best:
			best, found = d, []string{f.Key}
		case d == best && len(found) > 0 && len(found) < 2:
			found = append(found, f.Key)
		}
	}
	return found
}

// hint is the end of an error about a key, or empty.
func hint(keys []string) string {
	if len(keys) == 0 {
		return " (postern fields lists them)"
	}
	return " (did you mean " + strings.Join(keys, " or ") + ")"
}

// distance counts the bytes to add, drop or change to make a into b.
func distance(a, b string) int {
	if len(a) > 200 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		corner := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			above := row[j]
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above+1, row[j-1]+1, corner+cost)
			corner = above
		}
	}
	return row[len(b)]
}
