# The base: what was there before us, by step and change. The first touch wins, and stays while the change is in effect.

# shelf sets R, the folder of a change's record. The same change may have written several paths.
shelf() {
	read -r step <"$1/step" && read -r cid <"$1/cid" || return 1
	R=$D/base/$step/$cid@-
	[ -e "$1/path" ] || return 0
	known "$1/path" && LOOK=${LOOK##* } && R=$D/base/$step/$cid@${LOOK%"${LOOK#????????????}"}
}

# record notes a change that is in effect now, or forgets one that was undone.
record() {
	[ -e "$1/cid" ] && [ ! -e "$1/record" ] || return 0
	shelf "$1" || return 1
	[ ! -e "$1/forget" ] || { unrecord "$1"; return; }
	path "$1" "$2" || P=''
	[ ! "$P" ] || known "$P" || return 1
	if [ ! -e "$R" ]; then
		shelve "$1" "$2" || return 1
	else
		rm -f "$R/title" "$R/run" "$R/keep" "$R/risk"
		copies "$1" "$R" title run keep risk || return 1
		[ ! "$P" ] || { echo "$LOOK" >"$R/ours.new" && mv -f "$R/ours.new" "$R/ours"; } || return 1
	fi
	[ "$P" ] || return 0
	# A file that is again as it was before us has nothing of ours left.
	was=
	read -r was <"$R/was" && [ "$LOOK" = "$was" ] || return 0
	was=
	read -r was <"$1/was" && [ "$LOOK" = "$was" ] || unrecord "$1"
}

# shelve makes a new record whole, and then gives it its name; its file looks like $LOOK.
shelve() {
	N=$D/base/.new
	[ ! -e "$N" ] || rm -rf "$N"
	mkdir -p "$N" "${R%/*}" || return 1
	read -r seq 2>/dev/null <"$D/base/.count" || seq=0
	echo $((seq + 1)) >"$D/base/.count" && echo $((seq + 1)) >"$N/seq" && echo "$2" >"$N/first" || return 1
	copies "$1" "$N" path step cid undo was dirs inert title run keep risk || return 1
	[ ! "$P" ] || echo "$LOOK" >"$N/ours" || return 1
	[ ! -e "$1/old" ] || ln "$1/old" "$N/orig" || return 1
	mv "$N" "$R"
}

# copies puts those of the named files of folder $1 that there are into folder $2.
copies() {
	from=$1 to=$2
	shift 2
	for f in "$@"; do
		[ ! -e "$from/$f" ] || set -- "$@" "$from/$f"
		shift
	done
	[ $# = 0 ] || cp "$@" "$to"
}

# unrecord forgets. What the change of folder $1 has forgotten stays with it, for who takes that change back.
unrecord() {
	unparent "$R/dirs"
	[ ! "${1-}" ] || [ ! -e "$R" ] || mv "$R" "$1/record" || return 1
	[ ! -e "$R" ] || rm -rf "$R"
	for f in "${R%/*}"/*; do
		[ ! -e "$f" ] || return 0
	done
	rmdir "${R%/*}" 2>/dev/null
	return 0
}

# rerecord makes the records fit a change that was confirmed and then taken back. $1 folder, $2 id.
rerecord() {
	[ -e "$1/cid" ] && shelf "$1" || return 0
	[ ! -e "$1/record" ] || { mkdir -p "${R%/*}" && mv "$1/record" "$R"; }
	[ -e "$R" ] && [ ! -e "$1/forget" ] || return 0
	if [ "$(cat "$R/first")" = "$2" ]; then
		unrecord
	elif path "$1" "$2"; then
		looks "$P" && echo "$LOOK" >"$R/ours.new" && mv -f "$R/ours.new" "$R/ours"
	fi
}

# recorded prints every record. Nothing in it is a secret but the original file, of which only the place is told.
recorded() {
	set --
	for R in "$D"/base/*/*/path; do
		IFS= read -r P 2>/dev/null <"$R" && set -- "$@" "$P"
	done
	glance "$@"
	for R in "$D"/base/*/*/; do
		R=${R%/}
		[ -e "$R/cid" ] || continue
		echo record
		set --
		for f in step cid title path was seq first inert risk undo run keep; do
			[ ! -e "$R/$f" ] || set -- "$@" "$R/$f"
		done
		awk 'FNR == 1 { word = FILENAME; sub(".*/", "", word) } { print word, $0 }' "$@"
		[ ! -e "$R/orig" ] || echo "orig $R/orig"
		IFS= read -r P 2>/dev/null <"$R/path" || continue
		known "$P"
		ours=
		read -r ours 2>/dev/null <"$R/ours"
		[ "${LOOK##* }" = "${ours##* }" ] || echo "touched yes"
	done
	die 0 recorded
}
