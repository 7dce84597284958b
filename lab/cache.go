//go:build linux

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// cacheDir outlives every lab.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = "/var/cache"
	}
	return filepath.Join(dir, "postern-lab")
}

// cached is the path of one thing in the cache, named by what it is made from.
func cached(kind, suite string, from ...string) string {
	h := sha256.Sum256([]byte(strings.Join(from, "\n")))
	return filepath.Join(cacheDir(), kind+"-"+suite+"-"+hex.EncodeToString(h[:6]))
}

// lockFile waits until no other process prepares.
func lockFile(ctx context.Context, path string, log io.Writer) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	waited := false
	err = poll(ctx, time.Hour, func() bool {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			return true
		}
		if !waited {
			fmt.Fprintln(log, "lab: waiting for another command that prepares")
		}
		waited = true
		return false
	})
	if err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

// exists says whether there is something at path.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// once makes a directory of the cache under another name first, so that what has
// its name is whole.
func once(ctx context.Context, log io.Writer, path, what, suite string, build func(ctx context.Context, suite, dir string) error) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	start := time.Now()
	fmt.Fprintf(log, "lab: making %s\n", what)
	tmp := path + unfinished
	if err := build(ctx, suite, tmp); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("interrupted: %w", ctx.Err())
		}
		return errors.Join(fmt.Errorf("%s: %w", what, err), removeTree(tmp))
	}
	fmt.Fprintf(log, "lab: made %s in %s\n", what, time.Since(start).Round(time.Second))
	return os.Rename(tmp, path)
}

const unfinished = ".unfinished"

// sweepCache removes what a killed prepare left behind.
func sweepCache() {
	left, _ := filepath.Glob(filepath.Join(cacheDir(), "*"+unfinished))
	for _, p := range left {
		_ = removeTree(p)
	}
}

// removeTree removes a directory that a killed mmdebstrap may have mounted this
// machine's /proc and /dev into.
func removeTree(path string) error {
	if err := unmountBelow(path); err != nil {
		return err
	}
	return os.RemoveAll(path)
}
