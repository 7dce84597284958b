package demo

import (
	"path"
	"sort"
	"strings"
	"syscall"
)

func init() { register("/usr/sbin/sysctl", sysctl) }

// firstSysctls are settings beside those of each interface, as a Debian host starts.
var firstSysctls = map[string]string{
	"net/ipv4/ip_forward":                        "0",
	"net/ipv4/icmp_echo_ignore_all":              "0",
	"net/ipv4/icmp_echo_ignore_broadcasts":       "1",
	"net/ipv4/icmp_ignore_bogus_error_responses": "1",
	"net/ipv4/tcp_syncookies":                    "1",
	"kernel/pid_max":                             "4194304",
}

// confSysctls are the settings that each interface has, and all and default too.
var confSysctls = map[string]string{
	"net/ipv4/conf/@/accept_redirects": "1", "net/ipv4/conf/@/send_redirects": "1", "net/ipv4/conf/@/forwarding": "0",
	"net/ipv4/conf/@/rp_filter": "0", "net/ipv4/conf/@/src_valid_mark": "0", "net/ipv4/conf/@/log_martians": "0",
	"net/ipv4/conf/@/accept_source_route": "0", "net/ipv4/conf/@/route_localnet": "0",
	"net/ipv6/conf/@/accept_redirects": "1", "net/ipv6/conf/@/forwarding": "0", "net/ipv6/conf/@/accept_ra": "1",
	"net/ipv6/conf/@/disable_ipv6": "0", "net/ipv6/conf/@/accept_source_route": "0",
}

// showSysctl puts a setting under /proc/sys.
func (k *kernel) showSysctl(name string) {
	h := k.host
	h.files.device("/proc/sys/"+name, func() string {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.kernel.sysctl[name] + "\n"
	}, func(text string) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.kernel.setSysctl(name, strings.TrimSpace(text))
	})
}

// showConf gives an interface the settings that each has; a new one takes the default's.
func (k *kernel) showConf(link string) {
	for pattern, first := range confSysctls {
		name := strings.Replace(pattern, "@", link, 1)
		if value, ok := k.sysctl[strings.Replace(pattern, "@", "default", 1)]; ok {
			first = value
		}
		if link == "eth0" && path.Base(name) == "accept_ra" {
			first = "0" // its addresses are static
		}
		k.sysctl[name] = first
		k.showSysctl(name)
	}
}

// setSysctl sets one, and what the kernel changes along with it. EINVAL is for what is no number.
func (k *kernel) setSysctl(name, value string) error {
	if value == "" || strings.Trim(value, "-0123456789") != "" {
		return syscall.EINVAL
	}
	was, known := k.sysctl[name]
	if !known {
		return syscall.ENOENT
	}
	k.sysctl[name] = value
	if was == value {
		return nil
	}
	each := func(pattern, value string) {
		for name := range k.sysctl {
			if ok, _ := path.Match(pattern, name); ok {
				k.sysctl[name] = value
			}
		}
	}
	switch name {
	case "net/ipv4/ip_forward", "net/ipv4/conf/all/forwarding":
		each("net/ipv4/conf/*/forwarding", value)
		k.sysctl["net/ipv4/ip_forward"] = value
		k.sysctl["net/ipv4/conf/all/accept_redirects"] = map[bool]string{true: "1", false: "0"}[value == "0"]
	case "net/ipv6/conf/all/forwarding":
		each("net/ipv6/conf/*/forwarding", value)
	}
	return nil
}

// loadSysctls sets what the files of sysctl.d say, in the order of their names; one in /etc hides its namesakes.
func (k *kernel) loadSysctls() {
	files := map[string]string{}
	for _, dir := range []string{"/usr/lib/sysctl.d", "/run/sysctl.d", "/etc/sysctl.d"} {
		names, _ := k.host.files.list(dir)
		for _, name := range names {
			if strings.HasSuffix(name, ".conf") {
				files[name] = dir + "/" + name
			}
		}
	}
	var names []string
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		for _, kv := range sysctlLines(k.host.files.text(files[name])) {
			k.setSysctl(kv[0], kv[1])
		}
	}
}

// sysctlLines are the settings of a file: path and value.
func sysctlLines(text string) [][2]string {
	var all [][2]string
	for _, line := range lines(text) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "-")
		key, value, ok := strings.Cut(line, "=")
		if ok && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, ";") {
			all = append(all, [2]string{sysctlPath(strings.TrimSpace(key)), strings.TrimSpace(value)})
		}
	}
	return all
}

// sysctlPath is where a setting is under /proc/sys. The first mark tells how it is written: with dots, or with slashes.
func sysctlPath(name string) string {
	at := strings.IndexAny(name, "./")
	if at < 0 || name[at] == '/' {
		return name
	}
	return strings.NewReplacer(".", "/", "/", ".").Replace(name)
}

// sysctl shows and sets: sysctl [-e] [-n] NAME… or -w NAME=VALUE… or -p FILE….
func sysctl(c *call) int {
	got, rest := c.options("eqnwNap")
	status := 0
	set := func(name, value string) {
		err := c.host.files.write("/proc/sys/"+name, value, 0)
		if exists := c.host.files.exists("/proc/sys/" + name); !exists || err != nil {
			if !has(got, "e") || exists {
				status = c.fail(1, "cannot stat /proc/sys/%s: No such file or directory", name)
			}
			return
		}
		if !has(got, "q") {
			c.out("%s = %s\n", strings.ReplaceAll(name, "/", "."), value)
		}
	}
	if has(got, "p", "load") {
		for _, file := range rest {
			for _, kv := range sysctlLines(c.host.files.text(c.abs(file))) {
				if c.host.files.exists("/proc/sys/" + kv[0]) {
					set(kv[0], kv[1])
				} else if !has(got, "e") {
					status = c.fail(1, "cannot stat /proc/sys/%s: No such file or directory", kv[0])
				}
			}
		}
		return status
	}
	for _, word := range rest {
		name, value, setting := strings.Cut(word, "=")
		name = sysctlPath(name)
		switch {
		case !c.host.files.exists("/proc/sys/" + name):
			if !has(got, "e") {
				status = c.fail(1, "cannot stat /proc/sys/%s: No such file or directory", name)
			}
		case setting:
			set(name, value)
		case has(got, "n"):
			c.out("%s", c.host.files.text("/proc/sys/"+name))
		default:
			c.out("%s = %s", strings.ReplaceAll(name, "/", "."), c.host.files.text("/proc/sys/"+name))
		}
	}
	return status
}
