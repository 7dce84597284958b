package does

import (
	"strings"
	"time"

	"postern/remote"
)

// Pkg are packages of FreeBSD. They stay when the rest is undone.
type Pkg []string

// Install is the change that installs them on a host. It asks nothing there; where the package manager is not there yet, that comes first.
// A database that another pkg has locked is waited for, and said. Where it could not finish it does not begin.
func (p Pkg) Install(host string) remote.Change {
	return remote.Change{
		ID: "packages", Title: "install " + strings.Join(p, " ") + " on " + host, Why: "packages stay when the rest is undone",
		Do: strings.ReplaceAll(pkgInstall, "@PACKAGES@", quoted(p)), Takes: 15 * time.Minute,
	}
}

const pkgInstall = `# pkg install @PACKAGES@, without a question on the host
export ASSUME_ALWAYS_YES=yes PATH="$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin"
command -v pkg >/dev/null || { echo "there is no pkg: install @PACKAGES@ by hand"; exit 1; }
for d in /usr/local /var; do
	[ -w "$d" ] || { echo "$d is read-only: nothing was installed"; exit 1; }
	free=$(df -Pk "$d" | awk 'NR == 2 { print int($4 / 1024) }')
	[ "${free:-0}" -ge 100 ] || { echo "there is no space: $d has ${free:-0} MB free, at least 100 are needed; nothing was installed"; exit 1; }
done
there() { for n in @PACKAGES@; do [ "$(pkg query -e "%n = $n" %n 2>/dev/null)" = "$n" ] || return 1; done; }
if [ -x /usr/local/sbin/pkg ] && there; then exit 0; fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
left=300
echo "installing @PACKAGES@"
until pkg install -y @PACKAGES@ >"$log" 2>&1 </dev/null; do
	grep -q 'locked by another process' "$log" && [ "$left" -gt 0 ] || { echo "pkg install @PACKAGES@: $(tail -n 3 "$log" | tr '\n' ' ')"; exit 1; }
	[ "$left" -lt 300 ] || echo "waiting for another pkg to finish"
	sleep 5; left=$((left - 5))
done
there || { echo "pkg said that it installed @PACKAGES@, and it is not there"; exit 1; }
echo "installed @PACKAGES@"
`
