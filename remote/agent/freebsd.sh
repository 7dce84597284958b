# What is FreeBSD's own: how it locks, looks at files, ends what takes too long, and has rc run what must outlive a login. All of it with
# tools of the base system; it has no flock and no setsid. None of what is started here inherits the agent's mutex (fd 9).

# INIT is what runs the guard of the next boot; with none there is no change. A folder other than /etc is a test's.
INIT=none
if [ "$ETC" != /etc ] || [ -r /etc/rc.subr ]; then
	INIT=rc
fi

# KEYS is the folder of WireGuard's files.
KEYS=/usr/local/etc/wireguard

freebsd_guard=$ETC/rc.d/postern_boot

# lacks prints a tool that the agent needs and the host has not; it fails when there is none. An older lockf locks only files that it
# opens itself, and calls it a wrong usage (64) to be given a descriptor.
lacks() {
	for tool in lockf daemon timeout sha256 stat find fsync rcorder awk; do
		command -v $tool >/dev/null || { echo $tool; return 0; }
	done
	lockf -s -t 0 9 9</bin/sh 2>/dev/null
	[ $? = 64 ] && echo 'lockf that locks a descriptor: its FreeBSD is too old'
}

# lock takes the file open as descriptor $1, for this process and all that inherit that; it waits at most $2 seconds.
lock() { eval "lockf -s -t $2 $1 $1<&$1"; }

# unlock is done by who closes the descriptor: nothing here gives up a lock for others that have it open, and none have.
unlock() { :; }

# held says whether a living process has locked that file. Never by kill -0, which takes a zombie for alive. There is no shared lock to ask
# for, so two who ask at the same moment see each other, but not three times.
held() {
	for rest in 0 0.05 0.1; do
		[ -e "$1" ] && ! lockf -k -n -s -t 0 "$1" true 9<&- || return 1
		sleep $rest 9<&-
	done
}

# awaited waits until nobody holds that file, at most $2 seconds or a part of one, and fails when somebody still does.
awaited() { timeout "$2" lockf -k -n -s "$1" true 9<&-; }

# digest sets DIGEST to the SHA-256 of standard input.
digest() { DIGEST=$(sha256 -q); }

# digests prints the SHA-256 of each of some files in a line of its own.
digests() { sha256 -q -- "$@"; }

# metas prints their modes and numeric owners.
metas() { stat -f '%Mp%Lp %u:%g' -- "$@"; }

# meta sets META to the mode and the numeric owner of a file.
meta() { META=$(stat -f '%Mp%Lp %u:%g' -- "$1"); }

# flush brings to the disk what is written to these folders: a power cut must not bring back the past. sync only begins to write, so each
# file is asked for: the agent's own at any depth, and the guard of the boot.
flush() {
	sync
	for flushed in "$@" "$ETC/rc.d"; do
		deep=1
		[ "$flushed" != "$D" ] || deep=9
		find "$flushed" -xdev -maxdepth $deep \( -type f -o -type d \) -exec fsync {} + 2>/dev/null
	done
	return 0
}

# within runs a command that is ended, with all it started, after $1 seconds.
within() { timeout -k 5 "$@"; }

# within_boot is within for script $2 of a change during a boot: BOOTING tells it that nothing runs yet, so nothing that runs is to be changed.
within_boot() { (export BOOTING && within "$1" /bin/sh -e "$2"); }

# own runs a verb of the stored agent outside the session of whoever called, and waits for it: a killed client, sshd or
# login session ends neither a change nor its taking back, and it can be ended whole. own NAME VERB ARGS... What it
# says is passed on, and comes to its end when it does.
own() {
	shift
	{ daemon /bin/sh "$O/agent" "$@" | cat; } </dev/null 9<&-
}

# end_own kills what own started, whole; $2 is the process that it began as.
end_own() { kill -s KILL -- "-$2" 2>/dev/null; }

# detach runs a script in $2 seconds, whatever becomes of us. detach NAME SECONDS SCRIPT ARGS...
detach() {
	shift
	daemon -f /bin/sh -c 'sleep "$0"; exec /bin/sh "$@"' "$@" 9<&-
}

# watchdog starts watchdog $2, a or b, of transaction $1: the verb expire in $3 seconds. It inherits a lock that lives as long
# as it does; the sleep inside must not hold that lock, or a killed watchdog would look alive.
watchdog() {
	: >>"$O/WATCH.$2" && exec 5<"$O/WATCH.$2" && lock 5 5 || return 1
	pid=$(daemon /bin/sh -c 'echo $$; exec >/dev/null 2>&1; sleep "$1" 5<&-; exec /bin/sh "$2" expire "$3" 5<&-' \
		watch "$3" "$O/agent" "$1" </dev/null 2>>"$O/log" 9<&-)
	exec 5<&-
	[ "$pid" ] && echo "$pid" >"$O/PID.$2"
}

# watchdog_due says whether the watchdogs named after transaction $1 live, and their time has not come.
watchdog_due() {
	shift
	for w in "$@"; do held "$O/WATCH.$w" || return 1; done
}

# watchdog_left says whether that watchdog lives: it will have its say.
watchdog_left() { watchdog_due "$@"; }

# watchdog_end ends the watchdogs named after transaction $1 and its folder $2, if their time has not come: one at work may be us.
watchdog_end() {
	from=$2
	shift 2
	for w in "$@"; do
		held "$from/WATCH.$w" && read -r pid <"$from/PID.$w" && [ "$pid" != $$ ] && kill -s KILL -- "-$pid"
	done 2>/dev/null
}

# boot_install has rc run the verb boot at the next boot, before anything reads the files of a change.
boot_install() { mkdir -p "$ETC/rc.d" && freebsd_script >"$freebsd_guard" && chmod 755 "$freebsd_guard"; }

# boot_sure proves that it would, and before the network and pf.
boot_sure() {
	[ -x "$freebsd_guard" ] && freebsd_script | cmp -s - "$freebsd_guard" &&
		[ "$(rcorder "$ETC"/rc.d/* 2>/dev/null | grep -E '/(postern_boot|netif|pf)$' | head -n 1)" = "$freebsd_guard" ]
}

# boot_remove has it do so no more.
boot_remove() { rm -f "$freebsd_guard"; }

# boot_reread makes rc read its settings again, which a boot may just have changed back: it has read them before all else.
boot_reread() { [ ! "${RC_PID-}" ] || kill -s ALRM "$RC_PID"; }

# freebsd_script is what a boot runs, in rc's own shell, so that it must not end: the agent of the open change, or, when a crash left the
# guard behind, its own end and that of a change that was never armed. Nobody else who starts it changes anything.
freebsd_script() {
	cat <<-END
		#!/bin/sh
		#
		# PROVIDE: postern_boot
		# REQUIRE: FILESYSTEMS
		# BEFORE: netif pf ipfw ipfilter

		# Takes back a change that nobody confirmed.
		case \$1 in
		faststart | quietstart)
			if [ -e $O/agent ]; then
				/bin/sh $O/agent boot
			else
				rm -rf $D/in.*
				rm -f $freebsd_guard
			fi
			;;
		esac
	END
}
