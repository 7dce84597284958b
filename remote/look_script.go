package remote

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// kind is the letter of how a query is asked: the files come first, the units then, and what is run last.
func (q Query) kind() (letter, what string) {
	switch {
	case q.File != "":
		return "f", q.File
	case q.Unit != "":
		return "u", q.Unit
	case q.Shared:
		return "s", q.Run
	}
	return "r", q.Run
}

// lookScript asks every query, each in a frame of its own, in the order in which it leaves them. No nonce is in an argument, which everybody on the host may read.
func lookScript(nonce string, queries []Query, limit time.Duration) string {
	slices.SortStableFunc(queries, func(a, b Query) int {
		x, _ := a.kind()
		y, _ := b.kind()
		return cmp.Compare(strings.Index("fu", x)&3, strings.Index("fu", y)&3) // what is run is -1, and so last
	})
	var asked strings.Builder
	args := map[string]*strings.Builder{"f": {}, "u": {}, "r": {}}
	for _, q := range queries {
		letter, what := q.kind()
		asked.WriteString(" " + Quote(letter+what))
		if to := args[letter]; to != nil && letter != "r" {
			to.WriteString(" " + Quote(what))
		} else {
			args["r"].WriteString(" " + Quote(letter+what))
		}
	}
	all := lookTools + lookAll + "files=" + Quote(lookFiles) + "\nlook_files" + args["f"].String() + "\nlook_units" + args["u"].String() + "\nlook_run" + args["r"].String() + "\n"
	return fmt.Sprintf("most=%s less=%s room=%d rooms=%d nonce=%s\nexport nonce room\nall=%s\n%s%sset --%s\n{ whole \"$@\"; rest \"$@\"; } | redact\n",
		seconds(limit), seconds(limit/4), MaxAnswer+1, lookRoom, nonce, Quote(all), lookTools, lookPrelude, asked.String())
}

// lookRoom is how many bytes all answers of one shell may have; those that it would cut are asked by themselves.
const lookRoom = 8 * MaxAnswer

// lookTools is what one shell on the host needs to tell of files, on any POSIX system. Only a plain one is opened: a FIFO would keep
// whoever does.
const lookTools = `case ${UNAME:-$(uname -s)} in
*BSD | Darwin | DragonFly) how=-f about='%N %Mp%Lp %Su:%Sg %z' ;;
*) how=-c about='%n %a %U:%G %s' ;;
esac
answered() { printf '\n%s %d\n' "$1" "$2"; }
file() {
	printf '\n%s begin\n' "$1"
	code=1
	if [ -f "$2" ] && [ -r "$2" ]; then
		this=$(stat -L "$how" "$about" -- "$2" 2>/dev/null)
		printf '%s\n' "${this#"$2 "}"
		code=0
		head -c "$room" -- "$2" 2>/dev/null || code=2
	elif [ -e "$2" ] || [ -L "$2" ]; then
		code=2
	fi
	answered "$1" "$code"
}
`

// lookFiles is the awk that tells of all files: of each argument, a file that is read (r), absent (a) or neither (x), what stat said of
// it ($stats) and what is in it. That it ends without a line feed is known by its size; what does not fit that, as a file that was
// written to meanwhile, or one with bytes that awk does not keep, is told by head.
const lookFiles = `BEGIN {
	of = ENVIRON["of"]; room = ENVIRON["room"] + 0
	n = split(ENVIRON["stats"], line, "\n")
	for (i = 1; i <= n; i++) if (match(line[i], / [0-7]+ [^ ]+:[^ ]+ [0-9]+$/)) {
		name = substr(line[i], 1, RSTART - 1)
		about[name] = substr(line[i], RSTART + 1)
		size[name] = about[name]; sub(/.* /, "", size[name])
		size[name] += 0
	}
	for (i = 1; i < ARGC; i++) {
		f = substr(ARGV[i], 2)
		code = index("rax", substr(ARGV[i], 1, 1)) - 1
		printf "\n%sq%d begin\n", of, i - 1
		if (code == 0) code = tell()
		printf "\n%sq%d %d\n", of, i - 1, code
		fflush()
		printf "." > "/dev/stderr"
	}
}
function tell(   text, sep, l, n, got) {
	print about[f]
	text = sep = ""
	n = 0
	if (f in about && size[f] < room) while ((got = (getline l < f)) > 0) {
		text = text sep l
		sep = "\n"
		if ((n += length(l) + 1) > room) break
	}
	close(f)
	if (n > 0 && n == size[f]) { print text; return 0 }
	if (f in about && n == size[f] + (n > 0)) { printf "%s", text; return 0 }
	fflush()
	l = f
	gsub(/\047/, "\047\\\047\047", l)
	return system("head -c " room " -- \047" l "\047 2>/dev/null") ? 2 : 0
}`

// lookAll is the shell that asks everything, and says a dot on file 3 for each that is told: first the files, then the units, then what is
// to be run. Starting a process is what costs on a small host, so it starts none but those that are asked for.
const lookAll = `look_n=0 look_of=$nonce
unset nonce
look_told() {
	printf . >&3
	look_n=$((look_n + 1))
}
look_files() {
	[ $# -gt 0 ] || return 0
	stats=$(stat -L "$how" "$about" -- "$@" 2>/dev/null)
	for q; do
		if [ -f "$q" ] && [ -r "$q" ]; then set -- "$@" "r$q"
		elif [ -e "$q" ] || [ -L "$q" ]; then set -- "$@" "x$q"
		else set -- "$@" "a$q"; fi
		shift
	done
	of=$look_of stats=$stats awk "$files" "$@" 2>&3 3>&- </dev/null || exit 1
	look_n=$#
}
look_units() {
	[ $# -gt 0 ] || return 0
	units=$(` + unitShow + `"$@" 2>/dev/null </dev/null 3>&-) || units=
	for q; do
		printf '\n%s begin\n' "${look_of}q$look_n"
		if [ "$units" ]; then
			printf '%s\n' "${units%%"$nl$nl"*}"
			case $units in *"$nl$nl"*) units=${units#*"$nl$nl"} ;; *) units= ;; esac
			answered "${look_of}q$look_n" 0
		else
			` + unitShow + `"$q" </dev/null 2>/dev/null 3>&-
			answered "${look_of}q$look_n" $?
		fi
		look_told
	done
}
look_run() {
	for q; do
		printf '\n%s begin\n' "${look_of}q$look_n"
		case $q in
		s*)
			{ eval "${q#s}"; } </dev/null 2>/dev/null 3>&-
			answered "${look_of}q$look_n" $?
			cd /
			;;
		*)
			(eval "${q#r}") </dev/null 2>/dev/null 3>&-
			answered "${look_of}q$look_n" $?
			;;
		esac
		look_told
	done
}
nl='
'
`

// lookPrelude asks, and takes secrets out of everything that is said before it leaves the host. Nothing is said where awk or a
// SHA-256 is missing. What hangs, or never ends, is ended with all it started, killed, and so tells no exit status of its own: whole asks
// all in one shell as far as that comes, and rest each of the others by itself, in a shell and a time of its own.
const lookPrelude = `if command -v timeout >/dev/null; then
	limited() {
		if [ "$1" = exec ]; then
			shift
			exec timeout -s KILL "$most" "$@"
		fi
		timeout -s KILL "$most" "$@"
	}
else
	limited() {
		[ "$1" != exec ] || shift
		"$@" & limited=$!
		{ sleep "$most"; cull "$limited"; } >/dev/null 2>&1 3>&- 4>&- & watch=$!
		wait "$limited"
		set -- $?
		cull "$watch"
		return "$1"
	}
fi 2>/dev/null
cull() {
	kill -s KILL "$1" $(ps -A -o pid= -o ppid= | awk -v top="$1" '{ up[$1] = $2 }
		END { for (p in up) { q = p; for (n = 0; q != top && q in up && n < 99; n++) q = up[q]; if (q == top) print p } }')
} 2>/dev/null
whole() {
	{ told=$({ limited exec /bin/sh -c "$all" look 4>&- </dev/null 2>/dev/null | head -c "$rooms" >&4; } 3>&1 2>/dev/null); } 4>&1
	told=${#told}
}
rest() {
	n=0
	for q; do
		if [ "$n" = "$told" ]; then
			answered "${nonce}q$n" -1
			most=$less
		elif [ "$n" -gt "$told" ]; then
			case $q in
			f*) file "${nonce}q$n" "${q#f}" ;;
			u*)
				unit=${q#u}
				export unit
				ask "${nonce}q$n" '` + unitShow + `"$unit"'
				;;
			*) ask "${nonce}q$n" "${q#[rs]}" ;;
			esac
		fi
		n=$((n + 1))
	done
}
ask() {
	printf '\n%s begin\n' "$1"
	{ code=$({ { limited /bin/sh -c "$2" 3>&- 4>&- </dev/null 2>/dev/null; echo $? >&3; } 4>&- |
		head -c "$room" >&4; } 3>&1 2>/dev/null); } 4>&1
	case $code in 137 | '') code=-1 most=$less ;; esac
	answered "$1" "$code"
}
hash=
for h in sha256sum 'sha256 -q' 'openssl dgst -sha256 -r'; do
	if command -v "${h%% *}" >/dev/null 2>&1; then hash=$h; break; fi
done
redact() {
	[ -n "$hash" ] || { echo "no SHA-256 on this host" >&2; return 1; }
	exec awk -v hash="$hash | cut -c1-16" '
	{
		gap = " "
		if (!match(tolower($0), /(privatekey|presharedkey)[ \t]*=/)) {
			gap = ""
			if (!match($0, /^[# \t]*(export[ \t]+)?([A-Z0-9_]*(PASS|PASSWORD|DBROOT|SECRET|TOKEN|WEBHOOK)|([A-Z0-9_]+_)?KEY(_READ_ONLY)?)[ \t]*=/)) { print; next }
		}
		value = substr($0, RSTART + RLENGTH)
		gsub(/^[ \t\r]+|[ \t\r]+$/, "", value)
		if (value == "") { print; next }
		printf "%s%sredacted:", substr($0, 1, RSTART + RLENGTH - 1), gap
		fflush()
		printf "%s", value | hash
		close(hash)
	}'
}
`
