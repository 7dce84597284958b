# status tells what is open, who holds it, and how the last transactions ended, newest first. It writes nothing.
status() {
	state
	if [ $ST != none ]; then
		echo "open $ID $ST $WHY"
		[ ! -e "$O/APPLIED" ] || echo applied
		sed -n '1s/^# postern agent /agent /p' "$O/agent" 2>/dev/null
		sed 's/^/owner /' "$O/owner" 2>/dev/null
	fi
	for J in "$D"/job.*; do
		[ -e "$J/started" ] && [ ! -e "$J/rc" ] || continue
		job=dead
		! held "$D/JOB" || job=work
		echo "$job ${J##*/job.}"
		for c in "$J"/c/*/title; do sed 's/^/doing /' "$c"; done
	done 2>/dev/null
	# By the markers: a folder looks newer than it is once its snapshots were removed.
	ls -t "$D"/done.*/PERSISTED.* "$D"/done.*/ROLLEDBACK.* 2>/dev/null | sed 's:.*/:ended :'
	die 0 status
}
