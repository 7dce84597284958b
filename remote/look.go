package remote

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"strconv"
	"strings"
	"time"
)

// Query is one read-only look at a host: a file, or a snippet of POSIX sh that only reads.
type Query struct {
	ID   string // unique within one look; a file query's ID is its path
	File string // absolute path: contents, mode and owner; secrets in it are redacted on the host
	Run  string // POSIX sh; its standard output is the answer
}

// ReadFile is the query for one file.
func ReadFile(path string) Query { return Query{ID: path, File: path} }

// ReadRun is the query for what a snippet of POSIX sh prints.
func ReadRun(id, script string) Query { return Query{ID: id, Run: script} }

// Answer is what a host said to one Query. Out is hostile: parse it, or Clean it before it is shown.
type Answer struct {
	Out   string
	Code  int // exit status of Run; for a file: 0 it is there, 1 it is absent, 2 it cannot be read
	Mode  fs.FileMode
	Owner string // user:group, for a file
	Cut   bool   // the answer was longer than MaxAnswer and is not whole
	Late  bool   // it took longer than a host lets one take, and was ended there
}

// MaxAnswer is the longest answer that is kept, in bytes: a host ends what says more.
const MaxAnswer = 1 << 20

// maxLook is how long a host lets one query take. Once one took longer, those after it in the same look have a quarter of that: what
// hangs may be asked in several ways.
const maxLook = 20 * time.Second

// Facts are the frozen answers of one host, with the time they were taken.
type Facts struct {
	Host    string
	At      time.Time
	Answers map[string]Answer
}

// After is what the host will say once the files of these changes are in place. Nothing is known of one that was not looked at.
func (f Facts) After(changes []Change) Facts {
	if f.Answers = maps.Clone(f.Answers); f.Answers == nil {
		return f
	}
	for _, c := range changes {
		switch {
		case c.Path == "":
		case c.New == nil:
			f.Answers[c.Path] = Answer{Code: 1}
		default:
			f.Answers[c.Path] = Answer{Out: c.New.Text, Mode: c.New.Mode, Owner: c.New.Owner}
		}
	}
	return f
}

// Get is the raw standard output of a snippet that exited with 0, and whether there is one.
func (f Facts) Get(id string) (string, bool) {
	a, ok := f.Answers[id]
	return a.Out, ok && a.Code == 0 && !a.Cut
}

// File is the file at path as it was, nil when it is absent. known is false when nobody looked, or it could not be read whole.
func (f Facts) File(path string) (file *File, known bool) {
	a, ok := f.Answers[path]
	switch {
	case !ok || a.Cut || a.Late || a.Code > 1:
		return nil, false
	case a.Code == 1:
		return nil, true
	}
	return &File{Text: a.Out, Mode: a.Mode, Owner: a.Owner}, true
}

// lookTools is what one shell on the host needs to tell of files, on any POSIX system. Only a plain one is opened: a FIFO would keep
// whoever does. What is to be said about them is asked once for all ($stats).
const lookTools = `if stat -c %a / >/dev/null 2>&1; then
	about() { stat -L -c '%n %a %U:%G' -- "$@"; }
else
	about() { stat -L -f '%N %Mp%Lp %Su:%Sg' -- "$@"; }
fi 2>/dev/null
nl='
'
answered() { printf '\n%s %d\n' "$1" "$2"; }
file() {
	printf '\n%s begin\n' "$1"
	code=1
	if [ -f "$2" ] && [ -r "$2" ]; then
		this=${stats#*"$nl$2 "}
		[ "$this" != "$stats" ] || { this=$(about "$2") && this=${this#"$2 "}; } 2>/dev/null
		printf '%s\n' "${this%%"$nl"*}"
		code=0
		head -c "$room" -- "$2" 2>/dev/null || code=2
	elif [ -e "$2" ] || [ -L "$2" ]; then
		code=2
	fi
	answered "$1" "$code"
}
`

// lookAll is the shell that asks everything, and says a dot on file 3 for each that is told. Starting a process is what costs on a small
// host, so it starts none but those that are asked for.
const lookAll = `n=0 of=$nonce
unset nonce
for q; do
	case $q in
	f*) file "${of}q$n" "${q#f}" ;;
	*)
		printf '\n%s begin\n' "${of}q$n"
		(eval "${q#r}") </dev/null 2>/dev/null 3>&-
		answered "${of}q$n" $?
		;;
	esac
	printf . >&3
	n=$((n + 1))
done
`

// lookPrelude asks, and takes secrets out of everything that is said before it leaves the host. Nothing is said where awk or a
// SHA-256 is missing. What hangs, or never ends, is ended with all it started, killed, and so tells no exit status of its own: whole asks
// all in one shell as far as that comes, and rest each of the others by itself, in a shell and a time of its own.
const lookPrelude = `if timeout -s KILL 5 true >/dev/null 2>&1; then
	limited() { timeout -s KILL "$most" "$@"; }
else
	limited() {
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
	{ told=$({ limited /bin/sh -c "$all" look "$@" 4>&- </dev/null 2>/dev/null | head -c "$rooms" >&4; } 3>&1 2>/dev/null); } 4>&1
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
			*) ask "${nonce}q$n" "${q#r}" ;;
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
	awk -v hash="$hash | cut -c1-16" '
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

// Facts asks all the queries in one round trip. Files, and what snippets print, come without the secrets of WireGuard and Mailcow: a line
// `PrivateKey = X` or `PresharedKey = X` reads `PrivateKey = redacted:HASH`, where HASH is the first 16 hex digits of X's SHA-256, and one
// such as `DBPASS=X` or `API_KEY=X` reads `DBPASS=redacted:HASH`.
func (s *Session) Facts(ctx context.Context, queries []Query) (Facts, error) {
	byID := map[string]Query{}
	var ask []Query
	for _, q := range queries {
		if was, ok := byID[q.ID]; ok && was != q {
			return Facts{}, fmt.Errorf("%s: two queries are called %q", s.name, q.ID)
		} else if !ok {
			byID[q.ID] = q
			ask = append(ask, q)
		}
	}
	f := Facts{Host: s.name, At: time.Now(), Answers: map[string]Answer{}}
	if len(ask) == 0 {
		return f, nil
	}
	limit := cmp.Or(s.o.Look, maxLook)
	ctx, cancel := within(ctx, limit+time.Duration(len(ask))*limit/4+shellTimeout) // of a host on which not even the limits work
	defer cancel()
	nonce := nonce()
	l := &looker{nonce: nonce, answers: make([]Answer, len(ask))}
	var tail keeper
	s.log(fmt.Sprintf("> look at %d things", len(ask)))
	code, err := s.feed(ctx, nil, lookScript(nonce, ask, limit), func(b []byte) {
		l.take(b)
		tail.take(b)
	}, nil)
	if err != nil {
		return Facts{}, err
	}
	if code != 0 || l.whole != len(ask) {
		return Facts{}, fmt.Errorf("%s: the host answered %d of %d questions (it said %q)", s.name, l.whole, len(ask), theirs(tail.String()).last(200))
	}
	for i, q := range ask {
		if q.File != "" {
			l.answers[i].file()
		}
		f.Answers[q.ID] = l.answers[i]
	}
	return f, nil
}

// lookScript asks every query, each in a frame of its own. No nonce is in an argument, which everybody on the host may read.
func lookScript(nonce string, queries []Query, limit time.Duration) string {
	var asked, files strings.Builder
	for _, q := range queries {
		if q.File != "" {
			asked.WriteString(" " + Quote("f"+q.File))
			files.WriteString(" " + Quote(q.File))
		} else {
			asked.WriteString(" " + Quote("r"+q.Run))
		}
	}
	all := lookTools + "stats=$nl$(about" + files.String() + " 2>/dev/null)\n" + lookAll
	return fmt.Sprintf("most=%s less=%s room=%d rooms=%d nonce=%s stats=\nexport nonce room\nall=%s\n%s%sset --%s\n{ whole \"$@\"; rest \"$@\"; } | redact\n",
		seconds(limit), seconds(limit/4), MaxAnswer+1, lookRoom, nonce, Quote(all), lookTools, lookPrelude, asked.String())
}

// lookRoom is how many bytes all answers of one shell may have; those that it would cut are asked by themselves.
const lookRoom = 8 * MaxAnswer

// nonceOf is the nonce of one query's frame.
func nonceOf(nonce string, query int) string { return nonce + "q" + strconv.Itoa(query) }

// looker sorts a stream into answers. Each keeps MaxAnswer bytes; the rest is read and dropped.
type looker struct {
	nonce   string
	answers []Answer
	whole   int    // answers that came to their end
	frame   *frame // of the answer being read
	out     keeper
}

func (l *looker) take(b []byte) {
	for l.whole < len(l.answers) {
		if l.frame == nil {
			l.out = keeper{}
			l.frame = &frame{nonce: nonceOf(l.nonce, l.whole), sink: l.out.take}
		}
		rest, done := l.frame.feed(b)
		if !done {
			return
		}
		l.answers[l.whole] = Answer{Out: l.out.String(), Code: l.frame.code, Cut: l.out.cut, Late: l.frame.code < 0}
		l.whole, l.frame, b = l.whole+1, nil, rest
	}
}

// file takes the first line, with mode and owner, off the answer about a file.
func (a *Answer) file() {
	if a.Code != 0 {
		a.Out = ""
		return
	}
	about, text, _ := strings.Cut(a.Out, "\n")
	mode, owner, ok := parseAbout(about)
	if !ok {
		*a = Answer{Code: 2}
		return
	}
	a.Out, a.Mode, a.Owner = text, mode, owner
}

// parseAbout reads "644 root:root".
func parseAbout(s string) (mode fs.FileMode, owner string, ok bool) {
	octal, owner, ok := strings.Cut(s, " ")
	n, err := strconv.ParseUint(octal, 8, 12)
	if !ok || err != nil || !strings.Contains(owner, ":") {
		return 0, "", false
	}
	mode = fs.FileMode(n & 0o777)
	for bit, m := range map[uint64]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if n&bit != 0 {
			mode |= m
		}
	}
	return mode, owner, true
}
