# unstage removes what lies beside the targets of a begin in folder $1.
unstage() {
	from=$1 of=$2
	set -- "$D/site.toml.$of"
	for c in "$from"/c/*; do
		path "$c" "$of" && set -- "$@" "$S" "$A"
	done
	for f in "$@"; do
		shift
		[ ! -e "$f" ] || set -- "$@" "$f"
	done
	[ $# = 0 ] || rm -f "$@"
}

# unparent removes the folders that we made, if nothing else is in them.
unparent() {
	for made in "$@"; do
		[ -e "$made" ] || continue
		cat "$@" 2>/dev/null | sort -r | while IFS= read -r made; do rmdir "$made" 2>/dev/null; done
		return 0
	done
}

# unbegun removes all that a begin $2 in folder $1 put elsewhere.
unbegun() {
	unstage "$1" "$2"
	unparent "$1"/c/*/dirs
}

# sweep takes away a begin that changed nothing.
sweep() {
	[ -d "$1" ] || return 0
	unbegun "$1" "${1##*/in.}"
	rm -rf "$1"
}

# sweep_open takes away a transaction that was never armed: one that changed something is never swept, whatever its marker. The guard of
# the boot goes last: it does the rest when a crash comes in between.
sweep_open() {
	[ ! -e "$O/PLACED" ] && read -r dead <"$O/id" || return 1
	unwatch "$dead" "$O"
	unbegun "$O" "$dead"
	mv "$O" "$D/in.$dead" && rm -rf "$D/in.$dead"
	boot_remove
}

# finish leaves the history and frees the host, by one rename. The mutex is held and the files are in their final state.
# The guards go last, once the end is on the disk: until then they bring to its end what a crash leaves in the middle.
finish() {
	unstage "$O" "$1"
	[ -e "$O/PERSISTED.$1" ] || unparent "$O"/c/*/dirs
	[ ! -e "$O/reserve" ] || rm -f "$O/reserve"
	rm -rf "$D"/done.*/c
	mv "$O" "$D/done.$1" || return 1
	flush "$D"
	boot_remove
	unwatch "$1" "$D/done.$1"
	prune
}

# prune keeps the last 20 ends.
prune() {
	set -- "$D"/done.*
	[ $# -le 20 ] || ls -td "$@" 2>/dev/null | sed 1,20d | while IFS= read -r d; do rm -rf "$d"; done
}

# settle_old makes room for a new transaction, or says why there is none. The mutex is held, so nobody is at work: what is
# found half done is carried on by the agent that started it, an armed one only when no watchdog is left to do it.
settle_old() {
	state
	case $ST in
	none) boot_remove ;; # a crash may have left it
	READY) carry "$ID" ;;
	ARMED) guarded "$ID" || carry_old "$ID" abandoned ;;
	STUCK) sed 's/^/owner /' "$O/owner"; sweep "$I"; die 15 E_STUCK "$WHY" ;;
	*) carry_old "$ID" ;;
	esac
}

carry_old() {
	[ $# = 1 ] || turn "ARMED.$1" "ROLLING.$1.$2"
	release
	own "postern-$1-old-$$" settle "$1" >/dev/null
	mutex 30 && { [ ! "$I" ] || [ -e "$I/owner" ]; } || owned
}

# tidy brings to its end what nobody else will, and says who holds the host when somebody does.
tidy() {
	[ -e "$D/MUT" ] || die 0 tidied
	mutex 20 || owned
	settle_old
	state
	[ $ST = none ] || owned
	job_settle
	die 0 tidied
}
