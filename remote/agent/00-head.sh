# shellcheck shell=sh disable=SC2012,SC2015,SC2016,SC2030,SC2031
# What a host keeps of Postern while it is being changed, and runs by itself when nobody is there any more. The state is
# the name of one marker file in $O, and every transition is one rename: two that want different things cannot both win.
#
#   READY > ARMED > CONFIRMED > PERSISTED > done.ID
#             |- ROLLING.WHY > ROLLEDBACK.WHY > done.ID
#                   |- STUCK.WHY
#
# $O is also the lock: it is there as long as a change is not over, and its file owner says whose that is.
# $D/MUT is held (fd 9) by whoever sets up, takes back or persists; $O/APPLY (fd 8) by the one who applies.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin
umask 077
cd / || exit 18
O=$D/open
GLANCE='' HIDES='' nl='
'

# say tells the client. It must survive a client that has gone, hence the subshell; the commands of a change inherit nothing of it.
say() { (trap '' PIPE; printf '%s\n' "$*") 2>/dev/null || :; }

# told passes on what the script of the change in folder $1 has to tell though all went well: its lines that begin so.
told() { [ ! -s "$1/out" ] || (trap '' PIPE; grep '^told: ' "$1/out") 2>/dev/null || :; }

# die ends with one result line: exit status, word, and what there is to know.
die() {
	code=$1
	shift
	say "result $*"
	exit "$code"
}

note() { [ -d "$O" ] && printf '%s\n' "$*" 2>/dev/null >>"$O/log"; }

# loud tells people on the host. It must not hang on a dead logger or a stopped terminal.
loud() {
	note "$*"
	within 5 logger -t postern -- "$*" >/dev/null 2>&1 9>&-
	printf 'postern: %s\n' "$*" | within 5 wall >/dev/null 2>&1 9>&-
	return 0
}

# mutex waits at most $1 seconds. It is opened for reading, so that it works on a file system that went read-only.
mutex() {
	[ -r "$D/MUT" ] || return 1
	exec 9<"$D/MUT"
	lock 9 "$1"
}

# release unlocks for every process that has the lock open, such as the shell that began.
release() {
	unlock 9
	exec 9<&-
}

# turn is the compare-and-swap: it moves the transaction from one marker to another, or fails when it is not there any more.
turn() { mv "$O/$1" "$O/$2" 2>/dev/null; }

# state sets ST, ID and WHY. Markers are looked for in the order they follow each other, so none is missed in between.
state() {
	ST=none ID='' WHY=''
	[ -d "$O" ] || return 0
	read -r ID 2>/dev/null <"$O/id"
	for m in READY ARMED CONFIRMED ROLLING STUCK ROLLEDBACK PERSISTED; do
		for f in "$O/$m.$ID" "$O/$m.$ID."*; do
			[ -e "$f" ] || continue
			ST=$m WHY=${f#"$O/$m.$ID"}
			WHY=${WHY#.}
			return 0
		done
	done
	[ ! -d "$O" ] || ST=READY
}
