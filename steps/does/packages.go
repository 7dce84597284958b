package does

import (
	"slices"
	"strings"
	"time"

	"postern/remote"
)

// Packages are Debian packages. They stay when the rest is undone.
type Packages []string

// Reads asks which of them are installed.
func (p Packages) Reads() []remote.Query {
	return []remote.Query{remote.ReadShared(p.id(), "dpkg-query -W -f='${Package} ${db:Status-Status}\\n' "+quoted(p)+" 2>/dev/null || [ $? = 1 ]")}
}

func (p Packages) id() string { return "packages " + strings.Join(p, " ") }

// Plan installs those that are missing.
func (p Packages) Plan(seen Seen) ([]remote.Change, error) {
	for _, name := range p {
		if err := match(packageName, name, "a package"); err != nil {
			return nil, err
		}
	}
	out, err := seen.said(p.id())
	if err != nil {
		return nil, err
	}
	installed := map[string]bool{}
	for line := range strings.Lines(out) {
		name, state, _ := strings.Cut(strings.TrimSpace(line), " ")
		installed[name] = state == "installed"
	}
	missing := slices.DeleteFunc(slices.Clone(p), func(name string) bool { return installed[name] })
	if len(missing) == 0 {
		return nil, nil
	}
	return []remote.Change{missing.Install(seen.Host)}, nil
}

// Install is the change that installs them on a host. It never asks anything there: answers keep the files that are there, and
// nothing that runs is restarted for it. A lock held by another apt is waited for, and said. Where it could not finish it does
// not begin, because dpkg leaves packages half installed on a disk that is full or read-only.
func (p Packages) Install(host string) remote.Change {
	return remote.Change{
		ID: "packages", Title: "install " + strings.Join(p, " ") + " on " + host, Why: "packages stay when the rest is undone",
		Do: strings.ReplaceAll(aptInstall, "@PACKAGES@", quoted(p)), Takes: 15 * time.Minute,
	}
}

// Finish is the change that finishes an installation of them which was cut short; what was unpacked in part is installed again.
// It asks as little as Install does.
func (p Packages) Finish() remote.Change {
	return remote.Change{
		ID: "packages", Title: "finish the installation that was cut short: " + strings.Join(p, ", "),
		Why: "until then nothing more can be installed; packages stay when the rest is undone",
		Do:  strings.ReplaceAll(aptFinish, "@PACKAGES@", quoted(p)), Takes: 15 * time.Minute,
	}
}

func quoted(names []string) string {
	var all []string
	for _, name := range names {
		all = append(all, remote.Quote(name))
	}
	return strings.Join(all, " ")
}

// aptAlone makes sure that apt can finish what it begins, and that nobody else is at it. It waits for the lock itself, to say who
// holds it: apt's own wait is silent where there is no terminal.
const aptAlone = `export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true NEEDRESTART_MODE=l NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none
export PATH="$PATH:/usr/sbin:/sbin"
if ! command -v apt-get >/dev/null; then echo "there is no apt-get: install @PACKAGES@ by hand"; exit 1; fi
for d in /etc /usr /var; do
	[ -w "$d" ] || { echo "$d is read-only: nothing was installed"; exit 1; }
	free=$(df -Pk "$d" | awk 'NR == 2 { print int($4 / 1024) }')
	[ "${free:-0}" -ge 100 ] || { echo "there is no space: $d has ${free:-0} MB free, at least 100 are needed; nothing was installed"; exit 1; }
done
holder() {
	for f in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock; do
		[ -e "$f" ] || continue
		inode=$(stat -c %i "$f")
		for pid in $(sed -n "s/.* \([0-9]*\) [0-9a-f:]*:$inode .*/\1/p" /proc/locks); do
			case $pid in 0) echo "another apt"; return ;; esac
			echo "$pid/$(tr -c '[:alnum:]._-' '?' < "/proc/$pid/comm" 2>/dev/null | tr -d '?')"; return
		done
	done
}
left=300
while who=$(holder); [ -n "$who" ]; do
	if [ "$left" -le 0 ]; then echo "another apt ($who) still holds the lock after 300 s: try again when it is done"; exit 1; fi
	echo "waiting for another apt to finish: $who"
	sleep 5; left=$((left - 5))
done
apt() { apt-get -q -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o Acquire::Retries=2 -o APT::Update::Error-Mode=any "$@"; }
`

const aptInstall = `# apt-get install --no-install-recommends @PACKAGES@, without a question on the host
` + aptAlone + `log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() { apt install -y --no-install-recommends --no-remove @PACKAGES@ >"$log" 2>&1 </dev/null; }
fresh() { [ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -mtime -1 2>/dev/null | head -n 1)" ]; }
offline=
update() {
	echo "reading the package lists"
	offline=
	apt update >"$log" 2>&1 </dev/null || {
		offline=$(grep -E '^(E|W|Err)' "$log" | awk '{ n = !/GPG|signature|not signed|valid/ } /not signed/ { n = 2 } !told[$0]++ { print n, $0 }' | sort -s -k 1,1 | head -n 3 | cut -d ' ' -f 2- | tr '\n' ' ')
		return 1
	}
}
fresh || update || :
echo "installing @PACKAGES@"
install && { echo "installed @PACKAGES@"; exit 0; }
case $(cat "$log") in *'dpkg --configure -a'*) echo "an earlier installation was cut short: run dpkg --configure -a on the host, then try again"; exit 1 ;;
*'fix-broken install'*) echo "an earlier installation was cut short: run apt --fix-broken install on the host, then try again"; exit 1 ;;
esac
[ -n "$offline" ] || update || :
case $offline in '') ;;
*GPG*|*signature*|*'not signed'*|*'valid'*) echo "apt does not trust a package source: $offline"; exit 1 ;;
*) echo "cannot reach the package sources: $offline"; exit 1 ;;
esac
install || { echo "apt-get install @PACKAGES@: $(grep -E '^(E|dpkg)' "$log" | head -n 5 | tr '\n' ' ')"; exit 1; }
echo "installed @PACKAGES@"
`

const aptFinish = `# dpkg --configure -a, without a question on the host
` + aptAlone + `dpkg --force-confdef --force-confold --configure -a
left=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^half-installed //p')
[ -z "$left" ] || apt -y --no-remove --reinstall install $left
`
