# confirm keeps the change. Only now nothing of it can be taken back any more, and only if all of it was applied.
confirm() {
	state
	if [ "$ID" = "$1" ] && [ $ST = ARMED ] && [ ! -e "$O/APPLIED" ]; then
		die 19 E_NOTREADY
	fi
	if turn "ARMED.$1" "CONFIRMED.$1"; then
		flush "$D"
	fi
	[ ! -e "$O/CONFIRMED.$1" ] || own "postern-$1-keep-$$" settle "$1" >/dev/null
	ended "$1"
}

# cancel takes the change back now. Taken back already is as good.
cancel() {
	back "$1" cancelled
}

# revert takes back what was confirmed last, from the snapshot that is kept of it: the other host of a pair went back.
revert() {
	mutex 20 || owned
	settle_old
	d=$D/done.$1
	state
	[ $ST = none ] || owned
	[ -e "$d/PERSISTED.$1" ] && [ -d "$d/c" ] || { release; ended "$1"; }
	mv "$d" "$O" && boot_install || die 13 E_NOGUARD "$INIT"
	flush "$ETC" # the guard is on the disk before what it is to bring to its end
	turn "PERSISTED.$1" "ROLLING.$1.reverted"
	flush "$D"
	release
	back "$1" reverted
}

# ended tells how the transaction of that id stands, and exits accordingly.
ended() {
	state
	if [ "$ID" = "$1" ]; then
		case $ST in
		ARMED) die 0 armed ;;
		STUCK) blamed "$O"; tail -n 5 "$O/log" | sed 's/^/out /'; die 15 E_STUCK "$WHY" ;;
		ROLLING) blamed "$O"; die 14 E_ROLLING "$WHY" ;;
		CONFIRMED) tail -n 5 "$O/log" 2>/dev/null | sed 's/^/out /'; die 21 E_UNFINISHED ;;
		esac
	fi
	for d in "$O" "$D/done.$1"; do # in this order: the one becomes the other while we look
		if [ -e "$d/PERSISTED.$1" ]; then
			cat "$d/UNKEPT" 2>/dev/null && die 21 E_UNKEPT
			die 0 confirmed
		fi
		for f in "$d/ROLLEDBACK.$1."*; do
			[ -e "$f" ] || continue
			blamed "$d"
			die 14 E_ROLLEDBACK "${f#"$d/ROLLEDBACK.$1."}"
		done
	done
	die 20 E_UNKNOWN
}

# blamed names the change that failed, if it was one.
blamed() {
	read -r c 2>/dev/null <"$1/FAILED" && blame "$1/c/$c"
}

# persist makes what was confirmed last. The mutex is held; it may be called again and goes on where it was. A command
# that fails cannot stop it: it is told.
persist() {
	rm -f "$O/reserve" "$O/UNKEPT"
	for c in "$O"/c/*; do
		[ -e "$c/late" ] && path "$c" "$1" || continue
		fresh=
		[ ! -e "$S" ] || fresh=yes
		place "$c" 2>>"$O/log" && { [ ! "$fresh" ] || placed "$c"; } || { note "not in place: $P"; return 1; }
	done
	for c in "$O"/c/*; do
		[ -e "$c/keep" ] || continue
		script "$c" keep 120 '' || script "$c" keep 120 '' || blame "$c" >>"$O/UNKEPT"
	done
	answered "$1"
	unstage "$O" "$1"
	glance_at "$O" "$1" old "$O"/c/*/path
	for c in "$O"/c/*; do
		record "$c" "$1" 2>>"$O/log" || { note "not recorded: ${c##*/}"; return 1; }
	done
	GLANCE=''
	settle_disk "$O"
	turn "CONFIRMED.$1" "PERSISTED.$1"
	finish "$1"
}

# answered puts the answers of a change in place, and keeps those before it by a link, which needs no room.
answered() {
	[ -e "$D/site.toml.$1" ] || return 0
	[ -e "$O/answers.was" ] || [ ! -e "$D/site.toml" ] || ln "$D/site.toml" "$O/answers.was"
	mv -f "$D/site.toml.$1" "$D/site.toml"
}

# unanswered brings back the answers that were there before a change that was confirmed. It may be called again.
unanswered() {
	[ -e "$O/answers" ] || return 0
	if [ -e "$O/answers.was" ]; then
		ln -f "$O/answers.was" "$D/site.toml.$1" && mv -f "$D/site.toml.$1" "$D/site.toml"
	else
		rm -f "$D/site.toml"
	fi
	mv "$O/answers" "$O/answers.back"
}
