package run

import (
	"context"
	"fmt"

	"postern/remote"
	"postern/site"
)

// Adopt reads the answers that lie on a host which was set up before. They hold no secret. The text is validated: it can
// be saved as it is.
func Adopt(ctx context.Context, t remote.Target, connect func(context.Context, remote.Target) (Login, error)) (string, error) {
	s, err := connect(ctx, t)
	if err != nil {
		return "", err
	}
	defer s.Close()
	facts, err := s.Facts(ctx, []remote.Query{remote.ReadFile(remote.AnswersPath)})
	if err != nil {
		return "", err
	}
	file, known := facts.File(remote.AnswersPath)
	switch {
	case !known:
		return "", fmt.Errorf("%s: %s cannot be read", t.SSH, remote.AnswersPath)
	case file == nil:
		return "", fmt.Errorf("%s: no answers lie there: this host was not set up by postern, or it was undone", t.SSH)
	}
	if _, err := site.Parse(file.Text); err != nil {
		return "", fmt.Errorf("%s: the answers there: %w", t.SSH, err)
	}
	return file.Text, nil
}
