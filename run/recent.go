package run

import (
	"maps"
	"slices"
	"time"

	"postern/remote"
	"postern/seen"
	"postern/steps"
)

// recent is a look that was made a moment ago, and nothing was changed since: the checks that are asked next are told the same, for
// asking it all again is what a small host is longest at. nil knows nothing.
type recent struct {
	at   time.Time
	look steps.Look
}

// moment is how old it may be.
const moment = 10 * time.Second

// still is the look where it is not too old, else nil.
func (l *recent) still(now time.Time) *recent {
	if l == nil || now.Sub(l.at) > moment {
		return nil
	}
	return l
}

// lacks are the queries that it has no answer to; the clock is told for the moment at which it is asked.
func (l *recent) lacks(host string, queries []remote.Query) []remote.Query {
	if l == nil {
		return queries
	}
	return slices.DeleteFunc(queries, func(q remote.Query) bool {
		_, known := l.look[host].Answers[q.ID]
		return known && q.ID != seen.Clock.ID
	})
}

// tell adds the answers that were not asked for anew.
func (l *recent) tell(facts *remote.Facts, queries []remote.Query) {
	if l == nil {
		return
	}
	if facts.Answers = maps.Clone(facts.Answers); facts.Answers == nil {
		facts.Answers = map[string]remote.Answer{}
	}
	for _, q := range queries {
		had, known := l.look[facts.Host].Answers[q.ID]
		if _, anew := facts.Answers[q.ID]; known && !anew {
			facts.Answers[q.ID] = had
		}
	}
}
