package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"postern/site"
)

// answers are what the operator said: the file, and what this run alone was given with --set.
type answers struct {
	file  *site.File
	site  *site.Site // the file's, with --set on top
	made  bool       // there is no file yet
	given bool       // --set is on top and not saved
	say   *voice
}

// answers finds and reads the answers file and puts --set on top. With need they must be enough to reach the hosts.
func (a *app) answers(need bool) (*answers, error) {
	from, err := a.open(!need || len(a.Set) > 0)
	if err != nil {
		return nil, err
	}
	if err := a.overlay(from); err != nil {
		return nil, err
	}
	if !need {
		return from, nil
	}
	return from, problems(from.site)
}

// open reads the answers file, or begins one where there may be none yet.
func (a *app) open(mayBeNew bool) (*answers, error) {
	if a.sim != nil {
		if a.known == nil {
			a.known = demoAnswers(a.sim, a.guided)
			a.known.say = a.say
			if !a.guided || !a.draws() { // else every screen says it
				words := simulated
				if a.Layout == "toaster" {
					words = simulatedOne
				}
				a.say.prose(plain, "%s", words)
			}
		}
		return a.known, nil
	}
	path, err := a.path()
	if err != nil && !(mayBeNew && errors.Is(err, site.ErrNone)) {
		return nil, usage("answer the questions with 'postern', or take the answers of a host with 'postern adopt USER@HOST'", "%w", err)
	}
	file, err := site.Load(path)
	made := errors.Is(err, fs.ErrNotExist)
	switch {
	case made && mayBeNew:
		file = site.NewFile(path, site.Default())
	case made:
		return nil, usage("'postern --site FILE' asks for the answers and makes the file", "%s: there is no such file", path)
	case err != nil:
		return nil, usage("nothing was changed", "%w", err)
	}
	for _, line := range append(file.Unknown, file.Notes...) {
		a.say.line(amber, "%s", line)
	}
	return &answers{file: file, site: file.Site, made: made, say: a.say}, nil
}

// path is the answers file to use. When there is none the error is site.ErrNone and the path is where it would be made.
func (a *app) path() (string, error) {
	if a.Site != "" {
		return a.Site, nil
	}
	here, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("looking for the answers: %w", err)
	}
	path, err := site.Find(a.world.config, here)
	if errors.Is(err, site.ErrNone) {
		return filepath.Join(here, "postern.toml"), err
	}
	return path, err
}

// overlay puts what --set gave on top, and keeps it with --save.
func (a *app) overlay(from *answers) error {
	if len(a.Set) == 0 {
		return nil
	}
	if !a.Save {
		from.site, from.given = from.file.Site.Clone(), true
	}
	before := fmt.Sprint(site.Problems(from.file.Site))
	for _, pair := range a.Set {
		key, value, found := strings.Cut(pair, "=")
		if !found {
			return usage("write --set "+key+"=VALUE", "--set %q has no =", pair)
		}
		var err error
		if a.Save {
			err = from.file.Set(key, value)
		} else {
			err = site.Set(from.site, key, value)
		}
		if err != nil {
			return usage("'postern fields' lists every key", "--set: %w", err)
		}
	}
	if from.site.Fit(); !a.Save {
		return nil
	}
	for _, problem := range site.Problems(from.file.Site) {
		if text := fmt.Sprint(problem); !strings.Contains(before, text) { // what was missing before may be missing still
			return usage("nothing was saved", "%w", problem)
		}
	}
	if err := from.file.Save(); err != nil {
		return usage("nothing was changed", "%w", err)
	}
	from.made = false
	a.say.line(plain, "saved in %s", from.file.Path)
	return nil
}

// problems refuses answers that do not fit each other.
func problems(s *site.Site) error {
	found := site.Problems(s)
	if len(found) == 0 {
		return nil
	}
	return usage("nothing was changed; 'postern' asks for what is missing, --set KEY=VALUE answers one", "%w", errors.Join(found...))
}

// saved keeps the answers' new revision after a confirmed change. What --set gave for one run only stays out of a file
// that was there; where there was none, the hosts have these answers now, and they must not be lost.
func (f *answers) saved(s *site.Site) error {
	switch {
	case f.given && f.made:
		f.file.Site = s.Clone()
		f.say.line(plain, "the answers of this run are kept in %s", f.file.Path)
	case f.given:
		f.file.Site.Revision = s.Revision
	}
	f.made = false
	return f.file.Save()
}

// answered keeps an answer that a run gave itself, whatever --set gave for that run.
func (f *answers) answered(key, value string) error { return f.keep([2]string{key, value}) }

// keep writes answers that are there into the file, and into this run's.
func (f *answers) keep(notes ...[2]string) error {
	kept := false
	for _, n := range notes {
		if n[1] == "" {
			continue
		}
		if err := errors.Join(f.file.Set(n[0], n[1]), site.Set(f.site, n[0], n[1])); err != nil {
			return usage("", "%w", err)
		}
		kept = true
	}
	if !kept || f.made {
		return nil
	}
	if err := f.file.Save(); err != nil {
		return usage("nothing was noted", "%w", err)
	}
	return nil
}
