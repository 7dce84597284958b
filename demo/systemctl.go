package demo

import (
	"strings"
	"syscall"
)

func init() { register("systemctl", systemctl) }

// systemctl knows what people and scripts ask of a running systemd.
func systemctl(c *call) int {
	got, rest := c.options("qp:s:t:alnf")
	if p, ok := got["property"]; ok {
		got["p"] = p
	}
	if sig, ok := got["signal"]; ok {
		got["s"] = sig
	}
	if len(rest) == 0 {
		rest = []string{"list-units"}
	}
	verb, names := rest[0], rest[1:]
	for i, n := range names {
		if !strings.Contains(n, ".") {
			names[i] = n + ".service"
		}
	}
	if run := unitVerbs[verb]; run != nil {
		each := c.eachUnit
		if verb == "is-active" || verb == "is-enabled" {
			each = c.anyUnit
		}
		return each(names, func(name string) int { return run(c, got, name) })
	}
	switch verb {
	case "daemon-reload", "daemon-reexec", "preset", "reset-failed":
		if verb == "reset-failed" {
			return c.eachUnit(names, func(name string) int { return resetFailed(c, name) })
		}
		return 0
	case "show":
		return c.showUnits(got, names)
	case "is-system-running":
		c.out("running\n")
		return 0
	case "list-units", "list-timers", "list-unit-files":
		return c.listUnits(verb)
	case "reboot", "poweroff":
		c.host.w.spawn(c.host.reboot)
		return 0
	}
	return c.fail(1, "Unknown command verb '%s'.", verb)
}

// anyUnit asks every unit named; one that says yes is enough.
func (c *call) anyUnit(names []string, ask func(string) int) int {
	status := 4
	for _, name := range names {
		if s := ask(name); s < status {
			status = s
		}
	}
	return status
}

// eachUnit runs something for every unit named; the worst status counts.
func (c *call) eachUnit(names []string, run func(string) int) int {
	status := 0
	for _, name := range names {
		if s := run(name); s != 0 {
			status = s
		}
	}
	return status
}

func resetFailed(c *call, name string) int {
	c.host.init.mu.Lock()
	defer c.host.init.mu.Unlock()
	u := c.host.init.units[name]
	if u == nil {
		return c.fail(1, "Failed to reset failed state of unit %s: Unit %s not loaded.", name, name)
	}
	if u.state == "failed" {
		u.state = "inactive"
	}
	return 0
}

var unitVerbs map[string]func(c *call, got map[string]string, name string) int

func init() {
	unitVerbs = map[string]func(c *call, got map[string]string, name string) int{
		"start": func(c *call, got map[string]string, name string) int { return c.unitJob(got, name, c.host.startUnit) },
		"stop":  func(c *call, got map[string]string, name string) int { return c.unitJob(got, name, c.host.stopUnit) },
		"restart": func(c *call, got map[string]string, name string) int {
			return c.unitJob(got, name, c.host.restartUnit)
		},
		"reload":            reloadUnit,
		"reload-or-restart": reloadUnit,
		"try-restart": func(c *call, got map[string]string, name string) int {
			if c.host.state(name) != "active" {
				return 0
			}
			return c.unitJob(got, name, c.host.restartUnit)
		},
		"is-active": isActive, "is-failed": isFailed, "is-enabled": isEnabled,
		"enable":  func(c *call, got map[string]string, name string) int { return enableUnit(c, got, name, true) },
		"disable": func(c *call, got map[string]string, name string) int { return enableUnit(c, got, name, false) },
		"mask":    mask, "unmask": unmask, "kill": killUnit, "cat": catUnit, "status": unitStatus,
	}
}

// unitJob starts or stops, and says why not.
func (c *call) unitJob(got map[string]string, name string, job func(string) bool) int {
	_, _, there := c.host.unitFile(name)
	c.host.init.mu.Lock()
	known := there || c.host.init.units[name] != nil
	c.host.init.mu.Unlock()
	if !known && !strings.HasSuffix(name, ".target") {
		return c.fail(5, "Unit %s not found.", name)
	}
	if has(got, "no-block") {
		c.host.w.spawn(func() { job(name) })
		return 0
	}
	if !job(name) {
		return c.fail(1, "Job for %s failed because the control process exited with error code.", name)
	}
	return 0
}

func reloadUnit(c *call, got map[string]string, name string) int {
	s, _, ok := c.host.unitFile(name)
	if !ok {
		return c.fail(5, "Unit %s not found.", name)
	}
	if len(s["ExecReload"]) == 0 {
		return c.unitJob(got, name, c.host.restartUnit)
	}
	for _, line := range s["ExecReload"] {
		if !c.host.runLine(name, s, line) {
			return 1
		}
	}
	return 0
}

func isActive(c *call, got map[string]string, name string) int {
	state := c.host.state(name)
	if !has(got, "q", "quiet") {
		c.out("%s\n", state)
	}
	if state == "active" || state == "reloading" {
		return 0
	}
	if _, _, there := c.host.unitFile(name); !there && state == "inactive" {
		return 4
	}
	return 3
}

func isFailed(c *call, got map[string]string, name string) int {
	state := c.host.state(name)
	if !has(got, "q", "quiet") {
		c.out("%s\n", state)
	}
	if state == "failed" {
		return 0
	}
	return 1
}

func isEnabled(c *call, got map[string]string, name string) int {
	state := c.host.enabled(name)
	if state == "" {
		if has(got, "q", "quiet") {
			return 4
		}
		c.out("not-found\n")
		return 4
	}
	if !has(got, "q", "quiet") {
		c.out("%s\n", state)
	}
	if state == "disabled" || state == "masked" {
		return 1
	}
	return 0
}

func enableUnit(c *call, got map[string]string, name string, on bool) int {
	if !c.host.enable(name, on) {
		return c.fail(1, "Failed to %s unit: Unit file %s does not exist.", map[bool]string{true: "enable", false: "disable"}[on], name)
	}
	if has(got, "now") {
		job := c.host.startUnit
		if !on {
			job = c.host.stopUnit
		}
		return c.unitJob(got, name, job)
	}
	return 0
}

func mask(c *call, got map[string]string, name string) int {
	c.host.files.remove("/etc/systemd/system/" + name)
	c.host.files.symlink("/dev/null", "/etc/systemd/system/"+name)
	return 0
}

func unmask(c *call, got map[string]string, name string) int {
	if c.host.enabled(name) == "masked" {
		c.host.files.remove("/etc/systemd/system/" + name)
	}
	return 0
}

func killUnit(c *call, got map[string]string, name string) int {
	sig, ok := signals[strings.TrimPrefix(got["s"], "SIG")]
	if !ok {
		sig = syscall.SIGTERM
	}
	if !c.host.killUnit(name, sig) {
		return c.fail(1, "Failed to kill unit %s: No matching processes to kill", name)
	}
	return 0
}

func catUnit(c *call, got map[string]string, name string) int {
	_, at, ok := c.host.unitFile(name)
	if !ok {
		return c.fail(1, "No files found for %s.", name)
	}
	c.out("# %s\n%s", at, c.host.files.text(at))
	return 0
}

func unitStatus(c *call, got map[string]string, name string) int {
	state := c.host.state(name)
	_, at, ok := c.host.unitFile(name)
	if !ok && state == "inactive" {
		return c.fail(4, "Unit %s could not be found.", name)
	}
	c.out("* %s\n     Loaded: loaded (%s; %s)\n     Active: %s\n", name, at, c.host.enabled(name), state)
	if state == "active" {
		return 0
	}
	return 3
}
