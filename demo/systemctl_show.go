package demo

import (
	"slices"
	"strings"
)

// properties are those that show knows, in the order it prints them.
var properties = []string{"Id", "Requires", "Wants", "After", "Before", "LoadState", "ActiveState", "SubState", "FragmentPath", "UnitFileState", "Type", "MainPID", "Result"}

func (c *call) showUnits(got map[string]string, names []string) int {
	var want []string
	for i, a := range c.args { // every -p counts
		if (a == "-p" || a == "--property") && i+1 < len(c.args) {
			want = append(want, strings.Split(c.args[i+1], ",")...)
		} else if p, ok := strings.CutPrefix(a, "--property="); ok {
			want = append(want, strings.Split(p, ",")...)
		} else if p, ok := strings.CutPrefix(a, "-p"); ok && p != "" {
			want = append(want, strings.Split(p, ",")...)
		}
	}
	for i, name := range names {
		if i > 0 {
			c.out("\n")
		}
		values := c.host.properties(name)
		for _, p := range properties {
			if len(want) > 0 && !slices.Contains(want, p) {
				continue
			}
			if v, ok := values[p]; ok {
				if has(got, "value") {
					c.out("%s\n", v)
				} else {
					c.out("%s=%s\n", p, v)
				}
			}
		}
	}
	return 0
}

func (c *call) listUnits(verb string) int {
	c.host.init.mu.Lock()
	defer c.host.init.mu.Unlock()
	for name, u := range c.host.init.units {
		if u.state != "inactive" && (verb != "list-timers" || strings.HasSuffix(name, ".timer")) {
			c.out("%s loaded %s\n", name, u.state)
		}
	}
	return 0
}

// properties are the values of one unit.
func (h *Host) properties(name string) map[string]string {
	s, at, ok := h.unitFile(name)
	state := h.state(name)
	v := map[string]string{"Id": name, "LoadState": "loaded", "ActiveState": state, "SubState": "dead", "FragmentPath": at,
		"UnitFileState": h.enabled(name), "MainPID": "0", "Result": "success", "Type": s.first("Type")}
	for _, key := range []string{"After", "Before", "Wants", "Requires"} {
		v[key] = strings.Join(s.words(key), " ")
	}
	h.init.mu.Lock()
	known := h.init.units[name] != nil && h.init.units[name].transient
	h.init.mu.Unlock()
	switch {
	case h.enabled(name) == "masked":
		v["LoadState"] = "masked"
	case !ok && !known && !strings.HasSuffix(name, ".target"):
		v["LoadState"] = "not-found"
	}
	if state == "active" {
		v["SubState"] = "running"
		if s.first("Type") == "oneshot" {
			v["SubState"] = "exited"
		}
	} else if state == "failed" {
		v["SubState"], v["Result"] = "failed", "exit-code"
	}
	return v
}
