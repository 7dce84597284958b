package seen

import (
	"fmt"
	"regexp"
	"strings"

	"postern/remote"
)

// Settings are the kernel's settings of packets, as they are and as files will set them.
type Settings struct {
	Live  map[string]string // by name with dots: net.ipv4.ip_forward
	Ufw   [][2]string       // what ufw's start sets, as it is now: the name as its file has it, and the value
	Files []Setting         // what files say of forwarding, in the order of their folders
}

// Setting is one line of a file of sysctl's. One without a name says that the file is there, and hides others of its name.
type Setting struct{ File, Name, Value string }

// Key is the setting's name with dots.
func (s Setting) Key() string { return strings.ReplaceAll(s.Name, "/", ".") }

// Files of sysctl's that are not among the drop-ins: the one that Debian links to from there, and the one that ufw's start sets.
const (
	SysctlConf = "/etc/sysctl.conf"
	UfwSysctl  = "/etc/ufw/sysctl.conf"
)

// Sysctl reads the settings.
var Sysctl = register(Fact[Settings]{ID: "sysctl", ask: either(`cd /proc/sys || return 3
echo '== live'
grep -sH . net/ipv4/ip_forward net/ipv4/conf/all/accept_redirects net/ipv4/conf/all/src_valid_mark net/ipv4/conf/*/forwarding net/ipv6/conf/*/forwarding net/ipv6/conf/*/accept_ra
echo '== ufw'
paths= names=
for n in $(sed -n 's/^[[:space:]]*\([a-zA-Z0-9_./-]*\)[[:space:]]*=.*/\1/p' `+UfwSysctl+` 2>/dev/null); do
	case $n in /* | *..*) ;; */*) paths="$paths $n" ;; *) names="$names $n" ;; esac
done
[ -z "$paths" ] || grep -sH . $paths
[ -z "$names" ] || sysctl -e $names 2>/dev/null | sed 's/ = / /'
echo '== files'
set --
for f in /etc/sysctl.d/*.conf /run/sysctl.d/*.conf /usr/local/lib/sysctl.d/*.conf /usr/lib/sysctl.d/*.conf `+SysctlConf+` `+UfwSysctl+`; do
	if [ -e "$f" ]; then echo "$f:"; set -- "$@" "$f"; fi
done
[ $# = 0 ] || grep -H forward "$@" 2>/dev/null`, `echo '== live'; sysctl net.inet.ip.forwarding net.inet6.ip6.forwarding | sed 's/: / /'
echo '== files'; for f in /etc/sysctl.conf /etc/sysctl.conf.local; do
	if [ -e "$f" ]; then echo "$f:"; grep -H forward "$f" 2>/dev/null; fi
done`),
	parse: parseSettings})

var (
	sysctlName  = regexp.MustCompile(`^[a-zA-Z0-9_./*-]+$`)
	sysctlValue = regexp.MustCompile(`^[0-9]+$`)
)

func parseSettings(s sections) (Settings, error) {
	v := Settings{Live: map[string]string{}}
	pair := func(line string) (name, value string, ok bool) {
		w := strings.Fields(strings.Replace(line, ":", " ", 1)) // of grep, or of sysctl
		return w[0], w[len(w)-1], len(w) == 2 && sysctlName.MatchString(w[0]) && sysctlValue.MatchString(w[1])
	}
	for _, line := range s.lines("live") {
		if name, value, ok := pair(line); ok {
			v.Live[strings.ReplaceAll(name, "/", ".")] = value
		}
	}
	for _, line := range s.lines("ufw") {
		if name, value, ok := pair(line); ok {
			v.Ufw = append(v.Ufw, [2]string{name, value})
		}
	}
	for _, line := range s.lines("files") {
		file, text, _ := strings.Cut(line, ":")
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(text), "-"), "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if there := text == ""; (there || ok && sysctlName.MatchString(name)) && strings.HasPrefix(file, "/") {
			v.Files = append(v.Files, Setting{remote.Clean(file).Line(120), name, value})
		}
	}
	if len(v.Live) == 0 {
		return v, fmt.Errorf("no setting could be read from the host")
	}
	return v, nil
}
