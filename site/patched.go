package site

import (
	"fmt"
	"strconv"
)

// patched is the text with the answers of a site put in: those that differ from what it says, those that differ from the
// usual value, and those asked for. The result has been read back, and says what the site says.
func patched(name, text string, s *Site, asked map[string]bool) (string, error) {
	d := &document{text: text}
	if text == "" {
		d.text = header
	}
	r, err := read(name, d.text)
	if err != nil {
		return "", err
	}
	if err := d.putAll(r, s, asked); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if d.text == text {
		return text, nil
	}
	back, err := read(name, d.text)
	if err != nil {
		return "", fmt.Errorf("%s: the answers do not fit each other: %w", name, err)
	}
	if key := unlike(back.site, s); key != "" {
		return "", fmt.Errorf("%s: %s %w; edit it by hand", name, key, errScan)
	}
	return d.text, nil
}

func (d *document) putAll(r *reader, s *Site, asked map[string]bool) error {
	if r.schema != schema || r.find([]string{"schema"}) == nil {
		if err := d.put([]string{"schema"}, strconv.Itoa(schema)); err != nil {
			return err
		}
	}
	if s.Revision != r.site.Revision {
		if err := d.put([]string{"revision"}, strconv.Itoa(s.Revision)); err != nil {
			return err
		}
	}
	if err := d.unmark(r, s); err != nil {
		return err
	}
	usual := baseline(s)
	made := false
	for _, f := range Fields(s) {
		path, text := f.parts(), f.Get(s)
		changed := text != f.Get(usual) || asked[f.Key] && text != ""
		if r.find(path) != nil {
			changed = text != f.Get(r.site)
		}
		if !changed {
			continue
		}
		if path[0] == "jail" && !made {
			d.jails(s)
			made = true
		}
		if err := d.put(path, tomlValue(f, text)); err != nil {
			return err
		}
	}
	if !made {
		d.jails(s)
	}
	return nil
}

// jails makes the table of every jail that has none.
func (d *document) jails(s *Site) {
	for i, j := range s.Jails {
		if l, err := scan(d.text); err == nil && l.find([]string{"jail", item(i), "name"}) == nil {
			d.section("[[jail]]")
			d.insert(len(d.text), `name = "`+j.Name+`"`)
		}
	}
}

// baseline is a site with the usual values of everything, for hosts and jails of the same names: what a file need not say.
func baseline(s *Site) *Site {
	usual := Default()
	named := s.Layout == usual.Layout && len(s.Hosts) == len(usual.Hosts)
	for _, h := range usual.Hosts {
		named = named && s.Host(h.Name) != nil && s.Host(h.Name).Role == h.Role
	}
	if !named { // other hosts than the usual ones: then the file names every one
		usual.Hosts = nil
		for _, h := range s.Hosts {
			usual.Hosts = append(usual.Hosts, &Host{Name: h.Name})
		}
	}
	for _, j := range s.Jails {
		usual.Jails = append(usual.Jails, Jail{Name: j.Name})
	}
	if s.Tunnel.Network.IsValid() {
		// the hosts' addresses in the tunnel move with it, as they do when the file is read
		_ = setNetwork(usual, s.Tunnel.Network.String())
	}
	usual.Tunnel.Network = Default().Tunnel.Network
	return usual
}

// unlike is the key of the first answer in which two sites differ, or empty.
func unlike(a, b *Site) string {
	if a.Revision != b.Revision {
		return "revision"
	}
	if len(a.Hosts) != len(b.Hosts) {
		return "host"
	}
	if len(a.Jails) != len(b.Jails) {
		return "jail"
	}
	for _, f := range append(Fields(a), Fields(b)...) {
		if f.Get(a) != f.Get(b) {
			return f.Key
		}
	}
	return ""
}
