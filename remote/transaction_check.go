package remote

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"
)

// leastDeadline is the shortest time a host is given.
const leastDeadline = 10 * time.Second

var (
	words   = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)
	names   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,100}$`)
	owners  = regexp.MustCompile(`^[a-z0-9_][a-z0-9_.-]*:[a-z0-9_][a-z0-9_.-]*$`)
	folders = regexp.MustCompile(`^(/[A-Za-z0-9._@+-]+)+$`)
)

// check refuses what no host could be given.
func (t Transaction) check() error {
	if !words.MatchString(t.ID) {
		return fmt.Errorf("%q is not a transaction (letters and digits)", t.ID)
	}
	if t.Deadline < leastDeadline || t.Deadline > 24*time.Hour {
		return fmt.Errorf("a deadline of %s cannot be used (%s to 24h)", t.Deadline, leastDeadline)
	}
	if t.Answers != nil && strings.Contains(t.Answers.Text, "\x00") {
		return fmt.Errorf("the answers hold a NUL byte")
	}
	return checkChanges(t.Changes)
}

func checkChanges(list []Change) error {
	if len(list) == 0 || len(list) > 999 {
		return fmt.Errorf("%d changes cannot be made at once (1 to 999)", len(list))
	}
	seen := map[string]bool{}
	for _, c := range list {
		if err := c.check(); err != nil {
			return fmt.Errorf("change %q: %w", c.ID, err)
		}
		if c.Path != "" && seen[c.Path] {
			return fmt.Errorf("change %q: %q is written by another change too", c.ID, c.Path)
		}
		seen[c.Path] = true
	}
	return nil
}

func (c Change) check() error {
	for _, name := range []string{c.ID, c.Step} {
		if !names.MatchString(name) {
			return fmt.Errorf("%q is not a name (letters, digits, dots and hyphens)", name)
		}
	}
	for _, s := range []string{c.Title, c.Test, c.Do, c.Undo, c.Keep} {
		if strings.Contains(s, "\x00") {
			return fmt.Errorf("it holds a NUL byte")
		}
	}
	if strings.ContainsAny(c.Title, "\n\r") {
		return fmt.Errorf("its title is more than one line")
	}
	if c.Path == "" {
		if c.New != nil || c.Old != nil || c.AtConfirm {
			return fmt.Errorf("it has a file but no path")
		}
		return nil
	}
	if !folders.MatchString(c.Path) || path.Clean(c.Path) != c.Path {
		return fmt.Errorf("%q is not an absolute path (letters, digits and . _ @ + -)", c.Path)
	}
	for _, f := range []*File{c.Old, c.New} {
		switch {
		case f == nil:
		case strings.Contains(f.Text, "\x00"):
			return fmt.Errorf("%q holds a NUL byte", c.Path)
		case f.Owner != "" && !owners.MatchString(f.Owner):
			return fmt.Errorf("%q is not an owner (user:group)", f.Owner)
		}
	}
	return nil
}
