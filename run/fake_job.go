package run

import (
	"context"
	"slices"

	"postern/remote"
)

// fakeJob is inert changes being made. Its log is told from the start to whoever watches.
type fakeJob struct {
	id      string
	changes []remote.Change
	log     []remote.Progress
	over    bool
	err     error
}

func (j *fakeJob) end(err error) {
	if !j.over {
		j.over, j.err = true, err
	}
}

// Hand keeps a secret where its change finds it.
func (l *fakeLogin) Hand(ctx context.Context, secret string) error {
	return l.call(ctx, "hand", func() error {
		var file *remote.File
		if secret != "" {
			file = &remote.File{Text: secret, Mode: 0o600, Owner: "root:root"}
		}
		l.f.write(remote.HandedPath, file)
		return nil
	})
}

// Prepare begins a job, unless it is there, and watches it.
func (l *fakeLogin) Prepare(ctx context.Context, id string, changes []remote.Change, tell func(remote.Progress)) error {
	return l.call(ctx, "prepare", func() error {
		if f := l.f; f.job == nil || f.job.id != id {
			if err := f.free(); err != nil {
				return err
			}
			f.job = &fakeJob{id: id, changes: changes}
			go f.prepare(f.job)
		}
		return l.follow(ctx, id, tell)
	})
}

func (l *fakeLogin) Watch(ctx context.Context, id string, _ []remote.Change, tell func(remote.Progress)) error {
	return l.call(ctx, "watch", func() error { return l.follow(ctx, id, tell) })
}

// follow tells a job's log from its start to its end.
func (l *fakeLogin) follow(ctx context.Context, id string, tell func(remote.Progress)) error {
	j, at := l.f.job, 0
	if j == nil || j.id != id {
		return remote.ErrUnknownID
	}
	for {
		err := l.f.until(ctx, func() bool { return j.over || l.cut || at < len(j.log) })
		switch {
		case at < len(j.log) && err == nil:
			p := j.log[at]
			at++
			l.f.outside(func() {
				if tell != nil {
					tell(p)
				}
			})
		case err != nil:
			return err
		case j.over:
			return j.err
		default:
			return remote.ErrLost
		}
	}
}

// prepare makes the changes of a job, one after the other, and stops at the first that fails.
func (f *Fake) prepare(j *fakeJob) {
	defer f.lock()()
	defer f.enter()()
	start, was := f.Clock(), map[string]*remote.File{}
	for i, c := range j.changes {
		say := func(text string) {
			j.log = append(j.log, remote.Progress{N: i + 1, Of: len(j.changes), Text: remote.Clean(text), Elapsed: f.Clock().Sub(start)})
		}
		say(c.Title)
		begun := i
		err := f.ready(c, was)
		if err == nil {
			begun++
			f.place(c, was[c.Path])
			err = f.do(c, "do", c.Do, say)
		}
		if err == nil {
			err = f.do(c, "keep", c.Keep, say)
		}
		if err == nil && j.over { // the host went down meanwhile
			err = remote.ErrLost
		}
		if err != nil {
			f.stopped(j, i, j.changes[:begun], was)
			j.end(err)
			return
		}
		f.record(j.id, true, c, was[c.Path])
	}
	j.end(nil)
}

// stopped takes back, of the changes that a job began, the one that it was not through with, and those bound to it.
func (f *Fake) stopped(j *fakeJob, through int, begun []remote.Change, was map[string]*remote.File) {
	var back []remote.Change
	for i, c := range slices.Backward(begun) {
		if i >= through || c.Bound {
			back = append(back, c)
		}
	}
	for _, c := range back {
		if c.Path != "" {
			f.write(c.Path, was[c.Path])
		}
	}
	for _, c := range back {
		f.rerecord(j.id, c)
		_ = f.do(c, "undo", c.Undo)
	}
}
