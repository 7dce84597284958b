package run

import (
	"testing"

	"postern/remote"
)

func TestHowTheLastChangeEnded(t *testing.T) {
	for answer, want := range map[string]string{
		"ended PERSISTED.20261121T061200abc\n":        "",
		"ended ROLLEDBACK.20261121T061200abc.failed":  "",
		"ended ROLLEDBACK.20261121T061200abc.expired": "it took its last change of 2026-11-21 06:12 UTC back by itself, because nobody confirmed it in time; all is as it was before",
		"ended ROLLEDBACK.x.boot":                     "it took its last change back by itself, because the host was started anew before it was confirmed; all is as it was before",
		"ended ROLLEDBACK.20261121T061200abc.\x1b[2J": "",
	} {
		ended := remote.ParseStatus(answer).Ended
		if got := endedWords(ended[0]); got != want {
			t.Errorf("%q: %q, not %q", answer, got, want)
		}
	}
}
