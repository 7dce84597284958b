package families

import (
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"postern/checks"
)

// A folder that is not listed registers nothing, and nobody would miss its checks.
func TestEveryFolderIsListed(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "families.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var listed, folders []string
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		listed = append(listed, strings.TrimPrefix(path, "postern/checks/"))
	}
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && e.Name() != "families" && e.Name() != "path" { // which follows a port, and registers nothing
			folders = append(folders, e.Name())
		}
	}
	if !slices.Equal(listed, folders) {
		t.Errorf("listed are %q, there are the folders %q", listed, folders)
	}
	for _, c := range checks.All() {
		if family, _, _ := strings.Cut(c.ID, "."); !slices.Contains(folders, family) {
			t.Errorf("%s is of no family", c.ID)
		}
	}
}
