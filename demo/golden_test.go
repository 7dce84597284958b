package demo

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestGolden keeps the table of contents: every command that the hosts know, and every fault.
func TestGolden(t *testing.T) {
	var list []string
	for name, dir := range where {
		list = append(list, dir+"/"+name)
	}
	for name, does := range faults {
		list = append(list, "fault "+name+": "+does)
	}
	slices.Sort(list)
	got := strings.Join(list, "\n") + "\n"
	const path = "testdata/contents.txt"
	if os.Getenv("UPDATE") != "" {
		os.MkdirAll("testdata", 0o755)
		os.WriteFile(path, []byte(got), 0o644)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what there is (UPDATE=1 go test -run Golden writes it):\n%s", path, got)
	}
}
