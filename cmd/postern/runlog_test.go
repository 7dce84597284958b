package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/steps"
)

func TestRunLogHoldsNoSecretAndKeepsFifty(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "state", "postern")
	clock := time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)
	now := func() time.Time { return clock }
	s := &secrets{}
	s.add("hunter2")
	var last *runLog
	for range keepLogs + 5 {
		var err error
		if last, err = openRunLog(folder, now, s); err != nil {
			t.Fatal(err)
		}
		clock = clock.Add(time.Second)
		last.line("password hunter2\x1b[2J\nsecond")
		last.event(steps.Event{Kind: "change", Host: "proxy", N: 1, Of: 2, Text: "writes hunter2"})
		if got := last.close(4); got != last.path {
			t.Errorf("path %q", got)
		}
		last.line("after the end") // must not panic
	}
	logs, _ := filepath.Glob(filepath.Join(folder, "*"))
	if len(logs) != keepLogs {
		t.Errorf("%d logs are kept, want %d", len(logs), keepLogs)
	}
	text, err := os.ReadFile(last.path)
	if err != nil {
		t.Fatal(err)
	}
	want := "06:00:55.000 password [secret]\n06:00:55.000 second\n06:00:55.000 [change] proxy 1/2: writes [secret] (0s)\n06:00:55.000 exit code 4\n"
	if string(text) != want {
		t.Errorf("got\n%swant\n%s", text, want)
	}
	if info, _ := os.Stat(last.path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
	if info, _ := os.Stat(folder); info.Mode().Perm() != 0o700 {
		t.Errorf("folder mode %o", info.Mode().Perm())
	}
	var none *runLog
	none.line("x")
	none.event(steps.Event{})
	if none.close(0) != "" {
		t.Error("no log has a path")
	}
}

func TestRunsInOneSecondHaveTheirOwnLogs(t *testing.T) {
	now := func() time.Time { return time.Unix(0, 0) }
	folder := t.TempDir()
	for n := range 3 {
		l, err := openRunLog(folder, now, &secrets{})
		if err != nil || !strings.HasSuffix(l.path, fmt.Sprintf("-%02d.log", n)) {
			t.Fatalf("%v %v", l, err)
		}
	}
}
