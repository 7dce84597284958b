package report

import (
	"fmt"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"postern/remote"
)

// Risk is what a change may cost while it is not confirmed, in a few words; "" for nothing.
func Risk(c remote.Change) string {
	switch c.Risk {
	case remote.LoseSSH:
		return "MAY CUT SSH"
	case remote.LoseMail:
		return "mail ports may be dark for a moment"
	}
	return ""
}

// change adds all there is to know of one change, the nth of its host. Of long texts that change nothing that runs it has
// the beginning.
func (t *text) change(n int, c remote.Change, inert bool) {
	risk := ""
	if words := Risk(c); words != "" {
		risk = "   " + words
	}
	t.prose(Plain, "  %d. [%s] %s%s", n, c.Step, c.Title, risk)
	rest := ""
	if inert {
		rest = "'postern plan --script' has them all"
	}
	t.body(c, rest, 5)
}

// Change is all there is to know of one change but its title: why, the file before and after, what is run, and the undo. Of
// long commands there is the beginning, and who has the rest; all of them where nobody has.
func Change(c remote.Change, rest string) []Line {
	var t text
	t.body(c, rest, 0)
	return t.lines
}

func (t *text) body(c remote.Change, rest string, indent int) {
	margin := strings.Repeat(" ", indent)
	if c.Why != "" {
		t.prose(Plain, "%swhy:  %s", margin, hang(c.Why, indent+6))
	}
	if c.Path != "" {
		t.diff(c, margin, rest)
	}
	for _, row := range [][2]string{{"do", shortened(c.Do, rest)}, {"keep", shortened(c.Keep, rest)}, {"undo", shortened(undo(c), rest)}} {
		if text := strings.TrimRight(row[1], "\n"); strings.TrimSpace(text) != "" {
			t.line(Plain, "%s%-5s %s", margin, row[0]+":", hang(text, indent+6))
		}
	}
}

// shortened cuts a long text, and says who has all of it.
func shortened(text, rest string) string {
	const most = 12
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) <= most || rest == "" {
		return text
	}
	return strings.Join(lines[:3], "\n") + fmt.Sprintf("\n[%d lines more; %s]", len(lines)-3, rest)
}

// undo says what going back is, also where it is only the file.
func undo(c remote.Change) string {
	back := ""
	switch {
	case c.Path == "":
	case c.Old == nil:
		back = "# the file is removed"
	default:
		back = "# the file is put back as it was, byte for byte"
	}
	return strings.TrimSpace(back + "\n" + c.Undo)
}

// mostNew is how many lines of a new file are shown where somebody has the rest: a list of hashes tells nobody anything.
const mostNew = 100

// diff adds a file before and after, with its mode and owner where they change.
func (t *text) diff(c remote.Change, margin, rest string) {
	when := ""
	if c.AtConfirm {
		when = ", put in place when the change is confirmed"
	} else if c.InTurn {
		when = ", put in place when what comes before it is done"
	}
	t.line(Plain, "%sfile: %s (%s)%s", margin, c.Path, attributes(c), when)
	before, after := "", ""
	if c.Old != nil {
		before = c.Old.Text
	}
	if c.New != nil {
		after = c.New.Text
	}
	_, hunks, _ := strings.Cut(udiff.Unified("before", "after", before, after), "\n+++ after\n")
	if all := strings.SplitAfter(hunks, "\n"); c.Old == nil && rest != "" && len(all) > mostNew {
		hunks = strings.Join(all[:12], "") + fmt.Sprintf(" [%d lines more; %s]\n", len(all)-13, rest)
	}
	for line := range strings.Lines(hunks) {
		s := Plain
		switch {
		case strings.HasPrefix(line, "+"):
			s = Good
		case strings.HasPrefix(line, "-"):
			s = Bad
		}
		t.line(s, "%s  %s", margin, strings.TrimSuffix(line, "\n"))
	}
}

func attributes(c remote.Change) string {
	is := func(f *remote.File) string { return fmt.Sprintf("%04o %s", f.Mode.Perm(), f.Owner) }
	switch {
	case c.Old == nil && c.New == nil:
		return "absent, stays absent"
	case c.Old == nil:
		return "new, " + is(c.New)
	case c.New == nil:
		return "removed"
	case is(c.Old) != is(c.New):
		return is(c.Old) + " becomes " + is(c.New)
	}
	return is(c.New)
}
