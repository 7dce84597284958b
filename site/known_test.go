package site

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestKnownSites(t *testing.T) {
	config, cwd := t.TempDir(), t.TempDir()
	list := func() string {
		t.Helper()
		found, err := Known(config, cwd)
		if err != nil {
			t.Fatal(err)
		}
		for i, path := range found {
			found[i] = filepath.Base(path)
		}
		return strings.Join(found, " ")
	}
	if got := list(); got != "" {
		t.Errorf("there is none, but %q", got)
	}
	for _, name := range []string{"home", "office"} {
		path, err := Place(config, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := NewFile(path, Default()).Save(); err != nil {
			t.Fatal(err)
		}
	}
	if err := NewFile(filepath.Join(cwd, "postern.toml"), Default()).Save(); err != nil {
		t.Fatal(err)
	}
	if got := list(); got != "postern.toml home.toml office.toml" {
		t.Errorf("got %q", got)
	}
	home := filepath.Join(config, "postern", "home.toml")
	if _, err := Rename(home, "office"); err == nil {
		t.Error("it takes another site's name")
	}
	to, err := Rename(home, "house.toml")
	if err != nil || filepath.Base(to) != "house.toml" {
		t.Errorf("%q, %v", to, err)
	}
	if _, err := os.Stat(home); err == nil {
		t.Error("the old name is still there")
	}
	for _, name := range []string{"", "..", "../x", "a/b", ".hidden", "a b", "x\ny", strings.Repeat("a", 65), "office"} {
		if path, err := Place(config, name); err == nil {
			t.Errorf("%q is taken: %s", name, path)
		}
	}
	if _, err := Place("", "home"); err == nil {
		t.Error("a place is found where there is no folder")
	}
}
