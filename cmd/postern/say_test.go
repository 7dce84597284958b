package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"postern/remote"
	"postern/run"
)

// heard is a voice that speaks into buffers.
func heard() (v *voice, out, people, err *bytes.Buffer) {
	out, people, err = &bytes.Buffer{}, &bytes.Buffer{}, &bytes.Buffer{}
	return &voice{out: out, people: people, err: err, now: time.Now}, out, people, err
}

func TestVoiceLetsNoHostDraw(t *testing.T) {
	v, out, people, errs := heard()
	hostile := "a\x1b[2Jb\x1b]0;title\x07c\u202ed\x9b31me"
	v.line(plain, "%s", hostile)
	v.fail(errors.New(hostile), hostile)
	if err := v.json(map[string]string{"x": hostile}, false); err != nil {
		t.Fatal(err)
	}
	for name, said := range map[string]string{"people": people.String(), "errors": errs.String(), "json": out.String()} {
		for _, r := range said {
			if r != '\n' && (r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x202e) {
				t.Errorf("%s: %q lets %U through", name, said, r)
			}
		}
	}
	var back map[string]string
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back["x"] != strings.ToValidUTF8(hostile, "\ufffd") {
		t.Errorf("JSON %q: %v, want the text as it was", back["x"], err)
	}
}

func TestColourIsNeverAlone(t *testing.T) {
	v, _, people, _ := heard()
	v.line(red, "[FAIL] x")
	if got := people.String(); got != "[FAIL] x\n" {
		t.Errorf("without colour: %q", got)
	}
	people.Reset()
	v.colour = true
	v.line(red, "[FAIL] x")
	if got := people.String(); got != "\x1b[31m[FAIL] x\x1b[0m\n" {
		t.Errorf("with colour: %q", got)
	}
}

func TestVerdicts(t *testing.T) {
	wrap := func(err error) error { return fmt.Errorf("proxy: %w", err) }
	for _, c := range []struct {
		err  error
		code int
	}{
		{nil, exitOK},
		{errors.New("x"), exitFailed},
		{usage("", "x"), exitUsage},
		{wrap(usage("", "x")), exitUsage},
		{wrap(run.ErrStale), exitUsage},
		{wrap(run.ErrRolledBack), exitTakeback},
		{wrap(run.ErrRefused), exitFailed},
		{wrap(remote.ErrNoAnswer), exitUnasked},
		{silent(exitUnasked), exitUnasked},
		{unasked(wrap(remote.ErrLost)), exitUnasked},
		{unasked(wrap(run.ErrStale)), exitUsage},
		{unasked(errors.New("x")), exitFailed},
	} {
		if code, _ := verdict(c.err); code != c.code {
			t.Errorf("%v: exit code %d, want %d", c.err, code, c.code)
		}
	}
}

func TestOutcomeCodes(t *testing.T) {
	for _, c := range []struct {
		name string
		out  run.Outcome
		err  error
		code int
		word string
	}{
		{"confirmed", run.Outcome{Changed: true}, nil, exitOK, "changed"},
		{"nothing to do", run.Outcome{Empty: true}, nil, exitOK, "in-place"},
		{"declined", run.Outcome{Declined: true}, nil, exitFailed, "declined"},
		{"taken back", run.Outcome{RolledBack: []string{"proxy"}}, run.ErrRolledBack, exitTakeback, "rolled-back"},
		{"refused", run.Outcome{}, run.ErrRefused, exitFailed, "refused"},
		{"stale", run.Outcome{}, run.ErrStale, exitUsage, "failed"},
		{"broken", run.Outcome{}, errors.New("x"), exitFailed, "failed"},
	} {
		code := outcomeCode(c.out, c.err)
		if got := outcomeObject(c.out, c.err, code, nil); code != c.code || got.Outcome != c.word || got.Exit != c.code {
			t.Errorf("%s: %d %q, want %d %q", c.name, code, got.Outcome, c.code, c.word)
		}
	}
}
