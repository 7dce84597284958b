package seen

import "strings"

// Installing is how a host's packages stand.
type Installing struct {
	Absent bool     // it is FreeBSD, which has no dpkg
	Busy   bool     // somebody is at it: what it looks like meanwhile says nothing
	Half   []string // the packages that an installation which was cut short left half done, by name
}

// Dpkg reads whether an installation was cut short.
var Dpkg = register(Fact[Installing]{ID: "dpkg", ask: either(`cd /var/lib/dpkg || return 3
set -- status; for f in updates/[0-9]*; do if [ -e "$f" ]; then set -- "$@" "$f"; fi; done
[ ! -r /proc/locks ] || set -- /proc/locks "$@"
echo '== busy'
ls -i lock lock-frontend 2>/dev/null | awk '
	FILENAME == "-" { lock[$1]; next }
	FILENAME == "/proc/locks" { for (i = 1; i <= NF; i++) { n = $i; if (sub(/^.*:/, "", n) && n in lock) print }; next }
	!list { print "== list"; list = 1 }
	$1 == "Package:" { p = $2; n++ }
	$1 == "Status:" && (FILENAME != "status" || $4 !~ /^(installed|config-files|not-installed)$/) { half[p] }
	END { print n + 0; for (p in half) print p }' - "$@"`, `none absent; return`), parse: func(s sections) (Installing, error) {
	if s.has("absent") {
		return Installing{Absent: true}, nil
	}
	list := s.lines("list")
	if number(s.one("list")) == 0 {
		return Installing{}, odd("dpkg's list", strings.Join(list, " "))
	}
	for _, name := range list {
		if !Name(name) {
			return Installing{}, odd("dpkg's list", name)
		}
	}
	return Installing{Busy: s.one("busy") != "", Half: list[1:]}, nil
}})
