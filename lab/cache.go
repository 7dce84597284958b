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

// exists says whether there is something at path.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// once makes a thing under another name first, so that what has its name is whole.
func (m thing) once(ctx context.Context, log io.Writer, suite string) error {
	if exists(m.path) {
		return nil
	}
	start := time.Now()
	fmt.Fprintf(log, "lab: making %s\n", m.what)
	tmp := m.path + unfinished
	if err := m.make(ctx, suite, tmp); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("interrupted: %w", ctx.Err())
		}
		return errors.Join(fmt.Errorf("%s: %w", m.what, err), removeTree(tmp))
	}
	fmt.Fprintf(log, "lab: made %s in %s\n", m.what, time.Since(start).Round(time.Second))
	return os.Rename(tmp, m.path)
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
