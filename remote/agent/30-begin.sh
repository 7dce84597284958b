# begin runs in the payload's folder $I, with the mutex held since before that was written.
begin() {
	settle_old
	for f in "$D"/in.*; do
		[ "$f" = "$I" ] || sweep "$f"
	done
	! held "$D/JOB" || owned "$D/JOB.owner"
	[ ! -e "$O" ] || owned
	flush "$D" # what is staged now is swept after a power cut, too
	why=$(prepare "$1" 2>&1)
	rc=$?
	[ $rc = 0 ] || refuse $rc "$why"
	for c in "$I"/c/*; do
		[ -e "$c/test" ] || continue
		path "$c" "$1" || S=''
		script "$c" test 60 "$S" || untested "$c"
	done
	[ ! -e "$O" ] && mv "$I" "$O" || refuse 12 "$O"
	arm "$1" || unarm "$1"
	release
	drive "$1"
}

# prepare takes every snapshot and writes every new file, and then keeps 64 kB for a host whose disk is full when it must
# go back. What it prints is the reason why not.
prepare() {
	hidden "$I"
	glance_at "$I" "$1" old "$I"/c/*/expect "$I"/c/*/path
	for c in "$I"/c/*; do
		ready "$c" "$1" || return $?
	done
	glance_at "$I" "$1" new
	for c in "$I"/c/*; do
		path "$c" "$1" || continue
		copied "$c" || { echo "$P"; return 11; }
		wanted "$c" || return 12
	done
	if [ -e "$I/answers" ]; then
		cp "$I/answers" "$D/site.toml.$1" || return 12
	fi
	for f in READY."$1" BEFORE UNAPPLIED RUNNING; do
		: >"$I/$f" || return 12
	done
	dd if=/dev/urandom of="$I/reserve" bs=1024 count=64 2>/dev/null || { echo "no space under $D"; return 12; }
}

# settle_disk brings what is written to the disk itself, on each file system a change touches, for what is said of it must hold
# after a power cut: before it is armed, once it is applied, persisted or taken back. $1 is the folder of the changes.
settle_disk() {
	set -- "$1"/c/*/path
	for f in "$@"; do
		read -r f 2>/dev/null <"$f" && [ -d "${f%/*}" ] && set -- "$@" "${f%/*}"
		shift
	done
	flush "$D" "$ETC" "$@"
}

# arm makes the guards, turns the marker, and only then proves that the guards live: watchdogs that fired before the
# marker was there must count as dead.
arm() {
	read -r secs <"$O/deadline" && watch "$1" "$secs" || return 1
	boot_install 2>>"$O/log" || return 1
	settle_disk "$O"
	turn "READY.$1" "ARMED.$1" || return 1
	watched "$1" && boot_sure
}

# unarm gives up before anything was changed, unless a watchdog was faster: then it goes the way back.
unarm() {
	if turn "ARMED.$1" "READY.$1" || [ -e "$O/READY.$1" ]; then
		tail -n 3 "$O/log" 2>/dev/null
		sweep_open
		die 13 E_NOGUARD "$INIT"
	fi
}

# drive applies, and takes back at once what did not apply whole.
drive() {
	say armed
	own "postern-$1-apply" apply "$1"
	if [ -e "$O/APPLIED" ] && [ -e "$O/ARMED.$1" ]; then
		say "result applied"
		exit 0
	fi
	back "$1" failed
}

# back takes the transaction back under init, waits for it, and says how it ended.
back() {
	turn "ARMED.$1" "ROLLING.$1.$2"
	[ ! -e "$O/agent" ] || own "postern-$1-back-$$" settle "$1" >/dev/null
	ended "$1"
}

# untested ends a begin whose staged file is not right, before anything was changed.
untested() {
	blame "$1"
	sweep "$I"
	die 17 E_TEST
}

# blame names the change in folder $1, with the end of what it printed.
blame() {
	say "change ${1##*/}"
	tail -c 2000 "$1/out" 2>/dev/null | sed 's/^/out /'
}

# refuse ends a begin before anything was changed.
refuse() {
	case $1 in
	11) word=E_CHANGED ;;
	16) word=E_SECRET ;;
	18) word=E_REFUSED ;;
	*) set -- 12 "$2" && word=E_DISK ;;
	esac
	sweep "$I"
	die "$1" "$word" "$(printf %s "$2" | tail -n 1)"
}

# owned tells who holds the host: whose change is open, or being set up. $1 is who else it might be.
owned() {
	for f in "$@" "$O/owner" "$D"/in.*/owner; do
		[ "$f" != "$I/owner" ] && sed 's/^/owner /' "$f" 2>/dev/null && break
	done
	sweep "$I"
	die 10 E_LOCKED
}
