package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"postern/checks"
	"postern/report"
)

// TestObjectsAreDocumented: docs/json.md names every member that an object for scripts has, and no other.
func TestObjectsAreDocumented(t *testing.T) {
	has := map[string]bool{}
	for path, text := range texts(t, ".go") {
		if filepath.Dir(path) == "cmd/postern" && !strings.HasSuffix(path, "_test.go") {
			for _, m := range regexp.MustCompile("`json:\"(\\w+)").FindAllStringSubmatch(text, -1) {
				has[m[1]] = false
			}
		}
	}
	for _, m := range regexp.MustCompile("`([a-z_0-9]+)`").FindAllStringSubmatch(texts(t, ".md")["docs/json.md"], -1) {
		if _, known := has[m[1]]; !known {
			t.Errorf("docs/json.md names %q, which no object has", m[1])
		}
		has[m[1]] = true
	}
	for name, documented := range has {
		if !documented {
			t.Errorf("docs/json.md does not name %q", name)
		}
	}
}

// TestCheckPages keeps docs/checks what the program itself says of its checks: a page each, and one that lists them.
func TestCheckPages(t *testing.T) {
	folder := filepath.Join(top, "docs", "checks")
	index := "# The checks\n\nMade from the code by `make docs`; the wizard shows a finding's page on `?`, and `postern check --explain ID` prints it.\n\n"
	want := map[string]string{}
	for _, c := range checks.All() {
		want[c.ID+".md"] = report.CheckPage(c)
		index += fmt.Sprintf("- [%s](%s.md): %s\n", c.ID, c.ID, c.Title)
	}
	want["README.md"] = index
	if *update {
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range want {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	have := map[string]string{}
	for path, text := range texts(t, ".md") {
		if name, ok := strings.CutPrefix(path, "docs/checks/"); ok {
			have[name] = text
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if have[name] != want[name] {
			t.Errorf("docs/checks/%s is not what the code says: make docs", name)
		}
		delete(have, name)
	}
	for name := range have {
		t.Errorf("docs/checks/%s is of no check: make docs", name)
	}
}
