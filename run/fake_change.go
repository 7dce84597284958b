package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"postern/remote"
)

// fakeChange is a transaction of a Fake. Its state is named as the agent names its markers.
type fakeChange struct {
	remote.Transaction
	by      *fakeLogin
	state   string // READY, ARMED, ROLLING, CONFIRMED, STUCK, ROLLEDBACK or PERSISTED
	why     string // it went back
	applied bool
	broke   error // what did not apply
	unkept  error
	was     map[string]*remote.File // by path, before it was touched
	answers *remote.File            // before it, too
	disarm  func() bool
}

// fakeRecord is what a Fake remembers of a change that is in effect.
type fakeRecord struct {
	remote.Record
	ours *remote.File // the file as we left it
	gone string       // the change that had it forgotten, and whose end it comes back with
}

// owner is who holds the host, as the agent tells it.
func owner(operator, id string) remote.Text {
	return remote.Clean(operator + "\ntransaction " + id)
}

// status is how the host stands, as the agent tells it.
func (f *Fake) status() string {
	text := ""
	if c := f.open; c != nil {
		text = "open " + c.ID + " " + c.state + " " + c.why + "\n"
	}
	if f.job != nil && !f.job.over {
		text += "work " + f.job.id + "\n"
		for _, c := range f.job.changes {
			text += "doing " + c.Title + "\n"
		}
	}
	for _, c := range slices.Backward(f.ended) {
		text += strings.TrimSuffix("ended "+c.state+"."+c.ID+"."+c.why, ".") + "\n"
	}
	return text
}

// Tidy has nothing to do that a Fake would not have done by itself.
func (l *fakeLogin) Tidy(ctx context.Context) error { return l.call(ctx, "tidy", l.f.free) }

// free says who is changing the host.
func (f *Fake) free() error {
	switch {
	case f.open != nil && f.open.state == "STUCK":
		return remote.ErrStuck
	case f.open != nil:
		return &remote.ErrLocked{Owner: owner(f.open.Operator, f.open.ID)}
	case f.job != nil && !f.job.over:
		return &remote.ErrLocked{Owner: owner("preparing", f.job.id)}
	}
	return nil
}

// Begin locks, tests, arms and applies.
func (l *fakeLogin) Begin(ctx context.Context, t remote.Transaction, tell func(remote.Progress)) error {
	return l.call(ctx, "begin", func() error {
		c := &fakeChange{Transaction: t, by: l, state: "READY", was: map[string]*remote.File{}, answers: l.f.files[remote.AnswersPath]}
		if err := l.f.free(); err != nil {
			return err
		}
		l.f.open = c
		for _, one := range t.Changes {
			if err := l.f.ready(one, c.was); err != nil {
				l.f.open = nil
				return err
			}
		}
		c.state = "ARMED"
		c.disarm = l.f.After(t.Deadline, func() { defer l.f.lock()(); l.f.back(c, "expired") })
		over := false
		go func() {
			defer l.f.lock()()
			l.f.apply(c, func(p remote.Progress) {
				if tell != nil && ctx.Err() == nil {
					tell(p)
				}
			})
			over = true
		}()
		if err := l.f.until(ctx, func() bool { return over }); !over { // the host goes on
			return err
		}
		return l.f.stands(t.ID)
	})
}

// ready keeps what was there before, and says when that is not what the operator was shown, or the new file is not right.
func (f *Fake) ready(c remote.Change, was map[string]*remote.File) error {
	if c.Path != "" {
		if now := f.files[c.Path]; text(now) != text(c.Old) {
			return &remote.ErrChanged{Path: c.Path}
		}
		was[c.Path] = f.files[c.Path]
	}
	return f.do(c, "test", c.Test)
}

// text tells files from each other by what is in them; none is no text at all.
func text(file *remote.File) string {
	if file == nil {
		return "\x00"
	}
	return file.Text
}

// do runs a script of a change; a job tells what it says.
func (f *Fake) do(c remote.Change, phase, script string, tell ...func(string)) (err error) {
	if script == "" || f.Do == nil {
		return nil
	}
	said := ""
	f.outside(func() {
		err = f.Do(c, phase, func(line string) {
			defer f.lock()()
			said += line + "\n"
			for _, t := range tell {
				t(line)
			}
		})
	})
	if err != nil {
		err = &remote.ErrTest{Change: c.Title, Out: remote.Clean(said)}
	}
	return err
}

// place puts the new file of a change in place. What it leaves open is as it was before.
func (f *Fake) place(c remote.Change, was *remote.File) {
	if c.Path == "" || c.New == nil {
		f.write(c.Path, nil)
		return
	}
	file, before := *c.New, remote.File{Mode: 0o644, Owner: "root:root"}
	if was != nil {
		before = *was
	}
	if file.Mode == 0 {
		file.Mode = before.Mode
	}
	if file.Owner == "" {
		file.Owner = before.Owner
	}
	f.write(c.Path, &file)
}

// apply puts the files in place and runs what the changes run, as long as nobody takes it back.
func (f *Fake) apply(c *fakeChange, tell func(remote.Progress)) {
	start, leave := f.Clock(), f.enter()
	for _, one := range c.Changes {
		if c.state == "ARMED" && !one.AtConfirm && !one.InTurn {
			f.place(one, c.was[one.Path])
		}
	}
	for i, one := range c.Changes {
		if c.state == "ARMED" && c.broke == nil {
			if one.InTurn {
				f.place(one, c.was[one.Path])
			}
			f.outside(func() {
				tell(remote.Progress{N: i + 1, Of: len(c.Changes), Text: remote.Clean(one.Title), Elapsed: f.Clock().Sub(start)})
			})
			c.broke = f.do(one, "do", one.Do)
		}
	}
	leave()
	if c.applied = c.broke == nil && c.state == "ARMED"; !c.applied {
		f.back(c, "failed")
	}
}

// back takes a transaction back, if it is not decided, and waits until that is done. What runs is let come to its end first.
func (f *Fake) back(c *fakeChange, why string) {
	if c != nil && c.state == "ARMED" {
		c.state, c.why = "ROLLING", why
		c.disarm()
		defer f.enter()()
		f.roll(c)
	}
	for c != nil && c.state == "ROLLING" { // by another
		f.turn.Wait()
	}
}

// roll brings back the files, and then what ran, last first.
func (f *Fake) roll(c *fakeChange) {
	for path, was := range c.was {
		f.write(path, was)
	}
	if c.why == "reverted" {
		f.write(remote.AnswersPath, c.answers)
		for _, one := range c.Changes {
			f.rerecord(c.ID, one)
		}
	}
	state := "ROLLEDBACK"
	for _, one := range slices.Backward(c.Changes) {
		if f.do(one, "undo", one.Undo) != nil {
			state = "STUCK"
		}
	}
	if c.state = state; state != "STUCK" {
		f.open, f.ended = nil, append(f.ended, c)
	}
}

// find is the transaction of that ID, nil when the host knows none.
func (f *Fake) find(id string) *fakeChange {
	for _, c := range append(slices.Clone(f.ended), f.open) {
		if c != nil && c.ID == id {
			return c
		}
	}
	return nil
}

// stands tells how the transaction of that ID stands, in the agent's errors.
func (f *Fake) stands(id string) error {
	c := f.find(id)
	if c == nil {
		return remote.ErrUnknownID
	}
	switch c.state {
	case "PERSISTED":
		return c.unkept
	case "CONFIRMED":
		return &remote.ErrUnkept{}
	case "STUCK":
		return remote.ErrStuck
	case "READY", "ARMED":
		return nil
	}
	back := &remote.ErrRolledBack{Why: c.why, Ongoing: c.state == "ROLLING"}
	var broke *remote.ErrTest
	if errors.As(c.broke, &broke) {
		back.Change, back.Out = broke.Change, broke.Out
	}
	return back
}

func (l *fakeLogin) Confirm(ctx context.Context, id string, _ *remote.Moment) error {
	return l.call(ctx, "confirm", func() error {
		c := l.f.find(id)
		switch {
		case c != nil && c.by == l:
			return errors.New("a change is confirmed over a new login, not over the connection that made it")
		case c != nil && (c.state == "READY" || c.state == "ARMED" && !c.applied):
			return remote.ErrNotReady
		case c != nil && c.state == "ARMED":
			c.state = "CONFIRMED"
			c.disarm()
			l.f.persist(c)
		}
		err := l.f.stands(id)
		var back *remote.ErrRolledBack
		if errors.As(err, &back) {
			return fmt.Errorf("%w: %w", remote.ErrTooLate, err)
		}
		return err
	})
}

// persist makes what was confirmed last.
func (f *Fake) persist(c *fakeChange) {
	defer f.enter()()
	for _, one := range c.Changes {
		if one.AtConfirm {
			f.place(one, c.was[one.Path])
		}
	}
	for _, one := range c.Changes {
		var broke *remote.ErrTest
		if errors.As(f.do(one, "keep", one.Keep), &broke) {
			c.unkept = &remote.ErrUnkept{Change: broke.Change, Out: broke.Out}
		}
		f.record(c.ID, false, one, c.was[one.Path])
	}
	if c.Answers != nil {
		f.write(remote.AnswersPath, c.Answers)
	}
	c.state, f.open, f.ended = "PERSISTED", nil, append(f.ended, c)
}

// recorded is where the record of a change stands, -1 for none.
func (f *Fake) recorded(c remote.Change) int {
	return slices.IndexFunc(f.records, func(r *fakeRecord) bool { return r.gone == "" && r.Step == c.Step && r.ID == c.ID && r.Path == c.Path })
}

// rerecord makes the record of a change fit that it was in effect, and was taken back.
func (f *Fake) rerecord(id string, c remote.Change) {
	for _, r := range f.records {
		if r.gone == id && r.Step == c.Step && r.ID == c.ID && r.Path == c.Path {
			r.gone = ""
		}
	}
	if c.Forget {
		return
	}
	if at := f.recorded(c); at >= 0 && f.records[at].First == id {
		f.records = slices.Delete(f.records, at, at+1)
	} else if at >= 0 {
		f.records[at].ours = f.files[c.Path]
	}
}

// record notes a change that is in effect now, or forgets one that was undone. The first touch wins.
func (f *Fake) record(id string, inert bool, c remote.Change, was *remote.File) {
	at := f.recorded(c)
	if at < 0 {
		at, f.records = len(f.records), append(f.records, &fakeRecord{Record: remote.Record{ID: c.ID, Step: c.Step, Path: c.Path,
			Original: was, Undo: c.Undo, Inert: inert, First: id}})
	}
	r := f.records[at]
	if c.Forget {
		r.gone = id
		return
	}
	r.Title, r.Do, r.Keep, r.Risk, r.ours = c.Title, c.Do, c.Keep, c.Risk, f.files[c.Path]
	if c.Path != "" && text(r.ours) == text(r.Original) && text(was) != text(r.Original) {
		r.gone = id // it is as before us: nothing of ours is left
	}
}

func (l *fakeLogin) Recorded(ctx context.Context) (list []remote.Record, err error) {
	err = l.call(ctx, "recorded", func() error {
		for _, r := range l.f.records {
			if one := r.Record; r.gone == "" {
				one.Touched = text(l.f.files[r.Path]) != text(r.ours)
				list = append(list, one)
			}
		}
		return nil
	})
	return list, err
}

func (l *fakeLogin) Cancel(ctx context.Context, id string) error {
	return l.call(ctx, "cancel", func() error {
		l.f.back(l.f.find(id), "cancelled")
		return l.f.gone(id)
	})
}

// gone is nil when a change was taken back.
func (f *Fake) gone(id string) error {
	err := f.stands(id)
	var back *remote.ErrRolledBack
	switch {
	case errors.As(err, &back):
		return nil
	case err == nil:
		return fmt.Errorf("transaction %s was confirmed already, and is still in place", id)
	}
	return err
}

func (l *fakeLogin) Revert(ctx context.Context, id string) error {
	return l.call(ctx, "revert", func() error {
		f := l.f
		if err := f.free(); err != nil {
			return err
		}
		if last := len(f.ended) - 1; last >= 0 && f.ended[last].ID == id && f.ended[last].state == "PERSISTED" {
			c := f.ended[last]
			c.state, c.why, f.open, f.ended = "ROLLING", "reverted", c, f.ended[:last]
			defer f.enter()()
			f.roll(c)
		}
		return f.gone(id)
	})
}
