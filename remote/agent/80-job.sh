# A job applies changes that are inert: no guard, but it goes on when the client is gone, and the change that fails is taken back.
# Its log is in its folder, and anybody may watch it from the start.

# job_start runs in the payload's folder $I with the mutex held, unless the job of that id is there already.
job_start() {
	state
	[ $ST = none ] || [ $ST = READY ] || owned
	! held "$D/JOB" || owned "$D/JOB.owner"
	job_settle
	rm -rf "$D"/job.*
	: >>"$D/JOB" && cp "$I/owner" "$D/JOB.owner" && : >"$I/log" && mv "$I" "$D/job.$1" || refuse 12 "$D/job.$1"
	detach "postern-job-$1" 0 "$D/job.$1/agent" job "$1" || die 13 E_NOGUARD "$INIT"
	release
	job_watch "$1"
}

# job is the work itself, under init.
job() {
	J=$D/job.$1
	exec 8<"$D/JOB" >>"$J/log" 2>&1
	lock 8 5 || exit 1
	echo $$ >"$J/started"
	hidden "$J"
	for c in "$J"/c/*; do
		echo "@@$1 change ${c##*/}"
		job_change "$c" "$1" || { job_failed "$1" $?; return; }
	done
	job_ended 0
}

job_failed() {
	job_back "$1"
	job_ended "$2"
}

# job_ended says how it ended, once that is on the disk.
job_ended() {
	settle_disk "$J"
	echo "$1" >"$J/rc.new" && mv "$J/rc.new" "$J/rc"
}

# job_stopped lists the changes of job $J that go back when it stops, last first: the one it stopped in, and those bound to it.
job_stopped() {
	for b in $(reversed "$J"); do
		[ -e "$b/over" ] && [ ! -e "$b/bound" ] || echo "$b"
	done
}

# job_back takes them back from wherever they stopped: their files, and then what ran.
job_back() {
	for b in $(job_stopped); do
		path "$b" "$1" || continue
		rm -f "$S"
		[ ! -e "$b/began" ] || restore "$b" "$1"
		rm -f "$A"
	done
	for b in $(job_stopped); do
		[ ! -e "$b/over" ] || rerecord "$b" "$1"
		if [ -e "$b/began" ] && [ -e "$b/undo" ]; then
			job_script "$b" undo >"$b/out" 2>&1 || { tail -n 5 "$b/out" && echo 'it could not be taken back'; }
		fi
		unparent "$b/dirs"
	done
}

# job_settle takes back what a dead job, as after a reboot, stopped in the middle of. The mutex is held.
job_settle() {
	for J in "$D"/job.*; do
		[ -e "$J/started" ] && ! held "$D/JOB" && [ ! -e "$J/rc" ] || continue
		job_back "${J##*/job.}" >>"$J/log" 2>&1
		rm -rf "$J"
	done
}

job_change() {
	ready "$1" "$2" || return $?
	S=''
	if path "$1" "$2"; then
		wanted "$1" || return 12
		[ ! -e "$1/test" ] || job_script "$1" test || return 17
	fi
	: >"$1/began" && flush "$D" || return 12
	if path "$1" "$2"; then
		place "$1" && placed "$1" || return 12
		S=$P
	fi
	[ ! -e "$1/run" ] || job_script "$1" run || return 17
	[ ! -e "$1/keep" ] || job_script "$1" keep || return 17
	path "$1" "$2" && rm -f "$A"
	echo yes >"$1/inert"
	record "$1" "$2" && : >"$1/over" || return 12
}

# job_script prints as it goes, because installing packages takes its time: as much as the change says it may take.
job_script() {
	(
		umask 022
		export NEW="$S" KEPT="$1/kept"
		read -r secs 2>/dev/null <"$1/takes" || exec /bin/sh -e "$1/$2"
		within "$secs" /bin/sh -e "$1/$2" || { [ $? != 124 ] || echo "ended, because it took more than $secs s"; exit 1; }
	) </dev/null 8<&-
}

# job_watch prints the log until the job has ended.
job_watch() {
	J=$D/job.$1 at=1 idle=0
	while :; do
		over=no
		[ ! -e "$J/rc" ] || over=yes
		size=$(wc -c 2>/dev/null <"$J/log") || die 20 E_UNKNOWN
		if [ "$size" -ge $at ]; then
			tail -c +$at "$J/log" | head -c $((size - at + 1))
			at=$((size + 1))
		fi
		[ $over = no ] || break
		if held "$D/JOB"; then
			idle=0
			awaited "$D/JOB" 0.2 # until it has ended, or there may be more to tell
		else
			idle=$((idle + 1))
			[ $idle -lt 200 ] || { echo; die 20 E_LOST; }
			sleep 0.05
		fi
	done
	read -r rc <"$J/rc"
	echo
	case $rc in
	0) die 0 finished ;;
	11) die 11 E_CHANGED "$(tail -n 1 "$J/log")" ;;
	16) die 16 E_SECRET "$(tail -n 1 "$J/log")" ;;
	17) die 17 E_TEST ;;
	18) die 18 E_REFUSED "$(tail -n 1 "$J/log")" ;;
	*) die 12 E_DISK "$(tail -n 1 "$J/log")" ;;
	esac
}
