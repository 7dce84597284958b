package run

import (
	"context"
	"fmt"

	"postern/remote"
	"postern/site"
)

// Knock tells in a few words whether something answers where a host of the site is reached. Nothing is sent to it.
func Knock(ctx context.Context, s *site.Site, name string, o remote.Options) (string, error) {
	h := s.Host(name)
	if h == nil {
		return "", fmt.Errorf("there is no host %q", name)
	}
	return remote.Knock(ctx, target(s, h), o)
}
