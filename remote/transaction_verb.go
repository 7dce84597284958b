package remote

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// verdict is what an agent said: its result line, and what came with it.
type verdict struct {
	word, rest string
	change     int // the change spoken of last; 0 for none
	owner, out []string
}

// read takes one line of an agent.
func (v *verdict) read(line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "result":
		v.word, v.rest, _ = strings.Cut(rest, " ")
	case "change":
		v.change, _ = strconv.Atoi(rest)
		v.out = nil
	case "owner":
		v.owner = append(v.owner, rest)
	case "out":
		v.out = append(v.out, rest)
	}
}

// err is what the verdict means for changes; nil when the agent did what it was asked.
func (v *verdict) err(changes []Change) error {
	title := ""
	if v.change > 0 {
		title = "change " + strconv.Itoa(v.change)
		if v.change <= len(changes) {
			title = changes[v.change-1].Title
		}
	}
	out := Clean(strings.Join(v.out, "\n"))
	say := func(err error) error {
		if v.rest == "" {
			return err
		}
		return fmt.Errorf("%w: %s", err, Clean(v.rest).Line(200))
	}
	switch v.word {
	case "applied", "armed", "confirmed", "tidied", "finished", "recorded", "status":
		return nil
	case "E_LOCKED":
		return &ErrLocked{Owner: Clean(strings.Join(v.owner, "\n"))}
	case "E_CHANGED":
		return &ErrChanged{Path: Clean(v.rest).Line(200)}
	case "E_TEST":
		return &ErrTest{Change: title, Out: out}
	case "E_ROLLEDBACK", "E_ROLLING":
		return &ErrRolledBack{Why: Clean(v.rest).Line(20), Change: title, Out: out, Ongoing: v.word == "E_ROLLING"}
	case "E_UNKEPT", "E_UNFINISHED":
		return &ErrUnkept{Change: title, Out: out}
	case "E_DISK":
		return say(ErrDisk)
	case "E_SECRET":
		return say(ErrNoSecret)
	case "E_STUCK":
		return say(ErrStuck)
	case "E_NOTREADY":
		return ErrNotReady
	case "E_UNKNOWN":
		return ErrUnknownID
	case "E_NOGUARD":
		return say(ErrNoGuard)
	case "E_REFUSED":
		return errors.New(Clean(v.rest).Line(300))
	}
	return fmt.Errorf("the agent on the host ended without a result: %s", last(out, Clean(v.word+" "+v.rest).Line(200)))
}

// act runs a script that changes the host and tells its progress.
func (s *Session) act(ctx context.Context, script string, changes []Change, tell func(Progress)) error {
	v, start := &verdict{}, time.Now()
	_, err := s.sh(ctx, script, func(t Text) {
		line := t.String()
		v.read(line)
		if tell == nil {
			return
		}
		p := Progress{N: v.change, Of: len(changes), Elapsed: time.Since(start)}
		switch word, _, _ := strings.Cut(line, " "); {
		case word == "change" && v.change > 0 && v.change <= len(changes):
			p.Text = Clean(changes[v.change-1].Title)
		case word == "out" || word == "owner" || word == "result" || word == "change" || word == "armed":
			return
		default: // what a script has to tell, also when all goes well
			p.Text = Clean(strings.TrimPrefix(line, "told: "))
		}
		tell(p)
	})
	if err != nil {
		return err
	}
	return v.err(changes)
}

// verb asks the agent of the transaction that is open for something, and ours when there is none.
func (s *Session) verb(ctx context.Context, verb string, args ...string) error {
	return s.verbAt(ctx, nil, verb, args...)
}

// verbAt is verb at a moment, where that is not nil.
func (s *Session) verbAt(ctx context.Context, at *Moment, verb string, args ...string) error {
	r, err := s.shAt(ctx, at, s.verbScript(verb, args...), nil)
	if err != nil {
		return err
	}
	v := &verdict{}
	for line := range strings.Lines(r.Out) {
		v.read(strings.TrimRight(line, "\n"))
	}
	if v.word == "" {
		v.out = []string{r.Out}
	}
	return v.err(nil)
}
