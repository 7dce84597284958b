package demo

import (
	"fmt"
	"sort"
	"strings"
	"time"
)

// debianPackage is one package that the simulated hosts can have.
type debianPackage struct {
	name, version string
	needs         []string
	commands      []string    // which are not there without it
	lay           func(*Host) // puts its files and units in place; may be nil
	first         bool        // every host has it from the start
}

var (
	packages = map[string]*debianPackage{}
	ownedBy  = map[string]string{} // the package of a command
)

// offer makes a package known: to be called at start-up, by the file that models what is in it.
func offer(p debianPackage) {
	packages[p.name] = &p
	for _, c := range p.commands {
		ownedBy[c] = p.name
	}
}

const (
	dpkgStatus   = "/var/lib/dpkg/status"
	dpkgLock     = "/var/lib/dpkg/lock-frontend"
	aptListsFile = "/var/lib/apt/lists/deb.example.org_debian_dists_trixie_main_binary-amd64_Packages"
)

func init() {
	register("/usr/bin/apt-get", aptGet)
	register("/usr/bin/apt", aptGet)
	register("/usr/bin/dpkg", dpkg)
	register("/usr/bin/dpkg-query", dpkg)
	absent = func(h *Host, command string) bool {
		p := ownedBy[command]
		return p != "" && !h.installed(p)
	}
	furnish(func(h *Host) {
		h.files.write(dpkgStatus, "", 0o644)
		h.files.write(dpkgLock, "", 0o640)
		h.files.write("/var/lib/dpkg/lock", "", 0o640)
		h.files.mkdirAll("/var/lib/apt/lists")
		var names []string
		for name, p := range packages {
			if p.first {
				names = append(names, name)
			}
		}
		sort.Strings(names)
		for _, name := range names {
			h.unpack(packages[name])
		}
		h.files.device("/proc/locks", func() string { return otherApt(h) }, nil)
		if h.w.faulty("apt") && h.Name == "proxy" {
			h.files.device("/proc/612/comm", func() string { return "unattended-upgr\n" }, nil)
		}
	})
}

// busyFor is how long the other apt of the fault apt holds the lock.
const busyFor = 20 * time.Second

func (h *Host) aptBusy() bool {
	return h.w.faulty("apt") && h.Name == "proxy" && h.w.clock.time().Sub(h.w.clock.from) < h.w.clock.real(busyFor)
}

// otherApt is /proc/locks while another apt is at work.
func otherApt(h *Host) string {
	a, err := h.files.stat(dpkgLock)
	if err != nil || !h.aptBusy() {
		return ""
	}
	return fmt.Sprintf("1: POSIX  ADVISORY  WRITE 612 08:01:%d 0 EOF\n", a.inode)
}

// installed tells whether a host has a package: its record says so.
func (h *Host) installed(name string) bool {
	return strings.Contains("\n"+h.files.text(dpkgStatus), "\nPackage: "+name+"\n")
}

// unpack installs a package, with its files and its record.
func (h *Host) unpack(p *debianPackage) {
	if h.installed(p.name) {
		return
	}
	h.files.write(dpkgStatus, h.files.text(dpkgStatus)+fmt.Sprintf("Package: %s\nStatus: install ok installed\nVersion: %s\n\n", p.name, p.version), 0o644)
	if p.lay != nil {
		p.lay(h)
	}
}

// aptGet knows update, install and remove.
func aptGet(c *call) int {
	_, rest := c.options("qyo:")
	if len(rest) == 0 {
		return c.fail(1, "no verb")
	}
	if c.host.aptBusy() {
		c.out("E: Could not get lock %s. It is held by process 612 (unattended-upgr)\n", dpkgLock)
		return 100
	}
	switch rest[0] {
	case "update":
		c.out("Get:1 http://deb.example.org/debian trixie InRelease [151 kB]\n")
		c.host.w.clock.wait(c.ctx, 300*time.Millisecond)
		c.host.files.write(aptListsFile, "", 0o644)
		c.out("Reading package lists...\n")
		return 0
	case "install":
		return c.aptInstall(rest[1:])
	case "remove", "purge":
		for _, name := range rest[1:] {
			record := c.host.files.text(dpkgStatus)
			if at := strings.Index("\n"+record, "\nPackage: "+name+"\n"); at >= 0 {
				end := at + strings.Index(record[at:], "\n\n") + 2
				c.host.files.write(dpkgStatus, record[:at]+record[end:], 0o644)
				c.out("Removing %s ...\n", name)
			}
		}
		return 0
	}
	return 0
}

// aptInstall installs packages and what they need, each taking a moment.
func (c *call) aptInstall(names []string) int {
	var list []*debianPackage
	seen := map[string]bool{}
	var visit func(string) bool
	visit = func(name string) bool {
		p := packages[name]
		if p == nil {
			c.out("E: Unable to locate package %s\n", name)
			return false
		}
		if seen[name] || c.host.installed(name) {
			return true
		}
		seen[name] = true
		for _, n := range p.needs {
			if !visit(n) {
				return false
			}
		}
		list = append(list, p)
		return true
	}
	for _, name := range names {
		if !visit(name) {
			return 100
		}
	}
	c.out("Reading package lists...\nBuilding dependency tree...\n%d newly installed\n", len(list))
	for _, p := range list {
		c.out("Selecting previously unselected package %s.\nUnpacking %s (%s) ...\n", p.name, p.name, p.version)
		if !c.host.w.clock.wait(c.ctx, 400*time.Millisecond) {
			return 100
		}
		c.out("Setting up %s (%s) ...\n", p.name, p.version)
		c.host.unpack(p)
	}
	return 0
}

// dpkg knows -s, -l, -W and --configure.
func dpkg(c *call) int {
	got, names := c.options("slWf:")
	if has(got, "configure", "a") || len(names) == 0 {
		return 0
	}
	status := 0
	sort.Strings(names)
	for _, name := range names {
		if !c.host.installed(name) {
			status = c.fail(1, "package '%s' is not installed", name)
			continue
		}
		version := "1.0"
		if p := packages[name]; p != nil {
			version = p.version
		}
		switch form, given := got["f"], has(got, "f"); {
		case given || has(got, "showformat"):
			if !given {
				form = got["showformat"]
			}
			c.out("%s", strings.NewReplacer("${Package}", name, "${Version}", version, "${Status}", "install ok installed",
				"${db:Status-Status}", "installed", `\n`, "\n").Replace(form))
		case has(got, "s"):
			c.out("Package: %s\nStatus: install ok installed\nVersion: %s\n", name, version)
		default:
			c.out("ii  %s  %s\n", name, version)
		}
	}
	return status
}
