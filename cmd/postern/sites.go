package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"postern/remote"
	"postern/site"
	"postern/wizard"
)

// sites are the ways to the answers of more than one site, for the wizard. The demo has one site only.
func (a *app) sites() wizard.Sites {
	if a.sim != nil {
		return wizard.Sites{}
	}
	return wizard.Sites{
		List: a.knownSites,
		Open: site.Load,
		New: func(name string) (*site.File, error) {
			path, err := site.Place(a.world.config, name)
			if err != nil {
				return nil, err
			}
			return site.NewFile(path, site.Default()), nil
		},
		Adopt:  a.adoptSite,
		Rename: site.Rename,
		Forget: os.Remove,
	}
}

// knownSites is the list of sites with what each says of itself.
func (a *app) knownSites() ([]wizard.Known, error) {
	here, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("looking for the answers: %w", err)
	}
	paths, err := site.Known(a.world.config, here)
	var list []wizard.Known
	for _, path := range paths {
		one := wizard.Known{Name: strings.TrimSuffix(filepath.Base(path), ".toml"), Path: path}
		if f, err := site.Load(path); err != nil {
			one.Says = remote.Words(err)
		} else {
			one.Says = cmp.Or(f.Site.Hostname, f.Site.Domain, "no name yet")
		}
		list = append(list, one)
	}
	return list, err
}

// adoptSite takes the answers that lie on a host into a new file, named after the mail host when no name is given.
func (a *app) adoptSite(ctx context.Context, destination, name string, ask wizard.Asker) (*site.File, error) {
	if err := destinationOf(destination); err != nil {
		return nil, err
	}
	theirs, err := a.answersOn(ctx, destination, ask)
	if err != nil {
		return nil, err
	}
	path, err := site.Place(a.world.config, cmp.Or(name, theirs.Hostname, theirs.Domain, "adopted"))
	if err != nil {
		return nil, err
	}
	f := site.NewFile(path, theirs)
	return f, f.Save()
}
