package demo

import (
	"path"
	"slices"
	"strings"
	"sync"
)

// inits is what a host's systemd knows besides the unit files, which it reads anew each time.
type inits struct {
	mu    sync.Mutex
	units map[string]*unit
}

// unit is one thing that systemd runs.
type unit struct {
	name      string
	state     string // active, inactive, failed, activating, deactivating
	transient bool   // made by systemd-run: it vanishes at its end
	end       func() // stops a timer
	main      *process
}

// unitDirs are where unit files are, the first that has one counts.
var unitDirs = []string{"/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system"}

// settings are a unit file's keys, without their sections: none is in two.
type settings map[string][]string

func (s settings) first(key string) string {
	if len(s[key]) > 0 {
		return s[key][0]
	}
	return ""
}

// words are the words of all lines of a key.
func (s settings) words(key string) []string { return strings.Fields(strings.Join(s[key], " ")) }

// read reads a unit file, and its drop-ins; ok is false when there is none.
func (h *Host) unitFile(name string) (s settings, at string, ok bool) {
	names := []string{name}
	instance := ""
	if before, after, templated := strings.Cut(name, "@"); templated {
		ext := path.Ext(after)
		instance = strings.TrimSuffix(after, ext)
		names = append(names, before+"@"+ext)
	}
	for _, n := range names {
		for _, dir := range unitDirs {
			text, err := h.files.read(dir + "/" + n)
			if err != nil {
				continue
			}
			s, at = settings{}, dir+"/"+n
			s.parse(text, name, instance)
			for _, d := range unitDirs {
				for _, dropped := range names {
					drops, _ := h.files.list(d + "/" + dropped + ".d")
					for _, f := range drops {
						s.parse(h.files.text(d+"/"+dropped+".d/"+f), name, instance)
					}
				}
			}
			return s, at, true
		}
	}
	return nil, "", false
}

// parse adds the lines of a unit file; an empty value forgets those before.
func (s settings) parse(text, name, instance string) {
	text = strings.ReplaceAll(text, "\\\n", " ")
	for _, line := range lines(text) {
		line = strings.TrimSpace(line)
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if value == "" {
			delete(s, key)
			continue
		}
		value = strings.NewReplacer("%i", instance, "%I", strings.ReplaceAll(instance, "-", "/"), "%n", name, "%%", "%").Replace(value)
		s[key] = append(s[key], value)
	}
}

// linked are the targets whose folders have a link to a unit.
func (h *Host) linked(name string) []string {
	var found []string
	for _, dir := range unitDirs {
		entries, _ := h.files.list(dir)
		for _, e := range entries {
			if (strings.HasSuffix(e, ".wants") || strings.HasSuffix(e, ".requires")) && h.isThere(dir+"/"+e+"/"+name) {
				found = append(found, dir+"/"+e+"/"+name)
			}
		}
	}
	return found
}

// isThere is exists for the link itself.
func (h *Host) isThere(p string) bool {
	_, err := h.files.lstat(p)
	return err == nil
}

// enabled is what is-enabled says, empty when there is no such unit.
func (h *Host) enabled(name string) string {
	if a, err := h.files.lstat("/etc/systemd/system/" + name); err == nil && a.kind == symlink && a.target == "/dev/null" {
		return "masked"
	}
	h.init.mu.Lock()
	u := h.init.units[name]
	h.init.mu.Unlock()
	if u != nil && u.transient {
		return "transient"
	}
	s, _, ok := h.unitFile(name)
	switch {
	case !ok:
		return ""
	case len(h.linked(name)) > 0:
		return "enabled"
	case len(s["WantedBy"])+len(s["RequiredBy"])+len(s["Alias"])+len(s["Also"]) == 0:
		return "static"
	}
	return "disabled"
}

// enable makes or removes the links that a unit's [Install] section wants.
func (h *Host) enable(name string, on bool) bool {
	s, at, ok := h.unitFile(name)
	if !on {
		for _, link := range h.linked(name) {
			if strings.HasPrefix(link, "/etc/") {
				h.files.remove(link)
			}
		}
		return ok
	}
	if !ok {
		return false
	}
	for key, ending := range map[string]string{"WantedBy": ".wants", "RequiredBy": ".requires"} {
		for _, target := range s.words(key) {
			dir := "/etc/systemd/system/" + target + ending
			h.files.mkdirAll(dir)
			h.files.symlink(at, dir+"/"+name)
		}
	}
	return true
}

// state is what is-active says.
func (h *Host) state(name string) string {
	h.init.mu.Lock()
	defer h.init.mu.Unlock()
	if u := h.init.units[name]; u != nil {
		return u.state
	}
	return "inactive"
}

// unit is the unit of that name, made when systemd did not know it yet. h.init.mu must be held.
func (h *Host) unit(name string) *unit {
	u := h.init.units[name]
	if u == nil {
		u = &unit{name: name, state: "inactive"}
		h.init.units[name] = u
	}
	return u
}

func (h *Host) setState(name, state string) {
	h.init.mu.Lock()
	defer h.init.mu.Unlock()
	h.unit(name).state = state
}

// wanted are the units that a boot starts, in the order that Before and After ask for.
func (h *Host) wanted() []string {
	var names []string
	for _, dir := range unitDirs {
		entries, _ := h.files.list(dir)
		for _, e := range entries {
			if !strings.HasSuffix(e, ".wants") && !strings.HasSuffix(e, ".requires") {
				continue
			}
			units, _ := h.files.list(dir + "/" + e)
			for _, u := range units {
				if !slices.Contains(names, u) && h.enabled(u) != "masked" {
					names = append(names, u)
				}
			}
		}
	}
	slices.Sort(names)
	after := map[string][]string{}
	for _, n := range names {
		s, _, _ := h.unitFile(n)
		after[n] = append(after[n], s.words("After")...)
		for _, b := range s.words("Before") {
			after[b] = append(after[b], n)
		}
	}
	var order []string
	seen := map[string]bool{}
	var visit func(string)
	visit = func(n string) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, b := range after[n] {
			visit(b)
		}
		if slices.Contains(names, n) {
			order = append(order, n)
		}
	}
	for _, n := range names {
		visit(n)
	}
	return order
}
