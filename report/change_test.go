package report

import (
	"slices"
	"strings"
	"testing"

	"postern/remote"
)

// Lines of a file that look like the head of a diff are lines of the file.
func TestDiffHidesNoLine(t *testing.T) {
	got := Change(remote.Change{Path: "/x", Old: &remote.File{Text: "-- a\n", Mode: 0o644, Owner: "root:root"},
		New: &remote.File{Text: "++ b\n", Mode: 0o644, Owner: "root:root"}}, "")
	for _, want := range []Line{{Bad, "  --- a", false}, {Good, "  +++ b", false}, {Plain, "undo: # the file is put back as it was, byte for byte", false}} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not shown in %+v", want.Text, got)
		}
	}
}

// What is folded says who has the rest; short commands stay whole, and so do all where nobody has it.
func TestLongCommandsAreFolded(t *testing.T) {
	long := remote.Change{Do: strings.Repeat("iptables -w -A x\n", 13), Undo: "true"}
	if got := Text(Change(long, "s saves them all as a script")); !strings.Contains(got, "[10 lines more; s saves them all as a script]\nundo: true") {
		t.Errorf("got %s", got)
	}
	list := remote.Change{Path: "/x", New: &remote.File{Text: strings.Repeat("hash\n", 200)}}
	if got := Text(Change(list, "s saves them all as a script")); strings.Count(got, "+hash") != 11 || !strings.Contains(got, "[189 lines more; s saves them all as a script]") {
		t.Errorf("got %s", got)
	}
	if got := Text(Change(list, "")); strings.Count(got, "+hash") != 200 {
		t.Errorf("got %s", got)
	}
	if got := Text(Change(long, "")); strings.Count(got, "iptables") != 13 {
		t.Errorf("got %s", got)
	}
}

func TestSaidOnce(t *testing.T) {
	said := Said{}
	if !said.first("a") || said.first("a") || !said.first("b") {
		t.Error("told twice, or not at all")
	}
	none := Said(nil)
	for range 2 {
		if !none.first("a") {
			t.Error("one that remembers nothing remembers")
		}
	}
}
