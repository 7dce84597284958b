package site

import (
	"fmt"
	"strconv"
)

// with is the file with the answers of a site put in: those that differ from what it says, those that differ from the usual
// value, and those asked for. The result has been read back, and says what the site says.
func (r *reader) with(s *Site, asked map[string]bool) (*reader, error) {
	d := &document{r.layout}
	if d.text == "" {
		d.text = header
	}
	d.putAll(r, s, asked)
	if d.text == r.text {
		return r, nil
	}
	back, err := read(r.name, d.text)
	if err != nil {
		return nil, fmt.Errorf("%s: the answers do not fit each other: %w", r.name, err)
	}
	if key := unlike(back.site, s); key != "" {
		return nil, fmt.Errorf("%s: %s %w; edit it by hand", r.name, key, errScan)
	}
	return back, nil
}

func (d *document) putAll(r *reader, s *Site, asked map[string]bool) {
	if r.schema != schema || r.find([]string{"schema"}) == nil {
		d.put([]string{"schema"}, strconv.Itoa(schema))
	}
	if s.Revision != r.site.Revision {
		d.put([]string{"revision"}, strconv.Itoa(s.Revision))
	}
	for _, f := range doneFields(r.site) {
		if f.Get(s) == "" {
			d.drop(f.path)
		}
	}
	for _, h := range r.site.Hosts {
		if s.Host(h.Name) == nil {
			d.forget([]string{"host", h.Name})
		}
	}
	usual := baseline(s)
	for _, f := range Fields(s) {
		path, text := f.path, f.Get(s)
		if path[0] == "jail" && d.find([]string{"jail", path[1], "name"}) == nil {
			d.section("[[jail]]", assign([]string{"name"}, `"`+f.of+`"`))
		}
		changed := text != f.Get(usual) || asked[f.Key] && text != ""
		if r.find(path) != nil {
			changed = text != f.Get(r.site)
		}
		if changed {
			d.put(path, tomlValue(f, text))
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
	diffs := differences(a, b)
	switch {
	case a.Revision != b.Revision:
		return "revision"
	case len(a.Jails) != len(b.Jails): // a jail may have a name, and no answers
		return "jail"
	case len(diffs) > 0:
		return diffs[0].Key
	}
	return ""
}
