package does

import (
	"cmp"
	"strings"

	"postern/remote"
)

// PF has FreeBSD's pf run the ruleset of a file. Rules of others are never flushed, and pf is never restarted: that drops states, and a
// file that does not parse then leaves the host open.
type PF struct {
	File   string // which holds the ruleset
	Before string // the main file that ran before; empty where that is File
	Anchor string // which it is loaded into; empty for the main ruleset
	Off    bool   // pf did not run when it was looked at; not told of an anchor
}

// Load completes a change, which may write the file or take it away; where the file comes at confirm, the staged one is loaded until then.
// The ruleset is parsed before anything is touched, loaded whole, and pf switched on where it is off. Taken back, pf runs what it ran when
// the change began: the old file, tables with the addresses that they had, anchors, or not at all. Undone later it runs the old file, and
// not where Off says so. For an anchor pf is not switched on: it is loaded where pf is in the kernel, else with the main file that names it.
func (p PF) Load(c remote.Change) remote.Change {
	fill := strings.NewReplacer("@FILE@", remote.Quote(p.File), "@BEFORE@", remote.Quote(cmp.Or(p.Before, p.File)), "@ANCHOR@", remote.Quote(p.Anchor), "@OFF@", map[bool]string{true: "yes"}[p.Off])
	parse := "pfctl"
	if p.Anchor != "" {
		parse += " -a @ANCHOR@"
	}
	if c.Path != p.File || c.New != nil {
		c.Test += fill.Replace(parse + ` -nf "${NEW:-@FILE@}"` + "\n")
	}
	c.Do += fill.Replace(pfRules + pfLoad)
	c.Undo += fill.Replace(pfRules + pfBack)
	c.Risk = remote.LoseSSH
	return c
}

// pfRules prints what runs in anchor $in as a file that can be loaded; an empty one is the main ruleset.
const pfRules = `in=@ANCHOR@
pf() { if [ "$in" ]; then pfctl -a "$in" "$@"; else pfctl "$@"; fi; }
running() { pfctl -s Running >/dev/null 2>&1; }
rules() {
	filter=$(pf -P -sr) && nat=$(pf -P -sn) || return
	printf '%s\n' "$filter" | sed -n '/^scrub/p'
	printf '%s\n' "$nat" "$filter" | sed '/^scrub/d; /^$/d'
}
`

// pfLoad keeps what runs, once, and then loads.
const pfLoad = `anchors() { # the own one where there is one, else all, the main ruleset first as an empty line
	if [ "$in" ]; then pfctl -vsA 2>/dev/null | sed 's/^ *//' | grep -xF -e "$in" || :
	else echo; pfctl -vsA 2>/dev/null | sed 's/^ *//'; fi
}
keep() {
	n=0
	anchors | while IFS= read -r in; do
		n=$((n + 1))
		mkdir "$1/$n"
		printf '%s\n' "$in" >"$1/$n/anchor"
		rules >"$1/$n/rules"
		tables=$(pf -sT)
		m=0
		[ -z "$tables" ] || printf '%s\n' "$tables" | while IFS= read -r t; do
			m=$((m + 1))
			addresses=$(pf -t "$t" -T show)
			printf '%s\n' "$t" "$addresses" | sed 's/^ *//; /^$/d' >"$1/$n/table.$m"
		done
	done
}
if ! kldstat -q -m pf; then
	[ ! "$in" ] || exit 0
	kldload pf
fi
if [ ! -e "$KEPT" ]; then
	rm -rf "$KEPT.new"
	mkdir "$KEPT.new"
	keep "$KEPT.new"
	! running || : >"$KEPT.new/on"
	mv "$KEPT.new" "$KEPT"
fi
file=${NEW:-@FILE@}
[ -e "$file" ] || file=/dev/null
pf -f "$file"
[ ! "$in" ] || [ "$file" != /dev/null ] || pf -F Tables
[ "$in" ] || running || pfctl -e
`

// pfBack brings back what was kept. During a boot nothing runs yet, and the boot reads the old file; where nothing was kept, nothing was loaded.
const pfBack = `[ ! "${BOOTING-}" ] && kldstat -q -m pf || exit 0
file=@BEFORE@ off=@OFF@ own=$in bad=0
[ -e "$file" ] || file=/dev/null
table() { { printf '%s\n' "$1"; pf -t "$1" -T show; } 2>/dev/null | sed 's/^ *//'; }
case $0 in */undo) [ -e "$KEPT" ] || exit 0 ;; esac
if [ ! -e "$KEPT" ]; then
	if [ "$off" ]; then ! running || pfctl -d; else pf -f "$file"; fi
	exit
fi
if [ -e "$KEPT/on" ]; then
	if [ ! "$own" ]; then pf -f "$file" || pf -f "$KEPT/1/rules" || bad=1; fi
elif [ ! "$own" ]; then
	! running || pfctl -d
	pf -f "$KEPT/1/rules" || bad=1
fi
[ ! "$own" ] || [ -e "$KEPT/1" ] || pf -f /dev/null || bad=1
pf -sT | while IFS= read -r t; do # a table that came with what was loaded
	cat "$KEPT"/1/table.* 2>/dev/null | grep -qxF -e "$t" || pf -t "$t" -T kill
done || bad=1
for at in "$KEPT"/[0-9]*; do
	[ -e "$at" ] && IFS= read -r in <"$at/anchor" || continue
	[ ! "$in" ] || rules | cmp -s - "$at/rules" || pf -f "$at/rules" || bad=1
	for kept in "$at"/table.*; do
		[ -e "$kept" ] && IFS= read -r t <"$kept" || continue
		table "$t" | cmp -s - "$kept" || sed 1d "$kept" | pf -t "$t" -T replace -f - || bad=1
	done
done
[ ! -e "$KEPT/on" ] || running || pfctl -e
exit $bad
`
