package main

import (
	"fmt"
	"strings"

	"postern/remote"
	"postern/run"
	"postern/steps"
)

// scriptHead explains the script and has what its parts need. By hand there is no guard: that is said first.
const scriptHead = `#!/bin/sh
# What "postern apply" would do now, to read, and to run by hand: as root, on each host,
#
#     sh THIS-FILE HOST           makes the changes of HOST
#     sh THIS-FILE undo-HOST      takes them back
#
# By hand nobody guards you. "postern apply" makes the same changes so that the host takes them back by itself
# unless a new login works afterwards. Keep a console open.
set -eu
LC_ALL=C
export LC_ALL
kept=${POSTERN_KEPT:-/var/backups/postern-by-hand} # files as they were before

# keep FILE: a copy of it as it is now, made once, for the way back.
keep() {
	(umask 077 && mkdir -p "$kept${1%/*}")
	[ ! -e "$kept$1" ] && [ ! -e "$kept$1.absent" ] || return 0
	if [ -e "$1" ]; then cp -p "$1" "$kept$1"; else : >"$kept$1.absent"; fi
}

# secret FILE HASH: the secret in FILE that the plan showed as redacted:HASH.
secret() {
	sed -n 's/^[A-Za-z0-9_#[:space:]]*=[[:space:]]*//p' "$1" 2>/dev/null | sed 's/[[:space:]]*$//' |
		while IFS= read -r value; do
			[ "$(printf %s "$value" | sha256sum | cut -c1-16)" != "$2" ] || { printf %s "$value"; break; }
		done
}

# stage FILE MODE OWNER <TEXT: writes FILE.postern-new; secrets are filled in from FILE, and never leave this host.
stage() {
	keep "$1"
	mkdir -p "${1%/*}"
	(umask 077 && cat >"$1.postern-new")
	if grep -q '=[[:space:]]*redacted:' "$1.postern-new"; then
		while IFS= read -r line; do
			case $line in
			*redacted:*)
				value=$(secret "$1" "${line##*redacted:}")
				[ -n "$value" ] || { echo "the secret of ${line%%=*} is not in $1 any more: plan again" >&2; exit 1; }
				line=${line%%redacted:*}$value ;;
			esac
			printf '%s\n' "$line"
		done <"$1.postern-new" >"$1.postern-full"
		mv "$1.postern-full" "$1.postern-new"
	fi
	chown "$3" "$1.postern-new"
	chmod "$2" "$1.postern-new"
}

# place FILE: what was staged becomes the file.
place() { mv "$1.postern-new" "$1"; }

# discard FILE: takes it away, keeping a copy.
discard() { keep "$1" && rm -f "$1"; }

# restore FILE: as it was before.
restore() {
	if [ -e "$kept$1" ]; then
		cp -p "$kept$1" "$1.postern-new" && mv "$1.postern-new" "$1"
	elif [ -e "$kept$1.absent" ]; then
		rm -f "$1"
	fi
}
`

// script is the proposal as a POSIX shell script: the same values that apply would run. looked says what it was planned from, where that is
// no host.
func script(p *run.Proposal, looked string) string {
	var b strings.Builder
	b.WriteString(scriptHead)
	comment(&b, looked)
	var names []string
	b.WriteString("\ncase ${1:-} in\n")
	for _, h := range p.Site.Hosts {
		var parts []steps.Part
		for _, part := range append(p.Parts(true), p.Parts(false)...) {
			if part.Host == h.Name {
				parts = append(parts, part)
			}
		}
		if len(parts) == 0 {
			continue
		}
		names = append(names, h.Name, "undo-"+h.Name)
		fmt.Fprintf(&b, "\n# ---- %s ----\n%s)\n", h.Name, remote.Quote(h.Name))
		for _, part := range parts {
			scriptDo(&b, part)
		}
		fmt.Fprintf(&b, ";;\n\n%s)\n", remote.Quote("undo-"+h.Name))
		for i := len(parts) - 1; i >= 0; i-- {
			scriptUndo(&b, parts[i])
		}
		b.WriteString(";;\n")
	}
	usage := "usage: sh THIS-FILE " + strings.Join(names, "|")
	if len(names) == 0 {
		usage = "nothing to change: the hosts are as the answers say"
	}
	fmt.Fprintf(&b, "\n*)\n\techo %s >&2\n\texit 3\n;;\nesac\n", remote.Quote(usage))
	for _, plan := range p.Plans {
		for _, then := range plan.Then {
			comment(&b, "then, planned when the above is in place: "+then)
		}
		for _, t := range plan.Tasks {
			comment(&b, "left for you: "+t.Title+"\n"+t.Text)
		}
	}
	return b.String()
}

func scriptDo(b *strings.Builder, part steps.Part) {
	if part.Inert {
		comment(b, "Preparations: these change nothing that runs.")
	}
	for i, c := range part.Changes {
		comment(b, fmt.Sprintf("\n%d. [%s] %s", i+1, c.Step, c.Title))
		comment(b, c.Why)
		if c.Secret != "" {
			comment(b, "First put the "+c.Secret+" into "+remote.HandedPath+", which root alone may read, without a line feed.")
		}
		if c.Risk != remote.NoRisk {
			comment(b, "RISK: "+string(c.Risk))
		}
		if c.Path != "" && c.New != nil {
			stage(b, c)
		}
	}
	b.WriteString("\n# All files are staged and tested; now they are put in place.\n")
	for _, c := range part.Changes {
		if !c.AtConfirm && !c.InTurn {
			place(b, c)
		}
	}
	for i, c := range part.Changes {
		if c.InTurn {
			place(b, c)
		}
		snippet(b, fmt.Sprintf("%d. %s", i+1, c.Title), c.Do)
	}
	for i, c := range part.Changes {
		if c.AtConfirm {
			place(b, c)
		}
		snippet(b, fmt.Sprintf("%d. %s: for the next boot", i+1, c.Title), c.Keep)
	}
}

func scriptUndo(b *strings.Builder, part steps.Part) {
	for i := len(part.Changes) - 1; i >= 0; i-- {
		if c := part.Changes[i]; c.Path != "" {
			fmt.Fprintf(b, "restore %s\n", remote.Quote(c.Path))
		}
	}
	for i := len(part.Changes) - 1; i >= 0; i-- {
		snippet(b, fmt.Sprintf("%d. %s: back", i+1, part.Changes[i].Title), part.Changes[i].Undo)
	}
}

// stage writes the new file beside the old one, and tests it there.
func stage(b *strings.Builder, c remote.Change) {
	target := fmt.Sprintf("stage %s %s %s", remote.Quote(c.Path), mode(c.New), remote.Quote(c.New.Owner))
	switch text := c.New.Text; {
	case readable(text):
		end := delimiter(text)
		fmt.Fprintf(b, "%s <<'%s'\n%s%s\n", target, end, text, end)
	default:
		fmt.Fprintf(b, "printf '%s' | %s\n", octal(text), target)
	}
	if strings.TrimSpace(c.Test) != "" {
		fmt.Fprintf(b, "NEW=%s\nexport NEW\n", remote.Quote(c.Path+".postern-new"))
		snippet(b, "test the new file before anything is changed", c.Test)
	}
}

func place(b *strings.Builder, c remote.Change) {
	switch {
	case c.Path == "":
	case c.New == nil:
		fmt.Fprintf(b, "discard %s\n", remote.Quote(c.Path))
	default:
		fmt.Fprintf(b, "place %s\n", remote.Quote(c.Path))
	}
}

// snippet runs a change's own shell text as apply does: in a shell of its own, with nothing to read.
func snippet(b *strings.Builder, title, text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	comment(b, title)
	fmt.Fprintf(b, "(\nset -e\n%s\n) </dev/null\n", strings.TrimRight(text, "\n"))
}

// comment writes text so that no line of it can be anything but a comment.
func comment(b *strings.Builder, text string) {
	if text == "" {
		return
	}
	for _, line := range strings.Split(remote.Clean(text).String(), "\n") {
		b.WriteString(strings.TrimRight("# "+line, " ") + "\n")
	}
}

// readable says whether text can stand in a script as it is: whole lines, nothing that steers a terminal.
func readable(text string) bool {
	return text == "" || strings.HasSuffix(text, "\n") && strings.ReplaceAll(text, "\t", " ") == remote.Clean(text).String()
}

// delimiter ends a here-document: a word that is no line of the text.
func delimiter(text string) string {
	for n := 0; ; n++ {
		end := "END-OF-FILE"
		if n > 0 {
			end = fmt.Sprintf("END-OF-FILE-%d", n)
		}
		if !strings.Contains("\n"+text, "\n"+end+"\n") {
			return end
		}
	}
}

// octal is text as a format of printf, in plain letters.
func octal(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		switch {
		case c == '%':
			b.WriteString("%%")
		case c == '\\' || c == '\'' || c < 0x20 || c >= 0x7f:
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
