# looks sets LOOK to what can be compared about a path: "absent", or mode, owner and digest. It fails where that cannot be told.
looks() {
	if [ -f "$1" ] && [ ! -h "$1" ]; then
		LOOK=
		meta "$1" && LOOK="$META " && digest <"$1" && LOOK=$LOOK$DIGEST
	elif [ -e "$1" ] || [ -h "$1" ]; then
		LOOK=other
	else
		LOOK=absent
	fi
}

# glance looks at many files at once, which takes two processes, and keeps what it saw for known. What it cannot tell it leaves to looks.
glance() {
	GLANCE=
	for f in "$@"; do
		shift
		case $f in *\\*) ;; *) [ ! -f "$f" ] || [ -h "$f" ] || set -- "$@" "$f" ;; esac
	done
	[ $# -gt 1 ] && metas=$(metas "$@") && digests=$(digests "$@") || return 0
	metas=$metas$nl digests=$digests$nl
	for f in "$@"; do
		[ "$metas" ] && [ "$digests" ] || { GLANCE= && return; } # not one line for each
		digest=${digests%%"$nl"*}
		GLANCE=$GLANCE$nl$f//${metas%%"$nl"*}\ ${digest%% *}
		metas=${metas#*"$nl"} digests=${digests#*"$nl"}
	done
	[ ! "$metas$digests" ] || GLANCE=
}

# known sets LOOK as looks does, to what the last glance saw, if it saw that. It goes line by line, for a shell looks for a pattern in a
# long text by looking for it in all that this begins with.
known() {
	had=$IFS IFS=$nl one=
	set -f
	for one in $GLANCE; do
		case $one in "$1//"*) LOOK=${one#"$1//"} && break ;; esac
	done
	set +f
	IFS=$had
	case $one in "$1//"*) ;; *) looks "$1" ;; esac
}

# same says whether two files hold the same.
same() { known "$1" && set -- "$2" "${LOOK##* }" && known "$1" && [ "${LOOK##* }" = "$2" ]; }

# glance_at glances at the files of the changes in folder $1 with the id $2, and at those that are named besides; new: at their new content
# and at the copies of the old one.
glance_at() {
	from=$1 of=$2 kind=$3
	shift 3
	for c in "$from"/c/*; do
		path "$c" "$of" || continue
		case $kind in new) set -- "$@" "$S" "$c/old" "$A" ;; *) set -- "$@" "$P" ;; esac
	done
	glance "$@"
}
