//go:build unix

// Command mutants breaks the program on purpose, one seeded edit after the other, and wants the fast tests to notice each
// without root. It knows edits as text and which tests must fail; it changes no file: go builds from an overlay.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	nobody = 65534           // runs the tests where root builds them
	limit  = 4 * time.Minute // for the tests of one edit; hanging is noticed too
	atOnce = 2
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// run breaks and tests the edits of the files of testdata, those whose title holds one of the words when there are any.
func run(words []string) error {
	list, err := seeded("tools/mutants/testdata")
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	turn := make(chan struct{}, atOnce)
	tried, bad := 0, 0
	for _, m := range list {
		if !m.named(words) {
			continue
		}
		tried++
		wg.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			began := time.Now()
			err := m.survives()
			mu.Lock()
			defer mu.Unlock()
			word := "killed"
			if err != nil {
				word, bad = "SURVIVES", bad+1
			}
			fmt.Printf("%-8s %5.1fs  %s: %s\n", word, time.Since(began).Seconds(), m.file, m.title)
			if err != nil {
				fmt.Printf("         %v\n", err)
			}
		})
	}
	wg.Wait()
	fmt.Printf("%d passed, %d failed\n", tried-bad, bad)
	if bad > 0 || tried == 0 {
		return fmt.Errorf("%d of %d edits went unnoticed", bad, tried)
	}
	return nil
}

// survives breaks the program by one edit and runs the tests that must fail: nil when they do.
func (m mutant) survives() error {
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	text, err := m.broken()
	if err != nil {
		return err
	}
	here, _ := os.Getwd()
	edited := filepath.Join(dir, "edited"+filepath.Ext(m.file))
	overlay, _ := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(here, m.file): edited}})
	if err := errors.Join(os.WriteFile(edited, []byte(text), 0o644), os.WriteFile(dir+"/overlay", overlay, 0o644), os.Chmod(dir, 0o755)); err != nil {
		return err
	}
	binary := dir + "/tests"
	if out, err := exec.Command("go", "test", "-c", "-overlay", dir+"/overlay", "-o", binary, m.tests).CombinedOutput(); err != nil {
		return fmt.Errorf("it does not build, which proves nothing: %s", last(out))
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	own := dir + "/own"
	test := exec.CommandContext(ctx, binary, "-test.failfast", "-test.timeout", limit.String(), "-test.run", m.only)
	test.Dir, test.WaitDelay = m.tests, time.Second
	test.Env = append(os.Environ(), "HOME="+own, "TMPDIR="+own)
	if err := os.Mkdir(own, 0o700); err != nil {
		return err
	}
	if os.Geteuid() == 0 {
		test.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		if err := os.Chown(own, nobody, nobody); err != nil {
			return err
		}
	}
	out, err := test.CombinedOutput()
	var failed *exec.ExitError
	switch {
	case err == nil:
		return fmt.Errorf("%s passes with it", m.tests)
	case errors.As(err, &failed) && (strings.Contains(string(out), "--- FAIL") || strings.Contains(string(out), "panic:") || ctx.Err() != nil):
		return nil
	}
	return fmt.Errorf("the tests could not be run: %w: %s", err, last(out))
}

// last is the last line of what a command printed.
func last(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}
