# path, stage and aside are the file of a change, its new content and its old content, both on the target's own file
# system, so that putting in place and taking back are renames and need no space. $1 is the change's folder.
path() { IFS= read -r P 2>/dev/null <"$1/path" && S=${P%/*}/.postern.$2.${1##*/} && A=$S.old; }

# secret is the function of awk that finds one in a line: what stands before it ends at RSTART + RLENGTH - 1.
secret='function secret(line) {
	return match(tolower(line), /(privatekey|presharedkey)[ \t]*=/) ||
		match(line, /^[# \t]*(export[ \t]+)?([A-Z0-9_]*(PASS|PASSWORD|DBROOT|SECRET|TOKEN|WEBHOOK)|([A-Z0-9_]+_)?KEY(_READ_ONLY)?)[ \t]*=/)
}
'

# keys prints the secrets in the files given, each as the hash that stands for it and the value, and then the whole line it
# was found in. Only builtins handle them, so none is in an argv.
keys() {
	for k in "$@"; do
		[ -f "$k" ] && [ ! -h "$k" ] && cat "$k" && echo
	done | awk "$secret"'secret($0) {
		v = substr($0, RSTART + RLENGTH)
		gsub(/^[ \t\r]+|[ \t\r]+$/, "", v)
		if (v != "" && !seen[$0]++) { print v; print }
	}' | while IFS= read -r k && IFS= read -r line; do
		printf '%s %s\n%s\n' "$(printf %s "$k" | { digest && printf %.16s "$DIGEST"; })" "$k" "$line"
	done
}

# hidden notes in which files of the changes in folder $1 something was redacted, and hides says whether in this one.
hidden() { HIDES=$(grep -l 'redacted:' "$1"/c/*/new "$1"/c/*/expect 2>/dev/null); }
hides() { case $nl$HIDES$nl in *"$nl$1$nl"*) ;; *) return 1 ;; esac; }

# refill prints file $1 with every redacted:HASH filled in from the files after it: a line that was only redacted becomes
# what it was, blanks included; elsewhere the value is put in. A hash nobody knows stays, and makes it fail with 3.
refill() {
	in=$1
	shift
	hides "$in" || { cat "$in"; return; }
	{
		keys "$@"
		echo '='
		cat "$in"
		printf '\n=' # keeps apart a last line with and without its newline
	} | awk "$secret"'
		!body && $0 == "=" { body = 1; next }
		!body && !raw { h = substr($0, 1, 16); v = substr($0, 18); raw = 1; if (!(h in key)) key[h] = v; next }
		!body {
			raw = 0
			secret($0)
			put = substr($0, 1, RSTART + RLENGTH - 1)
			rest = substr($0, RSTART + RLENGTH)
			at = index(rest, v)
			learn(put " redacted:" h, $0)
			learn(put "redacted:" h, $0)
			learn(put substr(rest, 1, at - 1) "redacted:" h substr(rest, at + length(v)), $0)
			next
		}
		{
			if (started) show(kept)
			kept = $0; started = 1
		}
		function learn(form, line) { if (!(form in whole)) whole[form] = line }
		function show(s,   i, h, out) {
			if (s in whole) { out = whole[s]; s = "" }
			while ((i = index(s, "redacted:")) > 0) {
				h = substr(s, i + 9, 16)
				if (h in key) { out = out substr(s, 1, i - 1) key[h]; s = substr(s, i + 25) }
				else {
					if (h ~ /^[0-9a-f]+$/ && length(h) == 16) missing = 1
					out = out substr(s, 1, i + 8); s = substr(s, i + 9)
				}
			}
			printf "%s%s", (shown++ ? "\n" : ""), out s
		}
		END { exit 3 * missing }'
}

# parents makes the folders that are missing and remembers them in file $2.
parents() {
	[ -d "$1" ] && return
	parents "${1%/*}" "$2" && printf '%s\n' "$1" >>"$2" && mkdir -m 755 "$1"
}

# expected says whether the file, which looks like $2, is still what the operator was shown.
expected() {
	case $2 in
	other) return 1 ;;
	absent) [ ! -e "$1/expect" ] ;;
	*)
		[ -e "$1/expect" ] || return 1
		hides "$1/expect" || { same "$1/expect" "$P"; return; }
		refill "$1/expect" "$P" | cmp -s - "$P"
		;;
	esac
}

# ready takes the snapshot of one change and writes its new file beside the target. $1 folder, $2 id.
# Exit status: 11 not what was shown, 12 cannot be written, 16 a secret is not known here, 18 not a plain file.
ready() {
	path "$1" "$2" || return 0
	[ ! -h "$P" ] || { echo "$P is a symbolic link"; return 18; }
	[ ! -e "$P" ] || [ -f "$P" ] || { echo "$P is not a plain file"; return 18; }
	known "$P" && echo "$LOOK" >"$1/was" || return 12
	expected "$1" "$LOOK" || { echo "$P"; return 11; }
	if [ -e "$P" ]; then
		cp -p "$P" "$1/old" && cp -p "$1/old" "$A" || return 12
	fi
	[ -e "$1/new" ] || return 0
	parents "${P%/*}" "$1/dirs" || return 12
	: >"$S" || return 12
	fill "$1" >"$S" 2>"$1/err"
	rc=$?
	if [ $rc = 3 ]; then
		echo "$P"
		return 16
	elif [ -s "$1/err" ] || [ $rc != 0 ]; then
		cat "$1/err"
		return 12
	fi
	dress "$1"
}

# copied proves that the copies of a file are what it was when it was looked at.
copied() {
	[ -e "$1/old" ] || return 0
	read -r was <"$1/was" && known "$1/old" && [ "$LOOK" = "$was" ] && known "$A" && [ "$LOOK" = "$was" ]
}

# wanted notes what the staged file looks like, where there is one.
wanted() { [ ! -e "$1/new" ] || { known "$S" && echo "$LOOK" >"$1/want"; }; }

# fill prints the new file of a change with its secrets. What an undo brings back was written before us: it knows best.
fill() {
	set -- "$1" ''
	[ ! -e "$1/forget" ] || ! shelf "$1" || set -- "$1" "$R/orig"
	refill "$1/new" "$2" "$1/old" "${1%/*}"/*/old "$KEYS"/* "$D"/base/*/*/orig "$D"/done.*/c/*/old
}

# dress gives the staged file its owner and mode; what the change leaves open is as it was before.
dress() {
	mode=644 owner=0:0
	if [ -e "$1/old" ]; then
		read -r mode owner _ <"$1/was"
	fi
	[ ! -e "$1/mode" ] || read -r mode <"$1/mode"
	[ ! -e "$1/owner" ] || read -r owner <"$1/owner"
	case $owner in
	0:0 | root:root) [ -O "$S" ] && [ -G "$S" ] || chown "$owner" "$S" || return 12 ;;
	*) chown "$owner" "$S" || return 12 ;;
	esac
	chmod "$mode" "$S" || return 12
}
