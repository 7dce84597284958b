package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	if os.Getenv("POSTERN_TEST_AS_COMMAND") != "" {
		w := here()
		if file := os.Getenv("POSTERN_TEST_CLOCK"); file != "" {
			w.now = func() time.Time { return clockOf(file) }
		}
		os.Exit(command(os.Args[1:], w))
	}
	if every, err := time.ParseDuration(os.Getenv("POSTERN_TEST_AS_TIMER")); err == nil {
		for range time.Tick(every) {
		}
	}
	testscript.Main(m, map[string]func(){"postern": main})
}

// clockOf is the time that a file holds.
func clockOf(file string) time.Time {
	text, err := os.ReadFile(file)
	if err != nil {
		return time.Time{} // the test is over
	}
	at, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		panic(err)
	}
	return at
}

// TestStories runs the command as an operator does. No story reaches a host: what answers at the discard address of this
// machine's loopback is nobody.
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: os.Getenv("POSTERN_UPDATE") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_CONFIG_HOME", e.WorkDir+"/config")
			e.Setenv("XDG_STATE_HOME", e.WorkDir+"/state")
			e.Setenv("TERM", "dumb")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// exits runs a command and wants its exit code: exits 3 postern aply.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if err != nil || neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARG...")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
