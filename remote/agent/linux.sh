# What is Linux's own: how it locks, looks at files, ends what takes too long, and has init run what must outlive a login.
# Another system has one file beside this one, with the same variables and functions; what begins with linux_ is not for others.
# None of what is started here inherits the agent's mutex (fd 9).

# INIT is what runs the watchdogs and the guard of the next boot; with none there is no change. A folder other than /etc is a test's.
INIT=none
if [ "$ETC" != /etc ]; then
	INIT=sysv
elif [ -d /run/systemd/system ]; then
	INIT=systemd
elif [ -d /etc/init.d ] && [ -d /etc/rcS.d ] && [ "$(cat /proc/1/comm)" = init ]; then
	INIT=sysv
fi

# KEYS is the folder of WireGuard's files.
KEYS=/etc/wireguard

linux_boot=postern-boot

# lacks prints a tool that the agent needs and the host has not; it fails when there is none.
lacks() {
	for tool in flock setsid timeout sha256sum stat awk; do
		command -v $tool >/dev/null || { echo $tool; return 0; }
	done
	return 1
}

# lock takes the file open as descriptor $1, for this process and all that inherit that; it waits at most $2 seconds.
lock() { eval "flock -w $2 $1 $1<&$1"; }

# unlock gives it up for all of them.
unlock() { eval "flock -u $1 2>/dev/null $1<&$1"; }

# held says whether a living process has locked that file. Never by kill -0, which takes a zombie for alive. It asks for a
# shared lock, so that two who ask do not see each other; who takes the lock for itself waits for those who only ask.
held() { [ -e "$1" ] && ! flock -s -n 7 7<"$1" 9<&-; }

# awaited waits until nobody holds that file, at most $2 seconds or a part of one, and fails when somebody still does.
awaited() { flock -s -w "$2" "$1" true 9<&-; }

# digest sets DIGEST to the SHA-256 of standard input.
digest() { DIGEST=$(sha256sum) && DIGEST=${DIGEST%% *}; }

# digests prints the SHA-256 of each of some files in a line of its own, and what else comes behind it.
digests() { sha256sum -- "$@"; }

# metas prints their modes and numeric owners.
metas() { stat -c '%a %u:%g' -- "$@"; }

# meta sets META to the mode and the numeric owner of a file.
meta() { META=$(stat -c '%a %u:%g' -- "$1"); }

# flush brings to the disk what is written to the file systems of these paths: a power cut must not bring back the past.
flush() { sync -f "$@" 2>/dev/null || sync; }

# within runs a command that is ended, with all it started, after $1 seconds.
within() { timeout -k 5 "$@"; }

# within_boot is within for script $2 of a change during a boot, when waiting for another unit would wait for ourselves.
within_boot() {
	timeout -k 5 "$1" /bin/sh -ec 'systemctl() { command systemctl --no-block "$@"; }; . "$1"' sh "$2"
}

# own runs a verb of the stored agent outside the session of whoever called, and waits for it: a killed client, sshd or
# login session ends neither a change nor its taking back, and it can be ended whole. own NAME VERB ARGS...
own() {
	unit=$1
	shift
	if [ "$INIT" = systemd ]; then
		setsid systemd-run --quiet --scope --collect --unit="$unit" /bin/sh "$O/agent" "$@" </dev/null 9<&- &
	else
		setsid /bin/sh "$O/agent" "$@" </dev/null 9<&- &
	fi
	wait $!
}

# end_own kills what own started under that name, whole; $2 is the process that it began as.
end_own() {
	if [ "$INIT" = systemd ]; then
		systemctl kill -s KILL "$1.scope" >/dev/null 2>&1 9<&-
	else
		kill -s KILL -- "-$2" 2>/dev/null
	fi
}

# detach has init run a script in $2 seconds, whatever becomes of us. detach NAME SECONDS SCRIPT ARGS...
detach() {
	unit=$1 after=$2
	shift 2
	if [ "$INIT" = systemd ]; then
		set -- -p KillMode=process /bin/sh "$@"
		[ "$after" = 0 ] || set -- --on-active="$after" --timer-property=AccuracySec=1s "$@"
		systemd-run --quiet --collect --unit="$unit" "$@" </dev/null >/dev/null 9<&-
	else
		setsid /bin/sh -c 'sleep "$0"; exec /bin/sh "$@"' "$after" "$@" </dev/null >/dev/null 2>&1 9<&- &
	fi
}

# watchdog starts watchdog $2, a or b, of transaction $1: the verb expire in $3 seconds. Without systemd it inherits a lock
# that lives as long as it does; the sleep inside must not hold that lock, or a killed watchdog would look alive.
watchdog() {
	if [ "$INIT" = systemd ]; then
		detach "postern-$1-$2" "$3" "$O/agent" expire "$1" 2>>"$O/log"
		return
	fi
	: >>"$O/WATCH.$2" && exec 5<"$O/WATCH.$2" && lock 5 5 || return 1
	setsid /bin/sh -c 'sleep "$1" 5<&-; exec /bin/sh "$2" expire "$3" 5<&-' \
		watch "$3" "$O/agent" "$1" </dev/null >/dev/null 2>&1 9<&- &
	echo $! >"$O/PID.$2"
	exec 5<&-
}

# watchdog_due says whether the watchdogs named after transaction $1 live, and their time has not come.
watchdog_due() {
	of=$1 due=
	shift
	for w in "$@"; do
		shift
		[ "$INIT" = systemd ] || held "$O/WATCH.$w" || return 1
		set -- "$@" "postern-$of-$w.timer" && due=$due${due:+$nl}active
	done
	[ "$INIT" != systemd ] || [ "$(systemctl is-active "$@")" = "$due" ]
}

# watchdog_left says whether that watchdog lives: it will have its say, or is at work.
watchdog_left() { watchdog_due "$@" || { [ "$INIT" = systemd ] && systemctl is-active --quiet "postern-$1-$2.service"; }; }

# watchdog_end ends the watchdogs named after transaction $1 and its folder $2, if their time has not come: one at work may be us.
watchdog_end() {
	of=$1 from=$2
	shift 2
	for w in "$@"; do
		shift
		set -- "$@" "postern-$of-$w.timer"
		[ "$INIT" != systemd ] && held "$from/WATCH.$w" && read -r pid <"$from/PID.$w" && [ "$pid" != $$ ] && kill -s KILL -- "-$pid"
	done 2>/dev/null
	[ "$INIT" != systemd ] || systemctl stop "$@" >/dev/null 2>&1 9<&-
}

# boot_install has the host run the verb boot at the next boot, before anything reads the files of a change. The unit is put
# in place by hand, because systemctl enable reloads every unit of the host, and only the next boot has to see it.
boot_install() {
	case $INIT in
	systemd)
		linux_unit >"$ETC/systemd/system/$linux_boot.service" && mkdir -p "$ETC/systemd/system/sysinit.target.wants" &&
			ln -sf "../$linux_boot.service" "$ETC/systemd/system/sysinit.target.wants/$linux_boot.service"
		;;
	sysv)
		mkdir -p "$ETC/init.d" "$ETC/rcS.d" && printf '#!/bin/sh\n%s\n' "$(linux_guard)" >"$ETC/init.d/$linux_boot" &&
			chmod 755 "$ETC/init.d/$linux_boot" && ln -sf "../init.d/$linux_boot" "$ETC/rcS.d/S01$linux_boot"
		;;
	*) return 1 ;;
	esac
}

# boot_sure proves that it would.
boot_sure() {
	case $INIT in
	systemd) systemctl is-enabled --quiet $linux_boot.service 9<&- && linux_unit | cmp -s - "$ETC/systemd/system/$linux_boot.service" ;;
	sysv) [ -x "$ETC/rcS.d/S01$linux_boot" ] ;;
	*) return 1 ;;
	esac
}

# boot_remove has it do so no more.
# shellcheck disable=SC2046 # two paths without blanks
boot_remove() {
	for f in $(linux_guard_files); do
		if [ -e "$f" ] || [ -h "$f" ]; then
			rm -f $(linux_guard_files)
			return
		fi
	done
}

# boot_reread makes init see units that a boot just changed back, and start what it would have started with them.
boot_reread() {
	[ "$INIT" = systemd ] || return 0
	systemctl daemon-reload 9<&-
	systemctl --no-block start default.target 9<&-
}

# linux_guard is what a boot runs: the agent of the open change, or, when a crash left the guard behind, its own end and that of a change
# that was never armed.
linux_guard() { printf '[ -e %s/agent ] && exec /bin/sh %s/agent boot; rm -rf %s/in.*; exec rm -f %s' "$O" "$O" "$D" "$(linux_guard_files)"; }

linux_guard_files() {
	case $INIT in
	systemd) printf %s "$ETC/systemd/system/sysinit.target.wants/$linux_boot.service $ETC/systemd/system/$linux_boot.service" ;;
	sysv) printf %s "$ETC/rcS.d/S01$linux_boot $ETC/init.d/$linux_boot" ;;
	esac
}

# linux_unit orders itself before what reads firewall rules, sysctls, interfaces and units.
linux_unit() {
	cat <<-END
		[Unit]
		Description=Take back a change that nobody confirmed
		DefaultDependencies=no
		RequiresMountsFor=$D
		After=local-fs.target
		Before=sysinit.target network-pre.target ufw.service nftables.service netfilter-persistent.service
		Before=systemd-sysctl.service networking.service systemd-networkd.service docker.service ssh.service$(linux_tunnels)
		Wants=network-pre.target

		[Service]
		Type=oneshot
		TimeoutStartSec=600
		KillMode=process
		ExecStart=/bin/sh -c '$(linux_guard)'

		[Install]
		WantedBy=sysinit.target
	END
}

# linux_tunnels are the units of the interfaces that the change writes files for.
linux_tunnels() {
	for t in "$O"/c/*/path; do
		read -r t 2>/dev/null <"$t" || continue
		case $t in "$KEYS"/*.conf)
			t=${t#"$KEYS"/}
			printf ' wg-quick@%s.service' "${t%.conf}"
			;;
		esac
	done
}
