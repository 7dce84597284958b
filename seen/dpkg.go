package seen

import "strings"

// Installing is how a host's packages stand.
type Installing struct {
	Absent bool     // there is no dpkg
	Busy   bool     // somebody is at it: what it looks like meanwhile says nothing
	Half   []string // the packages that an installation which was cut short left to be configured, by name
	Broken []string // those that it left unpacked in part: they must be installed again
}

// Dpkg reads whether an installation was cut short.
var Dpkg = register(Fact[Installing]{ID: "dpkg", ask: text(`cd /var/lib/dpkg 2>/dev/null || none absent
echo '== busy'; for f in lock lock-frontend; do i=$(ls -i "$f" 2>/dev/null); grep -s ":${i%% *} " /proc/locks; done
set -- status; for f in updates/[0-9]*; do if [ -e "$f" ]; then set -- "$@" "$f"; fi; done
echo '== list'; awk '$1 == "Package:" { p = $2; n++ } $1 == "Status:" && (FILENAME != "status" || $4 !~ /^(installed|config-files|not-installed)$/) { s[p] = $4 }
	END { print n + 0; for (p in s) print p, s[p] }' "$@"`),
	parse: func(s sections) (Installing, error) {
		i, list := Installing{Absent: s.has("absent"), Busy: s.one("busy") != ""}, s.lines("list")
		if !i.Absent && number(s.one("list")) == 0 {
			return i, odd("dpkg's list", s.one("list"))
		}
		for _, line := range list[min(1, len(list)):] {
			switch name, state, _ := strings.Cut(line, " "); {
			case !Name(name):
				return i, odd("dpkg's list", line)
			case state == "half-installed":
				i.Broken = append(i.Broken, name)
			default:
				i.Half = append(i.Half, name)
			}
		}
		return i, nil
	}})
