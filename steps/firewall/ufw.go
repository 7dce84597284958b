package firewall

import (
	"errors"
	"fmt"
	"strings"

	"postern/remote"
)

func init() { register("ufw", ufw{}) }

// ufw renders for the Uncomplicated Firewall of Debian and Ubuntu. It writes ufw's own files and lets ufw load them.
type ufw struct{}

const (
	rules4Path   = "/etc/ufw/user.rules"
	rules6Path   = "/etc/ufw/user6.rules"
	before4Path  = "/etc/ufw/before.rules"
	before6Path  = "/etc/ufw/before6.rules"
	defaultsPath = "/etc/default/ufw"
	confPath     = "/etc/ufw/ufw.conf"
	ufwSysctl    = "/etc/ufw/sysctl.conf"
)

// Reads lists ufw's files, the rules that run, in both of the kernel's rule sets, and who else may load rules.
func (ufw) Reads() []remote.Query {
	var q []remote.Query
	for _, path := range []string{rules4Path, rules6Path, before4Path, before6Path, hookPath, scriptPath, defaultsPath, confPath, ufwSysctl} {
		q = append(q, remote.ReadFile(path))
	}
	const path = "PATH=$PATH:/usr/sbin:/sbin; "
	return append(q,
		remote.ReadRun("ufw.save4", path+"iptables-save 2>/dev/null || :"),
		remote.ReadRun("ufw.save6", path+"ip6tables-save 2>/dev/null || :"),
		remote.ReadRun("ufw.other", path+otherRules),
		remote.ReadRun("ufw.services", `set -- firewalld netfilter-persistent nftables shorewall
systemctl is-active "$@" 2>/dev/null | while read -r state; do
	if [ "$state" = active ]; then echo "$1"; fi
	shift
done; :`),
		remote.ReadRun("ufw.unit", `systemctl is-enabled ufw.service 2>/dev/null || :`),
		remote.ReadRun("ufw.way", path+`echo "$SSH_CONNECTION"; ip -o addr show`),
		remote.ReadRun("ufw.sysctl", path+ufwSysctls),
	)
}

// otherRules prints how many rules the rule set holds that this host's iptables does not look at: iptables has two, and
// a packet must pass both.
const otherRules = `case $(iptables -V 2>/dev/null) in *nf_tables*) o=legacy ;; *) o=nft ;; esac
for f in iptables ip6tables; do
	if command -v "$f-$o-save" >/dev/null 2>&1; then "$f-$o-save" 2>/dev/null | grep '^-A' | sed "s/^/$o: /" | head -n 20; fi
done; :`

// ufwSysctls prints what ufw's start sets, as its file names it: with slashes, which are paths, or with dots.
const ufwSysctls = `paths= names=
for n in $(sed -n 's/^[[:space:]]*\([a-zA-Z0-9_./-]*\)[[:space:]]*=.*/\1/p' /etc/ufw/sysctl.conf 2>/dev/null); do
	case $n in /* | *..*) ;; */*) paths="$paths $n" ;; *) names="$names $n" ;; esac
done
cd /proc/sys && grep -sH . /dev/null $paths | sed 's/:/ /'
[ -z "$names" ] || sysctl -e $names 2>/dev/null | sed 's/ = / /'; :`

// scene is all of a host that a rendering depends on, parsed.
type scene struct {
	found      remote.Facts
	set        settings
	four, six  ufwFile
	now4, now6 live
	running    bool
}

// read parses the facts; it refuses a host on which ufw is missing, could not be read, or is not alone.
func (ufw) read(found remote.Facts) (scene, error) {
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
	save4, ok4 := found.Get("ufw.save4")
	save6, ok6 := found.Get("ufw.save6")
	if !ok4 || !ok6 {
		return s, errors.New("the running rules could not be read")
	}
	s.set = parseSettings(files[defaultsPath], files[confPath])
	s.four, s.six = parseUserRules(files[rules4Path], false), parseUserRules(files[rules6Path], true)
	s.now4, s.now6 = parseSave(save4), parseSave(save6)
	s.running = s.now4.has("filter", "ufw-user-input")
	return s, nil
}

// alone refuses a host where something else rules packets too, in a way that ours could not be relied on.
func (s scene) alone() error {
	services, _ := s.found.Get("ufw.services")
	for _, name := range strings.Fields(services) {
		if name == "firewalld" || name == "shorewall" {
			return fmt.Errorf("%s is active and writes rules of its own: two firewalls on one host undo each other; stop and disable %s, or tell it what is wanted by hand", name, name)
		}
	}
	if unit, _ := s.found.Get("ufw.unit"); strings.TrimSpace(unit) == "masked" {
		return errors.New("ufw.service is masked, so the firewall would not start at boot: run systemctl unmask ufw.service if that is not meant")
	}
	other, _ := s.found.Get("ufw.other")
	if lines := strings.Split(strings.TrimSpace(other), "\n"); lines[0] != "" {
		set, rule, _ := strings.Cut(lines[0], ": ")
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

// Render plans the changes that bring ufw to the policy.
func (u ufw) Render(want Policy, ways []Way, found remote.Facts) (Rendering, error) {
	wrap := func(err error) (Rendering, error) {
		return Rendering{}, fmt.Errorf("firewall: %s: ufw: %w", want.Host, err)
	}
	if err := want.validate(); err != nil {
		return wrap(err)
	}
	s, err := u.read(found)
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
		r.LockOut = lockOut(p.four.file, p.six.file, p.text(before4Path), s.file(before6Path).Text, locate(ways, found))
	}
	r.Notes = append(r.Notes, p.serviceNotes()...)
	return r, nil
}
