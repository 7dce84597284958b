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
	t.body(c, inert, 5)
}

// Change is all there is to know of one change but its title: why, the file before and after, what is run, and the undo.
func Change(c remote.Change) []Line {
	var t text
	t.body(c, false, 0)
	return t.lines
}

func (t *text) body(c remote.Change, short bool, indent int) {
	margin := strings.Repeat(" ", indent)
	if c.Why != "" {
		t.prose(Plain, "%swhy:  %s", margin, hang(c.Why, indent+6))
	}
	if c.Path != "" {
		t.diff(c, margin)
	}
	do := c.Do
	if short {
		do = shortened(do)
	}
	for _, row := range [][2]string{{"do", do}, {"keep", c.Keep}, {"undo", undo(c)}} {
		if text := strings.TrimRight(row[1], "\n"); strings.TrimSpace(text) != "" {
			t.line(Plain, "%s%-5s %s", margin, row[0]+":", hang(text, indent+6))
		}
	}
}

// shortened cuts a long text that changes nothing that runs; --script and --json have all of it.
func shortened(text string) string {
	const most = 12
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) <= most {
		return text
	}
	return strings.Join(lines[:3], "\n") + fmt.Sprintf("\n[%d lines more; 'postern plan --script' has them all]", len(lines)-3)
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

// diff adds a file before and after, with its mode and owner where they change.
func (t *text) diff(c remote.Change, margin string) {
	when := ""
	if c.AtConfirm {
		when = ", put in place when the change is confirmed"
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
