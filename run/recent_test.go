package run

import (
	"testing"
	"time"

	"postern/remote"
	"postern/seen"
	"postern/steps"
)

// TestRecentLook: what was told a moment ago is not asked again, but for the clock; what is old is, and what was not asked.
func TestRecentLook(t *testing.T) {
	at := time.Unix(1e9, 0)
	look := steps.Look{"proxy": {Host: "proxy", Answers: map[string]remote.Answer{"a": {Out: "1"}, "b": {Out: "2"}, seen.Clock.ID: {Out: "3"}}}}
	queries := func() []remote.Query {
		return []remote.Query{{ID: "a"}, {ID: "new"}, {ID: seen.Clock.ID}}
	}
	for _, c := range []struct {
		l    *recent
		host string
		now  time.Time
		asks int
	}{{nil, "proxy", at, 3}, {&recent{at, look}, "proxy", at.Add(moment), 2}, {&recent{at, look}, "proxy", at.Add(moment + 1), 3}, {&recent{at, look}, "mail", at, 3}} {
		l := c.l.still(c.now)
		ask := l.lacks(c.host, queries())
		facts := remote.Facts{Host: c.host, Answers: map[string]remote.Answer{}}
		for _, q := range ask {
			facts.Answers[q.ID] = remote.Answer{Out: "anew"}
		}
		l.tell(&facts, queries())
		if len(ask) != c.asks || len(facts.Answers) != 3 || facts.Answers[seen.Clock.ID].Out != "anew" || (facts.Answers["a"].Out == "1") != (c.asks == 2) {
			t.Errorf("%s at %v: asked %v, told %v", c.host, c.now, ask, facts.Answers)
		}
	}
	silent := remote.Facts{Host: "proxy"} // asked anew, because the look was too old, and it gave no answer
	if (&recent{at, look}).still(at.Add(moment+1)).tell(&silent, queries()); len(silent.Answers) > 0 {
		t.Errorf("of an old look was told %v", silent.Answers)
	}
}
