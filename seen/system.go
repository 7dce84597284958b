package seen

import (
	"fmt"
	"strings"
)

// System is which system a host runs.
type System struct {
	Kernel  string // linux, freebsd …
	Init    string // systemd or other
	Distro  string // ID of os-release: debian, ubuntu …
	Release string // VERSION_ID of os-release; of FreeBSD what its userland says: 14.3-RELEASE-p2
}

// Systems reads which system a host runs. It is asked of every system alike.
var Systems = register(Fact[System]{ID: "system", ask: text(
	`echo '== kernel'; if [ -r /proc/sys/kernel/ostype ]; then read -r s < /proc/sys/kernel/ostype; echo "$s"; else uname -s; fi
echo '== init'; if [ -d /run/systemd/system ]; then echo systemd; else echo other; fi
echo '== release'; if [ -r /etc/os-release ]; then while IFS= read -r l || [ -n "$l" ]; do printf '%s\n' "$l"; done < /etc/os-release; fi
if command -v freebsd-version >/dev/null; then echo '== freebsd'; freebsd-version -u; fi`),
	parse: func(s sections) (System, error) {
		v := System{Kernel: strings.ToLower(s.one("kernel")), Init: s.one("init")}
		if !Name(v.Kernel) || !Name(v.Init) {
			return System{}, fmt.Errorf("the host did not tell its system")
		}
		for _, line := range s["release"] {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			value = strings.Trim(value, `"'`)
			switch {
			case !Name(value):
			case key == "ID":
				v.Distro = strings.ToLower(value)
			case key == "VERSION_ID":
				v.Release = value
			}
		}
		if v.Kernel == "freebsd" { // jails and old hosts have no os-release
			v.Distro = v.Kernel
			if release := s.one("freebsd"); Name(release) {
				v.Release = release
			}
		}
		return v, nil
	}})
