package main

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"postern/checks"
	"postern/report"
)

func TestPastIsKeptPerSite(t *testing.T) {
	state := t.TempDir()
	a := &app{world: world{getenv: func(name string) string {
		if name == "XDG_STATE_HOME" {
			return state
		}
		return ""
	}}}
	at := time.Date(2026, 11, 21, 6, 12, 0, 0, time.UTC)
	all := map[string]report.Past{"host.ssh@proxy": {Outcome: checks.Fail, At: at}}
	if got := a.past("/x/home.toml"); len(got) != 0 {
		t.Errorf("before anything was kept: %v", got)
	}
	if err := a.keepPast("/x/home.toml", all); err != nil {
		t.Fatal(err)
	}
	if got := a.past("/x/home.toml"); !maps.Equal(got, all) {
		t.Errorf("got %v, want %v", got, all)
	}
	if got := a.past("/y/home.toml"); len(got) != 0 {
		t.Errorf("another site of that name has %v", got)
	}
	files, _ := filepath.Glob(filepath.Join(state, "postern", "past", "*"))
	if len(files) != 1 {
		t.Fatalf("files %v", files)
	}
	if err := os.WriteFile(files[0], []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := a.past("/x/home.toml"); len(got) != 0 {
		t.Errorf("a broken file gives %v", got)
	}
}
