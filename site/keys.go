package site

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// FieldOf is the Field of a key. The error names keys that are near.
func FieldOf(s *Site, key string) (Field, error) {
	key = strings.TrimSpace(key)
	fields := Fields(s)
	if i := slices.IndexFunc(fields, func(f Field) bool { return f.Key == key }); i >= 0 {
		return fields[i], nil
	}
	if key == "schema" || key == "revision" {
		return Field{}, fmt.Errorf("%s: is counted by postern and not set by hand", key)
	}
	if parts := strings.Split(key, "."); len(parts) == 3 && parts[0] == "host" && s.Host(parts[1]) == nil {
		return Field{}, fmt.Errorf("%s: %w", keyText(parts), errAbsent(s, "host", parts[1]))
	}
	return Field{}, fmt.Errorf("%s is not a key%s", quote(key), cmp.Or(hint(key, fields), " (postern fields lists them)"))
}

// Named lists the Fields of keys, in their order; a key that is none has none.
func Named(s *Site, keys []string) []Field {
	fields := Fields(s)
	var list []Field
	for _, key := range keys {
		if i := slices.IndexFunc(fields, func(f Field) bool { return f.Key == key }); i >= 0 {
			list = append(list, fields[i])
		}
	}
	return list
}

// Set gives the answer of a key; the first one of a jail adds it, and the hosts are those of the layout. On an error the site is as before.
func Set(s *Site, key, text string) error {
	layout := s.Layout
	f, err := FieldOf(s, key)
	if err == nil {
		if err = f.Set(s, text); err == nil {
			s.refit(layout)
		}
		return err
	}
	parts := strings.Split(strings.TrimSpace(key), ".")
	if s.Layout != "toaster" || len(parts) != 3 || parts[0] != "jail" {
		return err
	}
	was := s.Jails
	s.Jails = slices.Clone(was)
	if s.AddJail(parts[1]) == nil {
		if f, err = FieldOf(s, key); err == nil {
			err = f.Set(s, text)
		}
	}
	if err != nil {
		s.Jails = was
	}
	return err
}

// AddHost adds a host that has no answers yet.
func (s *Site) AddHost(name string, role Role) (*Host, error) {
	if _, err := hostName(name); err != nil {
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
	if _, err := jailName(name); err != nil {
		return fmt.Errorf("jail: %w", err)
	}
	if name == ReachAll || name == ReachNone {
		return fmt.Errorf("jail: %s: jail.NAME.reach has that word for something else", name)
	}
	for _, j := range s.Jails {
		if strings.EqualFold(j.Name, name) {
			return fmt.Errorf("jail: %s: there is a jail of that name already", name)
		}
	}
	s.Jails = append(s.Jails, Jail{Name: name})
	return nil
}

// errAbsent says that the host or jail of a name is not in the site.
func errAbsent(s *Site, kind, name string) error {
	if kind == "jail" {
		return fmt.Errorf("there is no jail %s; add it to the answers file as [[jail]] with its name", quote(name))
	}
	var names []string
	for _, h := range s.Hosts {
		names = append(names, h.Name)
	}
	return fmt.Errorf("there is no host %s, only %s; add it to the answers file as [host.NAME] with its role",
		quote(name), strings.Join(names, " and "))
}
