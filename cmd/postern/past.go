package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"postern/checks"
	"postern/report"
)

// pastFile is where that is kept for the answers at a path: beside the logs, under a name that no other site has.
func (a *app) pastFile(path string) (string, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("past results: %w", err)
	}
	sum := sha256.Sum256([]byte(full))
	name := strings.TrimSuffix(filepath.Base(full), ".toml") + "-" + hex.EncodeToString(sum[:4]) + ".json"
	return filepath.Join(stateFolder(a.world), "past", name), nil
}

// past is what the checks of a site said last. What cannot be read counts as nothing: it only tells what changed.
func (a *app) past(path string) map[string]report.Past {
	file, err := a.pastFile(path)
	if err != nil {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var kept map[string]report.Past
	if err := json.Unmarshal(text, &kept); err != nil {
		return nil
	}
	return kept
}

// keepPast keeps it for later runs, whole or not at all.
func (a *app) keepPast(path string, all map[string]report.Past) error {
	file, err := a.pastFile(path)
	if err != nil {
		return err
	}
	for key, one := range all {
		all[key] = report.Past{Outcome: one.Outcome, At: one.At.UTC().Truncate(time.Second)}
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file), 0o700)
	}
	if err == nil {
		err = whole(file, append(text, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("past results: %w", err)
	}
	return nil
}

// whole puts a file in place, whole or not at all.
func whole(path string, text []byte, mode os.FileMode) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".postern-*")
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Chmod(file.Name(), mode)
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// since tells what is not as it was when the checks were asked last, and keeps what they say now. That it cannot be kept is
// no reason to fail.
func (a *app) since(path string, results []checks.Result, aloud bool) {
	if a.sim != nil {
		return // the next demo begins with bare hosts
	}
	past := a.past(path)
	if aloud {
		a.say.lines(report.Since(past, results, a.world.now().Location()))
	}
	if past == nil {
		past = map[string]report.Past{}
	}
	for _, r := range results {
		past[r.Key()] = report.Past{Outcome: r.Outcome, At: a.world.now()}
	}
	if err := a.keepPast(path, past); err != nil {
		a.log.line(err.Error())
	}
}
