package run

import (
	"context"

	"postern/remote"
	"postern/site"
)

// Leads says in a few words where SSH goes to for a host of the site, or what is wrong with that; the host itself is not asked. One
// that is reached through another is looked up there, and the words are empty.
func Leads(ctx context.Context, s *site.Site, name string, o remote.Options) (string, error) {
	h := s.Host(name)
	if h == nil {
		return "", nil
	}
	to, err := remote.Leads(ctx, target(s, h), o)
	if err != nil || to.Line(80) == "" {
		return "", err
	}
	return "leads to " + to.Line(80), nil
}
