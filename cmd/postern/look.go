package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"postern/remote"
	"postern/report"
	"postern/run"
	"postern/saved"
	"postern/site"
	"postern/steps"
)

// lookCmd writes out what a host answers.
type lookCmd struct {
	Host string `arg:"" name:"role" offers:"hosts" help:"proxy or mail, or a host's name in the answers."`
}

// Help is the end of the command's help: what the file is good for.
func (*lookCmd) Help() string {
	return "postern look proxy >proxy.look writes down what every chapter wants to know of the proxy, and changes nothing there. " +
		"'postern plan --facts proxy.look --facts mail.look' plans from such files, without a host, here or elsewhere. " +
		"What looks like a secret is not in the file; names and addresses are: read it before you send it to somebody."
}

// Run prints the look to standard output, and nothing else. It refuses no system.
func (c *lookCmd) Run(ctx context.Context, a *app) error {
	if a.JSON {
		return usage("leave --json out", "a look has one form, which people can read")
	}
	a.say.people = a.world.stderr
	from, err := a.answers(true)
	if err != nil {
		return err
	}
	h, err := hostOf(from.site, c.Host)
	if err != nil {
		return err
	}
	r, err := a.begin("look "+h.Name, from)
	if err != nil {
		return err
	}
	defer a.finish(r)
	look, err := r.Save(ctx, h, version)
	if err != nil {
		return unasked(err)
	}
	key := make([]byte, 32)
	rand.Read(key)
	text, hidden, err := look.Text(key)
	if err != nil {
		return err
	}
	if err := a.say.raw([]byte(text)); err != nil {
		return err
	}
	a.say.prose(plain, "%s: %s, %s hidden. Names and addresses of the host are in it: read it before you send it.",
		look.Called(), report.Plural(look.Len(), "answer"), report.Plural(hidden, "secret"))
	return nil
}

// hostOf is the host of that name, or the only one of that role.
func hostOf(s *site.Site, name string) (*site.Host, error) {
	if h := s.Host(name); h != nil {
		return h, nil
	}
	var names []string
	for _, h := range s.Hosts {
		names = append(names, h.Name)
	}
	switch list := s.HostsOf(site.Role(name)); len(list) {
	case 1:
		return list[0], nil
	case 0:
		return nil, usage(meant(name, names), "%q is neither a host nor a role of one (%s)", name, strings.Join(names, ", "))
	}
	return nil, usage("", "%q is the role of several hosts: give the name of one (%s)", name, strings.Join(names, ", "))
}

// facts are the saved looks of those files, one for each host of the answers at most.
func facts(s *site.Site, paths []string) (looks []*saved.Look, err error) {
	for _, path := range paths {
		look, err := readLook(path)
		if err != nil {
			return nil, usage("'postern look ROLE >FILE' takes a look", "--facts: %s: %w", path, err)
		}
		h := s.Host(look.Host)
		switch {
		case h == nil:
			return nil, usage("the answers are those of --site and --set", "--facts: %s is a look at %q, and the answers have no such host", path, look.Host)
		case h.Role != look.Role:
			return nil, usage("", "--facts: %s is a look at %s as %s, and in the answers that is %s", path, look.Host, look.Role, h.Role)
		case slices.ContainsFunc(looks, func(other *saved.Look) bool { return other.Host == look.Host }):
			return nil, usage("", "--facts: %s is a second look at %s", path, look.Host)
		}
		looks = append(looks, look)
	}
	for _, h := range s.Hosts {
		if !slices.ContainsFunc(looks, func(l *saved.Look) bool { return l.Host == h.Name }) {
			return nil, usage(fmt.Sprintf("'postern look %s >FILE' takes one, --facts FILE gives it", h.Name), "--facts: there is no look at %s", h.Name)
		}
	}
	return looks, nil
}

// readLook reads a saved look, as far as one may be long.
func readLook(path string) (*saved.Look, error) {
	f, err := os.Open(path)
	if err != nil {
		var name *os.PathError
		if errors.As(err, &name) {
			err = name.Err
		}
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, saved.MaxFile+1))
	if err != nil {
		return nil, err
	}
	return saved.Parse(string(text))
}

// fromSaved has a run plan from saved looks in place of hosts: nothing is connected to. It says so, in one line.
func (a *app) fromSaved(r *run.Runner, looks []*saved.Look) string {
	var of []string
	for _, l := range looks {
		of = append(of, l.Called())
	}
	emit := r.Emit
	r.Connect, r.Diary, r.Reach = run.Saved(looks...), run.Diary{}, nil
	r.Emit = func(e steps.Event) {
		if e.Kind != "connect" && e.Kind != "look" { // nobody logged in, or looked
			emit(e)
		}
	}
	told := "Planned from what was saved of a look at " + strings.Join(of, ", and at ") + "; nothing was connected to."
	a.say.prose(bold, "%s", told)
	return told
}

// unsent refuses a script that would write to a host what stands for a secret in a look.
func unsent(p *run.Proposal) error {
	for _, part := range append(p.Parts(true), p.Parts(false)...) {
		for _, c := range part.Changes {
			if c.New != nil && saved.Hides(c.New.Text) {
				return usage("'postern plan --script' without --facts makes a script that keeps it", "a secret that stands in %s on %s is hidden in the look, and a script would write over it",
					remote.Clean(c.Path).Line(120), part.Host)
			}
		}
	}
	return nil
}
