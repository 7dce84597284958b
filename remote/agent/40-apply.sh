# script runs one script of a change: folder, kind, seconds it may take (0: the deadline ends it), the file it may look at
# as $NEW. Where $KEPT names, one may keep what a later one brings back. What it prints is kept; what it starts inherits none of our
# locks, and the umask that root has.
script() {
	(
		umask 022
		export NEW="$4" KEPT="$1/kept"
		if [ "$3" = 0 ]; then
			exec /bin/sh -e "$1/$2"
		elif [ "${BOOTING-}" ]; then
			within_boot "$3" "$1/$2"
		else
			within "$3" /bin/sh -e "$1/$2"
		fi
	) </dev/null 8<&- 9<&- >"$1/out" 2>&1
}

# place puts the new file of a change where it belongs, by one rename. It may be called again.
place() {
	if [ ! -e "$1/new" ]; then
		rm -f "$P"
	elif [ -e "$S" ]; then
		mv -f "$S" "$P"
	fi
}

# placed proves that it is there, where there is one.
placed() { [ ! -e "$1/new" ] || { known "$P" && read -r want <"$1/want" && [ "$LOOK" = "$want" ]; }; }

# apply runs under init. It takes APPLY before it looks whether the transaction is still armed, and who takes back turns
# the marker before it looks at APPLY: one of the two always sees the other.
apply() {
	exec 8<"$O/RUNNING" || exit 1
	lock 8 5 || exit 1
	echo $$ >"$O/RUNNING" || exit 1
	[ -e "$O/ARMED.$1" ] && turn BEFORE PLACED && flush "$D" || exit 1
	for c in "$O"/c/*; do
		[ -e "$c/turn" ] || put_in_place "$c" "$1" place
	done
	glance_at "$O" "$1" old
	for c in "$O"/c/*; do
		[ -e "$c/turn" ] || put_in_place "$c" "$1" placed
	done
	GLANCE=''
	for c in "$O"/c/*; do
		say "change ${c##*/}"
		[ ! -e "$c/turn" ] || { put_in_place "$c" "$1" place && put_in_place "$c" "$1" placed; }
		[ -e "$c/run" ] || continue
		S=''
		path "$c" "$1" && [ ! -e "$c/late" ] && S=$P
		script "$c" run 0 "$S" && told "$c" || failed "$c"
	done
	settle_disk "$O" # what is confirmed must be there already
	[ -e "$O/ARMED.$1" ] && turn UNAPPLIED APPLIED
}

# put_in_place places the file of a change, or proves it, where it has one that is not late.
put_in_place() {
	[ ! -e "$1/late" ] && path "$1" "$2" || return 0
	$3 "$1" || failed "$1" "$P cannot be replaced"
}

failed() {
	[ $# = 1 ] || printf '%s\n' "$2" >>"$1/out"
	echo "${1##*/}" >"$O/FAILED"
	exit 1
}

# unapply ends an apply that is still running, and waits until it is gone: a slow command must not change the host again
# after it was taken back.
unapply() {
	for try in 1 2 3 4 5 6 7 8 9 10; do
		held "$O/RUNNING" || return 0
		read -r pid <"$O/RUNNING"
		end_own "postern-$1-apply" "$pid"
		awaited "$O/RUNNING" 1 && return 0
	done
	note "apply is still there after $try attempts to end it"
}
