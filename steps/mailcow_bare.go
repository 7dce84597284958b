package steps

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

// mailcowSource is what its files come from.
const mailcowSource = "https://github.com/mailcow/mailcow-dockerized"

// debianDocker is the first release of Debian whose own Docker is one that Mailcow takes, and how its packages are called.
const debianDocker = 13

var dockerPackages = []string{"docker.io", "docker-cli", "docker-compose"}

// packaged says whether Docker comes from the host's own packages: it has none yet, and they are new enough.
func packaged(now seen.Host) bool {
	major, _, _ := strings.Cut(now.Release, ".")
	n, _ := strconv.Atoi(major)
	return !now.Tools["docker"] && now.Distro == "debian" && n >= debianDocker
}

// mailcowBare brings what Mailcow runs in, and its files with settings of their own making. It is asked for neither, and starts nothing: with its
// usual ports it would be open to everybody at home.
func mailcowBare(s *site.Site, docker bool) does.Table {
	packages := does.Packages{"ca-certificates", "curl", "git", "jq", "openssl"}
	if docker {
		packages = append(packages, dockerPackages...)
	}
	return does.Table{Step: "mailcow", Things: []does.Thing{
		packages,
		does.Command{ID: "clone", First: true, Title: "fetch Mailcow into " + seen.MailcowDir, Takes: 20 * time.Minute,
			Why:  "the folder stays at an undo once containers were made of it: its mailboxes need its passwords",
			Test: "[ -e " + seen.MailcowDir + "/generate_config.sh ]", Do: cloneDo, Undo: cloneUndo},
		does.Command{ID: "generate", First: true, Title: "have Mailcow make its settings, with passwords of their own, for " + s.Hostname, Takes: 10 * time.Minute,
			Why:  "where the host has IPv6 it also edits /etc/docker/daemon.json and restarts Docker; an undo gives that file back",
			Test: "[ -s " + mailcowConf + " ]", Do: strings.ReplaceAll(generateDo, "@HOST", remote.Quote(s.Hostname)), Undo: generateUndo},
	}}
}

const (
	// kept says whether mailboxes may lie in volumes of it; who cannot tell keeps them.
	kept = `kept() {
	command -v docker >/dev/null || return 1
	! v=$(docker volume ls -q --filter label=com.docker.compose.project=mailcowdockerized) || [ "$v" ]
}
`
	cloneDo = `d=` + seen.MailcowDir + `
umask 022
[ ! -e "$d" ] || rmdir "$d" 2>/dev/null || { echo "$d is there, and is no Mailcow: move it away"; exit 1; }
rm -rf "$d.part"
rc=$(mktemp)
trap 'rm -f "$rc"' EXIT
{ git clone --progress ` + mailcowSource + ` "$d.part" 2>&1; echo $? >"$rc"; } | tr '\r' '\n' |
	awk '/^(fatal|error)/ { print; fflush() } match($0, /[0-9]+%/) { ten = int(substr($0, RSTART, RLENGTH - 1) / 10); if ($0 ~ /^Receiving/ && ten != last) { print ten * 10 " % fetched"; fflush() } last = ten }'
[ "$(cat "$rc")" = 0 ] && mv "$d.part" "$d"
`
	cloneUndo = kept + `d=` + seen.MailcowDir + `
rm -rf "$d.part"
[ -e "$d" ] || exit 0
if kept; then echo "told: $d stays, with its mailcow.conf"; else rm -rf "$d"; fi
`
	// It must not find a mailcow.conf, or it asks whether to write it anew.
	generateDo = `cd ` + seen.MailcowDir + ` || exit 1
umask 022
j=/etc/docker/daemon.json
if [ ! -e $j.before-postern ]; then
	mkdir -p /etc/docker
	if [ -e $j ]; then cp -p $j $j.before-postern; else : >$j.before-postern; fi
fi
zone=$(cat /etc/timezone 2>/dev/null || readlink /etc/localtime | sed 's|.*/zoneinfo/||')
lean=n
[ "$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)" -gt 2621440 ] || lean=y
said=$(mktemp)
trap 'rm -f "$said"' EXIT
echo "its generate_config.sh runs"
MAILCOW_HOSTNAME=@HOST MAILCOW_TZ=${zone:-Etc/UTC} MAILCOW_BRANCH=master SKIP_CLAMD=$lean ./generate_config.sh </dev/null >"$said" 2>&1 || :
if [ ! -s mailcow.conf ]; then
	echo "generate_config.sh made no mailcow.conf: $(sed 's/=.*/=/' "$said" | tail -n 3 | tr '\n' ' ')"
	exit 1
fi
chmod 600 mailcow.conf
sed -i 's/^DOCKER_COMPOSE_VERSION=$/DOCKER_COMPOSE_VERSION=native/' mailcow.conf
cmp -s $j.before-postern $j || [ ! -e $j ] || echo "told: Docker was restarted: Mailcow gave it IPv6, in $j"
`
	generateUndo = kept + `! kept || { echo "told: ` + mailcowConf + ` stays: mailboxes that Docker keeps need its passwords"; exit 0; }
rm -f ` + mailcowConf + `
j=/etc/docker/daemon.json
[ -e $j.before-postern ] || exit 0
now=$(cat $j 2>/dev/null)
if [ -s $j.before-postern ]; then mv -f $j.before-postern $j; else rm -f $j $j.before-postern; fi
rmdir /etc/docker 2>/dev/null || :
[ "$now" = "$(cat $j 2>/dev/null)" ] || systemctl try-restart docker
`
)

// planMailcowBare brings them to a host, and says what else Mailcow wants of it.
func planMailcowBare(s *site.Site, h *site.Host, now seen.Mailcow, f remote.Facts, p *Plan) {
	host := seen.Look(f)
	_, changes, err := mailcowBare(s, packaged(host)).Plan(f)
	if err != nil {
		p.Refused = append(p.Refused, err.Error())
		return
	}
	if packaged(host) {
		p.Notes = append(p.Notes, Note{Host: h.Name, Text: "Docker comes from Debian's own packages, which are new enough: install Docker's own before, if you would rather have that"})
	}
	p.Notes = append(p.Notes, mailcowWants(h, now)...)
	p.Parts = append(p.Parts, Part{Host: h.Name, Inert: true, Changes: changes})
	p.Then = append(p.Then, fmt.Sprintf("%s: Mailcow listens on %s, where only the tunnel comes in, and its images are fetched, which takes minutes", h.Name, s.TunnelAddress(h)))
}

// mailcowWants warns where a host is of a kind that Mailcow's pages do not support.
func mailcowWants(h *site.Host, now seen.Mailcow) (notes []Note) {
	warn := func(format string, args ...any) {
		notes = append(notes, Note{Host: h.Name, Warn: true, Text: fmt.Sprintf(format, args...)})
	}
	if slices.Contains([]string{"lxc", "lxc-libvirt", "openvz"}, now.Inside) {
		warn("it is a container itself (%s), which Mailcow's pages do not support", now.Inside)
	}
	if slices.Contains([]string{"vfs", "devicemapper"}, now.Driver) {
		warn("Docker keeps its files with %s, which is slow and large: overlay2 is what Mailcow's pages expect", now.Driver)
	}
	return notes
}
