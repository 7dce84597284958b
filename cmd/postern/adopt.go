package main

import (
	"context"
	"errors"
	"fmt"

	"postern/remote"
	"postern/run"
	"postern/site"
	"postern/wizard"
)

// adoptCmd takes the answers from a host.
type adoptCmd struct {
	From string `arg:"" name:"user@host" help:"Where a host is reached: USER@HOST, USER@HOST:PORT, or an alias of your ssh_config."`
}

type adoptJSON struct {
	Schema   int      `json:"schema"`
	Site     string   `json:"site"`
	Revision int      `json:"revision"`
	Changed  []string `json:"changed"` // keys
}

// Run reads the answers that lie on a host and keeps them here. The host is not changed.
func (c *adoptCmd) Run(ctx context.Context, a *app) error {
	if err := destinationOf(c.From); err != nil {
		return usage("", "adopt: %w", err)
	}
	from, err := a.open(true)
	if err != nil {
		return err
	}
	if err := a.openLog("adopt " + c.From); err != nil {
		return err
	}
	theirs, err := a.answersOn(ctx, c.From, a.ask.answer)
	if err != nil {
		return unasked(err)
	}
	return a.take(ctx, from, theirs)
}

// answersOn are the answers that lie on a host.
func (a *app) answersOn(ctx context.Context, destination string, ask wizard.Asker) (*site.Site, error) {
	text, err := run.Adopt(ctx, remote.Target{Name: destination, SSH: destination}, a.connect(ask))
	if err != nil {
		return nil, err
	}
	theirs, err := site.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", destination, err)
	}
	return theirs, nil
}

// destinationOf says what is wrong with a text that names where SSH goes to.
func destinationOf(text string) error {
	f, err := site.FieldOf(site.Default(), "host.proxy.ssh")
	if err != nil {
		return err
	}
	if err := f.Set(site.Default(), text); err != nil {
		return errors.Unwrap(err)
	}
	return nil
}

// take replaces our answers by theirs, after showing the difference when there is one.
func (a *app) take(ctx context.Context, from *answers, theirs *site.Site) error {
	for _, h := range theirs.Hosts {
		if mine := from.site.Host(h.Name); mine != nil {
			h.Local = mine.Local
		}
	}
	out := adoptJSON{Schema: schema, Site: from.file.Path, Revision: theirs.Revision, Changed: []string{}}
	for _, d := range site.Diff(from.site, theirs) {
		out.Changed = append(out.Changed, d.Key)
		if !from.made {
			a.say.line(plain, "  %s: here %q, on the host %q", d.Key, d.Mine, d.Theirs)
		}
	}
	if !from.made && len(out.Changed) > 0 {
		question := fmt.Sprintf("Take revision %d of the host over into %s (revision %d)?", theirs.Revision, from.file.Path, from.site.Revision)
		if err := a.sure(ctx, question); err != nil {
			return err
		}
	}
	*from.file.Site = *theirs
	if err := from.file.Save(); err != nil {
		return err
	}
	if a.JSON {
		a.final(out)
	}
	a.say.line(plain, "revision %d of the answers is in %s; 'postern check' proves that it is what runs", theirs.Revision, from.file.Path)
	return nil
}

// sure asks before something of the operator's is replaced. No is an error.
func (a *app) sure(ctx context.Context, question string) error {
	if a.Yes {
		return nil
	}
	agreed, err := a.ask.agree(ctx, question)
	switch {
	case errors.Is(err, remote.ErrNoAnswer):
		return usage("agree beforehand with --yes", "nothing was replaced: %w", err)
	case err != nil:
		return err
	case !agreed:
		a.say.line(plain, "Nothing was replaced.")
		return silent(exitFailed)
	}
	return nil
}
