package firewall

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
)

// ufw is the Uncomplicated Firewall of Debian and Ubuntu. We write its own files and let it load them.
func init() {
	Register(Backend{Package: "ufw", Fits: func(host seen.Host) bool { return host.Kernel == "linux" }, Reads: reads, Render: render, Barred: barred, Ahead: ahead})
}

const (
	unit         = "ufw.service"
	rules4Path   = seen.UfwUser
	rules6Path   = seen.UfwUser6
	before4Path  = "/etc/ufw/before.rules"
	before6Path  = "/etc/ufw/before6.rules"
	defaultsPath = "/etc/default/ufw"
	confPath     = "/etc/ufw/ufw.conf"
	ufwSysctl    = seen.UfwSysctl
)

// reads lists ufw's files, the rules that run, in both of the kernel's rule sets, and who else may load rules.
func reads(s *site.Site, h *site.Host) []remote.Query {
	var q []remote.Query
	for _, path := range []string{rules4Path, rules6Path, before4Path, before6Path, hookPath, scriptPath, defaultsPath, confPath, ufwSysctl, saved4Path, saved6Path, nftPath} {
		q = append(q, remote.ReadFile(path))
	}
	return slices.Concat(q, seen.Rules.Reads(s, h), seen.UnitsOf.Reads(s, h), seen.Sysctl.Reads(s, h), seen.SSH.Reads(s, h), seen.Addresses.Reads(s, h))
}

// scene is all of a host that a rendering depends on, parsed.
type scene struct {
	found     remote.Facts
	set       settings
	four, six ufwFile
	now       seen.Ruleset
	units     seen.Units
	running   bool
}

// read parses the facts; it refuses a host on which ufw is missing, could not be read, or is not alone.
func read(found remote.Facts) (scene, error) {
	s := scene{found: found}
	text := func(path string) (string, error) {
		f, known := found.File(path)
		switch {
		case !known:
			return "", fmt.Errorf("%s could not be read", path)
		case f == nil:
			return "", fmt.Errorf("%s is not there: install the package ufw, or put the file back", path)
		}
		return f.Text, nil
	}
	files := map[string]string{}
	for _, path := range []string{rules4Path, rules6Path, before4Path, before6Path, hookPath, defaultsPath, confPath} {
		t, err := text(path)
		if err != nil {
			return s, err
		}
		files[path] = t
	}
	if _, known := found.File(scriptPath); !known {
		return s, fmt.Errorf("%s could not be read", scriptPath)
	}
	var err error
	if s.now, err = seen.Rules.Of(found); err != nil {
		return s, fmt.Errorf("the running rules could not be read: %w", err)
	}
	s.units, _ = seen.UnitsOf.Of(found)
	s.set = parseSettings(files[defaultsPath], files[confPath])
	s.four, s.six = parseUserRules(files[rules4Path], false), parseUserRules(files[rules6Path], true)
	s.running = s.now.Four.Has("filter", "ufw-user-input")
	return s, nil
}

// alone refuses a host where something else rules packets too, in a way that ours could not be relied on.
func (s scene) alone() error {
	for _, name := range []string{"firewalld", "shorewall"} {
		if s.units.By[name+".service"].Active {
			return fmt.Errorf("%s is active and writes rules of its own: two firewalls on one host undo each other; stop and disable %s, or tell it what is wanted by hand", name, name)
		}
	}
	if s.units.By[unit].AtBoot == "masked" {
		return errors.New("ufw.service is masked, so the firewall would not start at boot: run systemctl unmask ufw.service if that is not meant")
	}
	if s.now.Other != "" {
		set, rule, _ := strings.Cut(s.now.Other, ": ")
		return fmt.Errorf("there are rules in the kernel's other rule set too (iptables-%s-save shows %q and perhaps more), and packets must pass both: "+
			"see who loads them, then clear them, or choose one with update-alternatives --config iptables", remote.Clean(set).Line(10), remote.Clean(rule).Line(120))
	}
	return nil
}

func (s scene) file(path string) remote.File {
	if f, _ := s.found.File(path); f != nil {
		return *f
	}
	return remote.File{}
}

// render plans the changes that bring ufw to the policy. An error says that the host is in a state that we must not touch,
// and what to do about it.
func render(want Policy, found remote.Facts) (Rendering, error) {
	wrap := func(err error) (Rendering, error) {
		return Rendering{}, fmt.Errorf("firewall: %s: ufw: %w", want.Host, err)
	}
	if err := want.Validate(); err != nil {
		return wrap(err)
	}
	s, err := read(found)
	if err != nil {
		return wrap(err)
	}
	if want.Enable {
		if err := s.alone(); err != nil {
			return wrap(err)
		}
	}
	p := &plan{scene: s, want: want, new: map[string]remote.File{}}
	if err := p.files(); err != nil {
		return wrap(err)
	}
	r := p.rendering()
	if p.after.enabled {
		r.LockOut = lockOut(p.four.file, p.six.file, p.text(before4Path), s.file(before6Path).Text, wayIn(found))
	}
	r.Notes, r.Lets = append(r.Notes, ahead(want, found)...), p.lets
	return r, nil
}
