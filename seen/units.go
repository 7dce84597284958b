package seen

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern/remote"
	"postern/site"
)

// Unit is what a host's init says of one unit; the zero Unit is one that it does not know.
type Unit struct {
	Loaded bool // there is a file for it
	Active bool
	AtBoot string   // enabled, disabled, masked …; "" for a unit that is not there
	After  []string // the units that it waits for

	State    string        // running, exited, dead, auto-restart …
	Starts   string        // the command that it starts, with what systemd tells of it
	Restarts int           // how often systemd started it anew since somebody did
	Up       time.Duration // since when it is active
	Down     time.Duration // since when it is not; 0 where it was not started since the boot
	Failed   bool          // it ended by itself, and not well

	Fail    []string // its conditions and assertions, as long as they do not hold
	Altered []string // what files of the administrator's have it start, or what cannot be told of it
}

// Fails says why a unit that is enabled would not start all the same.
func (u Unit) Fails(name string) (why []string) {
	for _, one := range u.Fail {
		why = append(why, name+" does not start: what it wants is not so: "+one)
	}
	return why
}

// Stopped says since when it does not run, by the time now.
func (u Unit) Stopped(now time.Time) string {
	text := "is stopped"
	switch {
	case u.Failed:
		text = "failed, and is stopped"
	case u.AtBoot == "masked":
		text = "is masked"
	}
	if u.Down == 0 {
		return text + ", and was not started since the boot"
	}
	return text + " since " + now.Add(-u.Down).UTC().Format("2006-01-02 15:04 UTC")
}

// Enabled says whether it starts at boot.
func (u Unit) Enabled() bool { return u.AtBoot == "enabled" }

// Units are what a host's init runs and will start at boot.
type Units struct {
	Absent  bool            // there is no systemd
	By      map[string]Unit // by name, such as ufw.service
	Ours    []string        // interfaces whose wg-quick file is ours
	Scripts []string        // files of a tunnel that was made by hand after the guide, wherever they were put
	Armed   bool            // a change of ours waits for its confirmation: what boot will do is not settled yet
}

// TunnelUnit is the unit that brings a tunnel's interface up.
func TunnelUnit(iface string) string { return "wg-quick@" + iface + ".service" }

// SMTPUnit is the unit that has mail for the world leave through the tunnel (mail.path = direct).
const SMTPUnit = "postern-smtp.service"

// GuideUnits are the units that the guide has people write by hand, or that an init script of that name becomes. The
// package brings none of these names.
//
// guide: wireguard, Making WireGuard Persistent
var GuideUnits = []string{"wireguard.service", "wireguard-setup.service"}

// others are the units besides that matter to us.
var others = []string{"ufw.service", "ssh.service", "ssh.socket", "sshd.service", "docker.service", "firewalld.service", "netfilter-persistent.service", "nftables.service", "shorewall.service", SMTPUnit, HarakaIn, HarakaOut, CaddyUnit, MailcowUnit}

// UnitsOf reads what a host's init runs.
var UnitsOf = register(Fact[Units]{ID: "units", args: tunnelName, ask: func(s *site.Site, h *site.Host) string {
	names := append(slices.Concat(GuideUnits, others), TunnelUnit(s.Tunnel.Interface))
	return "u=" + remote.Quote(strings.Join(names, " ")) + tunnelled(`
command -v systemctl >/dev/null || { none absent; return; }
echo '== ours'
for f in /etc/wireguard/*.conf; do
	[ -r "$f" ] && read -r l < "$f" || continue
	i=${f##*/}; i=${i%.conf}
	case $i in *[!a-zA-Z0-9_=+.-]*) continue ;; esac
	case $l in '@MARK@'*) u="$u wg-quick@$i.service"; echo "$i" ;; esac
done
echo '== init'; for f in /etc/rc[2-5].d/S*wireguard-setup; do if [ -e "$f" ]; then echo enabled; break; fi; done
echo '== scripts'
for f in /etc/systemd/system/wireguard.service /etc/systemd/system/wireguard-setup.service /etc/init.d/wireguard-setup \
	/usr/local/bin/wireguard-setup /usr/local/bin/wireguard-setup.sh /usr/local/sbin/wireguard-setup /usr/local/sbin/wireguard-setup.sh \
	/etc/wireguard/wireguard-setup /etc/wireguard/wireguard-setup.sh; do if [ -e $f ]; then echo $f; fi; done
echo '== armed'; for f in /var/lib/postern/open/ARMED.*; do if [ -e "$f" ]; then echo yes; break; fi; done
nl='
'
dirs=
for d in /etc/systemd/system /etc/systemd/system.control /run/systemd/system /run/systemd/system.control /run/systemd/transient /run/systemd/generator \
	/run/systemd/generator.early /run/systemd/generator.late /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
	[ ! -d $d ] || [ $d -ef /usr$d ] || dirs="$dirs $d"
done
anywhere() { # in a file
	for d in $dirs; do
		if [ -e "$d/$1" ] || [ -h "$d/$1" ] || [ -e "$d/$1.d" ] || { [ "$2" ] && [ -e "$d/$2" ]; }; then return; fi
	done
	return 1
}
[ ! /etc/systemd/system/sshd.service -ef /lib/systemd/system/ssh.service ] || u=${u%% sshd.service*}${u#* sshd.service} # it is ssh.service by another name
there= names= nowhere=
for n in $u; do # of each that it is asked for systemd tells all it could know, which takes as long for one that is nowhere; a pattern finds what it has in mind
	t=
	case $n in *@*.service) t=${n%%@*}@.service ;; esac
	case " $names" in *" $n "*) continue ;; esac
	if anywhere "$n" "$t"; then there=yes names="$names$n "
	else names="$names${n%?}[${n#"${n%?}"}] " nowhere="${nowhere}Id=$n${nl}LoadState=not-found${nl}ActiveState=inactive${nl}SubState=dead$nl$nl"
	fi
done
told=$(systemctl show -p Id -p FragmentPath -p DropInPaths -p LoadState -p ActiveState -p SubState -p UnitFileState -p After -p NRestarts -p ActiveEnterTimestampMonotonic -p InactiveEnterTimestampMonotonic -p ExecStart -- $names) || return 3
[ "$told" ] || [ ! "$there" ] || return 3
holds() { # those that only ask whether a path is there need no systemd
	plain=yes
	while read -r l; do
		case $l in
		'') ;;
		*[*?%|]*) plain= ;;
		ConditionPathExists=!/*) [ ! -e "${l#*=!}" ] || return 1 ;;
		ConditionPathExists=/*) [ -e "${l#*=}" ] || return 1 ;;
		*) plain= ;;
		esac
	done <<WANTS
$1
WANTS
	[ "$plain" ] || (IFS='
'; systemd-analyze condition $1 >/dev/null 2>&1)
}
echo '== effect'
held= wants=
while read -r n kind l; do
	case $kind in
	altered) echo "$n altered $l" ;;
	wants) wants="$wants$l$nl" ;;
	end)
		case $held in *"|$wants|"*) wants= ;; esac
		if [ -z "$wants" ]; then :
		elif holds "$wants"; then held="$held|$wants|"
		elif holds ConditionPathExists=/; then (set -f; echo "$n fails" $wants)
		else (set -f; echo "$n altered its conditions cannot be asked:" $wants)
		fi
		wants= ;;
	esac
done <<TOLD
$(printf '%s\n\n' "$told" | awk '
	/^Id=/ { n = substr($0, 4) }
	/^(FragmentPath|DropInPaths)=/ { sub(/^[^=]*=/, ""); files = files " " $0 }
	/^$/ {
		many = n ~ /^(ufw\.service|ssh\.service|ssh\.socket|sshd\.service)$/ || n == "wg-quick@" i ".service" ? split(files, file, " ") : 0
		files = wants = ""
		for (f = 1; f <= many; f++) {
			while ((getline l < file[f]) == 1) {
				sub(/^[ \t]+/, "", l); sub(/[ \t]+$/, "", l)
				if (l ~ /^(Condition|Assert)[^=]*=$/) wants = ""
				else if (l ~ /^(Condition|Assert)[^=]*=/) wants = wants n " wants " l "\n"
				else if (l ~ /^Exec[^=]*=/ && file[f] ~ "^/(etc|run)/") print n " altered " file[f] " has " l
			}
			close(file[f])
		}
		if (wants != "") print wants n " end"
	}' i=@IFACE@ -)
TOLD
echo '== uptime'; read -r l </proc/uptime; echo "$l"
echo '== units'; printf '%s\n' "$nowhere$told"`)(s, h)
}, parse: parseUnits})

func parseUnits(s sections) (Units, error) {
	if s.has("absent") {
		return Units{Absent: true}, nil
	}
	u := Units{By: map[string]Unit{}, Armed: s.one("armed") != ""}
	up, _ := strconv.ParseFloat(strings.SplitN(s.one("uptime"), " ", 2)[0], 64)
	for _, block := range strings.Split(strings.Join(s["units"], "\n"), "\n\n") {
		name, unit := parseUnit(block)
		for _, since := range []*time.Duration{&unit.Up, &unit.Down} {
			if *since > 0 { // it is when that was, since the boot
				*since = max(0, time.Duration(min(up, 1e9)*float64(time.Second))-*since)
			}
		}
		if name != "" {
			u.By[name] = unit
		}
	}
	for _, line := range s.lines("effect") {
		name, rest, _ := strings.Cut(line, " ")
		kind, rest, _ := strings.Cut(rest, " ")
		unit := u.By[name]
		switch rest = remote.Clean(rest).Line(120); kind {
		case "fails":
			unit.Fail = append(unit.Fail, rest)
		case "altered":
			unit.Altered = append(unit.Altered, name+": "+rest)
		}
		u.By[name] = unit
	}
	if len(u.By) == 0 {
		return u, fmt.Errorf("systemctl told of no unit")
	}
	if s.one("init") == "enabled" { // systemd shows an init script as generated, enabled or not
		unit := u.By[GuideUnits[1]]
		unit.Loaded, unit.AtBoot = true, "enabled"
		u.By[GuideUnits[1]] = unit
	}
	for _, name := range s.lines("ours") {
		if Name(name) && len(name) < 16 {
			u.Ours = append(u.Ours, name)
		}
	}
	for _, file := range s.lines("scripts") {
		if strings.HasPrefix(file, "/") && Name(strings.ReplaceAll(file, "/", "")) {
			u.Scripts = append(u.Scripts, file)
		}
	}
	return u, nil
}

// parseUnit reads one block of `systemctl show`; Up and Down are the moments since the boot yet.
func parseUnit(block string) (name string, u Unit) {
	for _, line := range strings.Split(block, "\n") {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "Id":
			name = value
		case "LoadState":
			u.Loaded = value == "loaded"
		case "ActiveState":
			u.Active, u.Failed = value == "active" || value == "activating", value == "failed"
		case "UnitFileState":
			u.AtBoot = remote.Clean(value).Line(20)
		case "After":
			u.After = strings.Fields(value)
		case "SubState":
			u.State = remote.Clean(value).Line(20)
		case "ExecStart":
			u.Starts = value
		case "NRestarts":
			u.Restarts = int(min(number(value), 1e6))
		case "ActiveEnterTimestampMonotonic":
			u.Up = time.Duration(min(number(value), 1e15)) * time.Microsecond
		case "InactiveEnterTimestampMonotonic":
			u.Down = time.Duration(min(number(value), 1e15)) * time.Microsecond
		}
	}
	return name, u
}

// Starting reads which services a host's init is about to start, or to start anew: at a boot those that have not begun to listen yet.
// Those that end by themselves (oneshot) and the guard's own are none of them; without systemd there are none.
var Starting = register(Fact[[]string]{ID: "starting", ask: text(`command -v systemctl >/dev/null || { none absent; return; }
u=$(systemctl list-jobs --no-legend --plain 2>/dev/null | while read -r n unit kind state; do
	case $unit/$kind in postern-*) ;; *.service/start | *.service/restart) echo "$unit" ;; esac
done)
echo '== units'; [ -z "$u" ] || systemctl show -p Id -p Type $u`), parse: func(s sections) (names []string, err error) {
	for _, block := range strings.Split(strings.Join(s["units"], "\n"), "\n\n") {
		if name, _ := parseUnit(block); name != "" && !slices.Contains(strings.Split(block, "\n"), "Type=oneshot") {
			names = append(names, remote.Clean(name).Line(80))
		}
	}
	return names, nil
}})
