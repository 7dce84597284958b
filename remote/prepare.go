package remote

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Prepare makes inert changes, such as packages and key files: no guard; the change that fails, or takes longer than it says it
// may, is taken back, with those before it that are bound to it: the files first, and then each Undo is run. The work is a job of the host's init, so a
// lost link does not end it: call Prepare again with the same id on a new Session, and it is watched from its start. Every line
// it prints is told. What a reboot stopped in the middle, Tidy and the next job take back. Its errors are *ErrLocked,
// *ErrChanged, *ErrTest, ErrDisk, ErrNoSecret and ErrLost.
func (s *Session) Prepare(ctx context.Context, id string, changes []Change, tell func(Progress)) error {
	if !ids.MatchString(id) {
		return fmt.Errorf("%q is not a job (letters and digits)", id)
	}
	if err := checkChanges(changes); err != nil {
		return err
	}
	return s.follow(ctx, id, s.jobScript(id, changes), changes, tell)
}

// Watch follows a job from its start until it ends, whoever began it; its changes need but their titles. Its errors are those
// of Prepare, and ErrUnknownID when the host has no such job any more.
func (s *Session) Watch(ctx context.Context, id string, changes []Change, tell func(Progress)) error {
	if !ids.MatchString(id) {
		return fmt.Errorf("%q is not a job (letters and digits)", id)
	}
	script := s.places() + "J=$D/job." + id + `
[ -e "$J/agent" ] || { echo 'result E_UNKNOWN'; exit 20; }
/bin/sh "$J/agent" job_watch ` + id + "\n"
	return s.follow(ctx, id, script, changes, tell)
}

// follow runs a script that watches a job, and tells what the job prints.
func (s *Session) follow(ctx context.Context, id, script string, changes []Change, tell func(Progress)) error {
	v, start := &verdict{}, time.Now()
	mark := "@@" + id + " change "
	_, err := s.sh(ctx, script, func(t Text) {
		line := t.String()
		p := Progress{Text: Clean(strings.TrimPrefix(line, "told: ")), Of: len(changes)}
		switch {
		case strings.HasPrefix(line, "result ") || strings.HasPrefix(line, "owner "):
			v.read(line)
			return
		case strings.HasPrefix(line, mark):
			v.change, _ = strconv.Atoi(strings.TrimPrefix(line, mark))
			v.out = nil
			if v.change < 1 || v.change > len(changes) {
				return
			}
			p.Text = Clean(changes[v.change-1].Title)
		case strings.TrimSpace(line) == "":
			return
		default:
			v.out = append(v.out[max(0, len(v.out)-40):], line)
		}
		if tell != nil {
			p.N, p.Elapsed = v.change, time.Since(start)
			tell(p)
		}
	})
	if err != nil {
		return err
	}
	if v.word == "E_LOST" {
		return fmt.Errorf("the job on the host ended without a result, as after a reboot: it can be started again")
	}
	return v.err(changes)
}

// jobScript starts the job, unless it is there already, and watches it.
func (s *Session) jobScript(id string, changes []Change) string {
	p := payload{id: id}
	p.changes(changes)
	return s.head() + `J=$D/job.` + id + `
if [ -e "$J/agent" ] && { [ -e "$J/rc" ] || held "$D/JOB"; }; then
	/bin/sh "$J/agent" job_watch ` + id + `
	exit $?
fi
` + s.batch(&p, "in."+id, "preparing", changes, "job_start")
}
