package site

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// nameShape is what a site's file may be called, without its ending.
var nameShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Known lists the answers files that Find chooses from, in the order it looks.
func Known(config, cwd string) ([]string, error) {
	var found []string
	here := filepath.Join(cwd, "postern.toml")
	if _, err := os.Stat(here); err == nil {
		found = append(found, here)
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("looking for the answers: %w", err)
	}
	more, err := inFolder(config)
	return append(found, more...), err
}

// inFolder lists the answers files in the user's config folder; none when that is "".
func inFolder(config string) ([]string, error) {
	if config == "" {
		return nil, nil
	}
	dir := filepath.Join(config, "postern")
	list, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("looking for the answers: %w", err)
	}
	var found []string
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
