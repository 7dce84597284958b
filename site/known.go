package site

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// ErrNone means that there is no answers file yet.
var ErrNone = errors.New("no answers file")

// nameShape is what a site's file may be called, without its ending.
var nameShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Find is the answers file to use when none was named: postern.toml in the working folder, or else the only *.toml in the
// folder postern of the user's config folder (none when that is ""). With none the error is ErrNone; with several it lists them.
func Find(config, cwd string) (string, error) {
	here := filepath.Join(cwd, "postern.toml")
	found, err := Known(config, cwd)
	switch {
	case len(found) > 0 && found[0] == here:
		return here, nil
	case err != nil:
		return "", err
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", fmt.Errorf("several answers files; name one with --site: %s", strings.Join(found, ", "))
	case config == "":
		return "", fmt.Errorf("%w: there is no %s", ErrNone, here)
	}
	return "", fmt.Errorf("%w: neither %s nor one in %s", ErrNone, here, filepath.Join(config, "postern"))
}

// Known lists the answers files that Find chooses from, in the order it looks.
func Known(config, cwd string) ([]string, error) {
	var found []string
	here := filepath.Join(cwd, "postern.toml")
	if _, err := os.Stat(here); err == nil {
		found = append(found, here)
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("looking for the answers: %w", err)
	}
	if config == "" {
		return found, nil
	}
	dir := filepath.Join(config, "postern")
	list, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return found, fmt.Errorf("looking for the answers: %w", err)
	}
	for _, e := range list {
		if !e.IsDir() && filepath.Ext(e.Name()) == ".toml" && !strings.HasPrefix(e.Name(), ".") {
			found = append(found, filepath.Join(dir, e.Name()))
		}
	}
	return found, nil
}

// Place is where a new site of that name is kept: in the user's config folder. The error says why a name cannot be taken.
func Place(config, name string) (string, error) {
	if config == "" {
		return "", errors.New("there is no folder for configuration here; name a file with --site")
	}
	return place(filepath.Join(config, "postern"), name)
}

func place(dir, name string) (string, error) {
	name = strings.TrimSuffix(strings.TrimSpace(name), ".toml")
	if !nameShape.MatchString(name) {
		return "", fmt.Errorf("%s is not a name for a site: letters, digits, dots, hyphens and underscores", quote(name))
	}
	path := filepath.Join(dir, name+".toml")
	if _, err := os.Lstat(path); err == nil {
		return "", fmt.Errorf("there is a site named %s already (%s)", name, path)
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	return path, nil
}

// Rename gives an answers file another name in its folder, and returns its new path.
func Rename(path, name string) (string, error) {
	to, err := place(filepath.Dir(path), name)
	if err != nil {
		return "", err
	}
	if err := os.Rename(path, to); err != nil {
		return "", fmt.Errorf("renaming the answers: %w", err)
	}
	return to, nil
}
