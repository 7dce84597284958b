package site

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ErrNone means that there is no answers file yet.
var ErrNone = errors.New("no answers file")

// Find is the answers file to use when none was named: postern.toml in the working folder, or else the only *.toml in the
// folder postern of the user's config folder (none when that is ""). With none the error is ErrNone; with several it lists them.
func Find(config, cwd string) (string, error) {
	here := filepath.Join(cwd, "postern.toml")
	if _, err := os.Stat(here); err == nil {
		return here, nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("looking for the answers: %w", err)
	}
	if config == "" {
		return "", fmt.Errorf("%w: there is no %s", ErrNone, here)
	}
	dir := filepath.Join(config, "postern")
	found, err := inFolder(config)
	if err != nil {
		return "", err
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%w: neither %s nor one in %s", ErrNone, here, dir)
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("several answers files; name one with --site: %s", strings.Join(found, ", "))
}
