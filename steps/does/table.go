// Package does knows the vocabulary of what chapters do to a host: packages, files, users, units and the like, as data. Each
// thing tells what must be seen of it and what would change it, with its undo. It runs nothing, and knows no chapter.
package does

import (
	"fmt"
	"slices"
	"strings"

	"postern/remote"
)

// Thing is one thing that a host should have.
type Thing interface {
	// Reads lists what must be seen to tell whether it is in place.
	Reads() []remote.Query
	// Plan is what would put it in place, nil when it is. Its changes are named within their table; each has an Undo that
	// works from any point its Do may have stopped at, or says in its Why that it stays. An error says why it must not be
	// touched, or that it could not be told: what was not seen is never taken for absent.
	Plan(Seen) ([]remote.Change, error)
}

// Seen is what was seen of a host, and the files that the table changes before the thing that looks.
type Seen struct {
	remote.Facts
	edited []string
}

// edits says whether one of the files changes; a path that ends in a slash stands for all that lies below.
func (s Seen) edits(paths []string) bool {
	return slices.ContainsFunc(paths, func(path string) bool {
		return slices.ContainsFunc(s.edited, func(p string) bool {
			return p == path || strings.HasSuffix(path, "/") && strings.HasPrefix(p, path)
		})
	})
}

// file is a file as it was seen, nil when it is absent.
func (s Seen) file(path string) (*remote.File, error) {
	if f, known := s.File(path); known {
		return f, nil
	}
	return nil, fmt.Errorf("%s could not be read", path)
}

// said is what a query printed.
func (s Seen) said(id string) (string, error) {
	if out, ok := s.Get(id); ok {
		return out, nil
	}
	return "", fmt.Errorf("%s: it could not be seen what is there", id)
}

// Table is what one host should have for one chapter. In which order its things stand does not matter, but among things of
// one kind.
type Table struct {
	Step   string
	Things []Thing
}

// Reads lists what must be seen for all of it.
func (t Table) Reads() []remote.Query {
	var queries []remote.Query
	for _, thing := range t.Things {
		queries = append(queries, thing.Reads()...)
	}
	return queries
}

// Stage is when changes are made.
type Stage int

// The stages. After each one the host is looked at again, because the next may depend on what it brings.
const (
	First   Stage = iota // a job: it changes nothing that runs
	Guarded              // a transaction
	Last                 // a job: it takes its time, and cuts nobody off
)

// Plan joins what is missing on a host to the changes of the first stage that is not in place; there are none when all is.
// A unit restarts only when something that it reads changes.
func (t Table) Plan(f remote.Facts) (Stage, []remote.Change, error) {
	seen := Seen{Facts: f}
	things := slices.Clone(t.Things)
	slices.SortStableFunc(things, func(a, b Thing) int { return rank(a) - rank(b) })
	var all []remote.Change
	stage, named := First, map[string]bool{}
	for _, thing := range things {
		if s := Stage(rank(thing) / 10); s != stage {
			if len(all) > 0 {
				break
			}
			stage = s
		}
		changes, err := thing.Plan(seen)
		if err != nil {
			return stage, nil, fmt.Errorf("%s: %s: %w", t.Step, f.Host, err)
		}
		for _, c := range changes {
			c = Within(t.Step, c)
			if named[c.ID+c.Path] {
				return stage, nil, fmt.Errorf("%s: %s: two things are called %q", t.Step, f.Host, c.ID)
			}
			named[c.ID+c.Path] = true
			if c.Path != "" {
				seen.edited = append(seen.edited, c.Path)
			}
			all = append(all, c)
		}
	}
	return stage, all, nil
}

// Within names a change of a thing after its step.
func Within(step string, c remote.Change) remote.Change {
	c.ID, c.Step = step+"."+c.ID, step
	return c
}

// rank is where a thing stands in the order of a plan; its tens are the stage.
func rank(t Thing) int {
	switch t := t.(type) {
	case Packages:
		return 0
	case User:
		return 1
	case Dir:
		return 2
	case Download, Npm:
		return 3
	case Command:
		switch {
		case t.First:
			return 4
		case t.Last:
			return 21
		}
		return 11
	case Unit:
		return 12
	case Compose:
		if t.Along {
			return 13
		}
		return 20
	}
	return 10 // files, and what stands in them
}
