package run

import (
	"context"
	"fmt"

	"postern/remote"
	"postern/site"
)

// Greeting says in a few words whether an SSH server answers where a host of the site is said to be. It logs in nowhere; a host
// that is reached through another is not asked, and the words are empty.
func Greeting(ctx context.Context, s *site.Site, name string, o remote.Options) (string, error) {
	h := s.Host(name)
	if h == nil {
		return "", fmt.Errorf("there is no host %q", name)
	}
	greeting, err := remote.Greeting(ctx, target(s, h), o)
	if err != nil || greeting.Line(60) == "" {
		return "", err
	}
	return "an SSH server answers there: " + greeting.Line(60), nil
}
