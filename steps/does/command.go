package does

import (
	"fmt"
	"time"

	"postern/remote"
)

// Command is anything else that is done to a host, with a test of its own.
type Command struct {
	ID, Title, Why string
	Test           string   // sh that only reads: exit 0 when it is in place, 1 when it is not, anything else when that cannot be told
	Config         []string // files it reads, or folders with a slash at their end: when one changes, it is done again
	Do, Undo, Keep string
	Takes          time.Duration
	Risk           remote.Risk
	First          bool   // it changes nothing that runs: made before the files
	Last           bool   // made once all else is kept
	Forget         bool   // nothing of it is to be taken back later
	Secret         string // what only the operator knows, in words; Do finds it in remote.HandedPath. Only where it is First
}

// Reads asks the test.
func (c Command) Reads() []remote.Query {
	return []remote.Query{remote.ReadRun("command "+c.ID, c.Test)}
}

// Plan does it where the test says no, or what it reads changes.
func (c Command) Plan(seen Seen) ([]remote.Change, error) {
	switch a, ok := seen.Answers["command "+c.ID]; {
	case !ok || a.Cut || a.Code > 1:
		return nil, fmt.Errorf("it could not be told whether it is so already: %s", c.Title)
	case a.Code == 0 && !seen.edits(c.Config):
		return nil, nil
	}
	return []remote.Change{{ID: c.ID, Title: c.Title, Why: c.Why, Do: c.Do, Undo: c.Undo, Keep: c.Keep, Takes: c.Takes, Risk: c.Risk, Secret: c.Secret, Forget: c.Forget}}, nil
}
