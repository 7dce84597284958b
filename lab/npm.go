//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// npmrc is what the npm of a host is told: the lab's server is its registry.
const npmrc = "registry=http://" + mirrorAddr + "/npm/\n"

// npmLock is the lock file of what the program has hosts install with npm; nothing outside of its source tree.
func npmLock() string {
	top, ok := checkout()
	if !ok {
		return ""
	}
	text, _ := os.ReadFile(filepath.Join(top, "steps", "haraka", "package-lock.json"))
	return string(text)
}

func npmPath() string { return cached("npm", "registry", npmLock(), "1") }

// makeNpm fills a directory with the packages of the lock file, each where a registry has it. This machine's npm fetches and
// compares them, and keeps each under its hash.
func makeNpm(ctx context.Context, _, dir string) error {
	work := dir + ".tmp" + unfinished
	text := npmLock()
	var lock struct {
		Packages map[string]struct {
			Resolved, Integrity string
			Optional            bool
			Dependencies        json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(text), &lock); err != nil {
		return fmt.Errorf("the lock file of npm: %w", err)
	}
	manifest := fmt.Sprintf(`{"private":true,"dependencies":%s}`, lock.Packages[""].Dependencies)
	if err := errors.Join(put(work+"/package.json", manifest, 0o644), put(work+"/package-lock.json", text, 0o644), os.MkdirAll(dir, 0o755)); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--replace-registry-host=always", "--cache="+work+"/cache")
	cmd.Dir = work
	if _, err := runCmd(cmd); err != nil {
		return errors.Join(err, os.RemoveAll(work))
	}
	for name, p := range lock.Packages {
		if name == "" || p.Optional {
			continue
		}
		sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(p.Integrity, "sha512-"))
		u, e := url.Parse(p.Resolved)
		if err := errors.Join(err, e); err != nil {
			return fmt.Errorf("the lock file of npm: %s: %w", name, err)
		}
		hash := hex.EncodeToString(sum)
		archive, err := os.ReadFile(filepath.Join(work, "cache/_cacache/content-v2/sha512", hash[:2], hash[2:4], hash[4:]))
		if err != nil {
			return err
		}
		if is := sha512.Sum512(archive); !bytes.Equal(is[:], sum) {
			return fmt.Errorf("npm: what came as %s is not what the lock file says", name)
		}
		if err := put(filepath.Join(dir, u.Path), string(archive), 0o644); err != nil {
			return err
		}
	}
	return os.RemoveAll(work)
}
