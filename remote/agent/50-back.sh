# restore brings the file of a change back as it was: content, mode, owner, or absence; and proves it.
restore() {
	path "$1" "$2" || return 0
	read -r was <"$1/was" || return 1
	! looks "$P" || [ "$LOOK" != "$was" ] || return 0
	if [ "$was" = absent ]; then
		rm -f "$P"
	elif [ -f "$A" ] && cmp -s "$A" "$1/old"; then
		mv -f "$A" "$P"
	else
		(umask 022 && mkdir -p "${P%/*}") && cp -p "$1/old" "$A" && mv -f "$A" "$P"
	fi
	looks "$P" && [ "$LOOK" = "$was" ]
}

# reversed lists the folders of the changes, last first.
reversed() { printf '%s\n' "$1"/c/* | sort -r; }

# attempt restores every file and then runs every undo, whatever fails on the way.
attempt() {
	bad=0
	for c in $(reversed "$O"); do
		restore "$c" "$1" 2>>"$O/log" || { bad=1 && note "not restored: $P"; }
	done
	for c in $(reversed "$O"); do
		[ -e "$c/undo" ] || continue
		script "$c" undo 120 '' || { bad=1 && note "undo failed: ${c##*/}" && tail -n 5 "$c/out" 2>/dev/null >>"$O/log"; }
	done
	return $bad
}

# roll takes the transaction back. The mutex is held and the marker is ROLLING. It keeps the lock when five attempts did
# not do: the next person must know.
roll() {
	rm -f "$O/reserve"
	unapply "$1"
	if [ -e "$O/PLACED" ]; then
		for try in 1 2 3 4 5; do
			attempt "$1" && try=ok && break
			[ ! "${BOOTING-}" ] || break
			sleep "$try" 9<&-
		done
		if [ "$try" != ok ]; then
			[ ! "${BOOTING-}" ] || return 1
			turn "ROLLING.$1.$2" "STUCK.$1.$2"
			loud "a change could not be taken back: see $O/log"
			return 1
		fi
		[ "$2" = cancelled ] || [ "$2" = reverted ] || loud "a change was taken back ($2)"
	fi
	if [ "$2" = reverted ]; then
		unanswered "$1"
		for c in "$O"/c/*; do rerecord "$c" "$1"; done
	fi
	unstage "$O" "$1"
	settle_disk "$O"
	turn "ROLLING.$1.$2" "ROLLEDBACK.$1.$2"
	finish "$1"
}

# settle brings whatever is unfinished to its end: forward when it was confirmed, back when it is being taken back. It
# waits for others that are at it, and goes on where a killed one stopped.
settle() {
	mutex 900 || return 1
	state
	[ "$ID" = "$1" ] || return 0
	carry "$1" || [ ! -e "$O/CONFIRMED.$1" ] || later "$1" # the disk is full, and will not always be
}

carry() {
	case $ST in
	READY) sweep_open ;; # never armed, and who began it is dead
	ROLLING) roll "$1" "$WHY" ;;
	CONFIRMED) persist "$1" ;;
	ROLLEDBACK | PERSISTED) finish "$1" ;;
	esac
}

# expire is what a watchdog does when its time has come.
expire() {
	turn "ARMED.$1" "ROLLING.$1.expired"
	settle "$1"
}

# boot is run by the guard before anything reads the files.
boot() {
	BOOTING=yes
	mutex 60 || return 1
	state
	case $ST in
	none) return 0 ;;
	ARMED) turn "ARMED.$ID" "ROLLING.$ID.boot" ;;
	STUCK) turn "STUCK.$ID.$WHY" "ROLLING.$ID.$WHY" ;;
	esac
	state
	carry "$ID" || later "$ID"
	boot_reread
}

# later tries again in 20 s: some undo commands need what does not run yet in a boot. It does not wait until that is under
# way, which nothing of a boot is before we end.
later() { detach "postern-$1-later-$(date +%s)" 20 "$O/agent" settle "$1" >/dev/null 2>&1 & }
