package checks

import (
	"fmt"
	"strings"

	"postern/remote"
	"postern/site"
)

// question is what a check says about one thing whatever the answer: where it asks, what is wanted and what mends it.
type question struct {
	suffix string // of the ID, with its leading dot; "" for a check that asks one thing
	from   string
	want   string
	fix    string
	likely string // why it usually fails, when the answer does not tell more
}

func (q question) result(o Outcome, saw, likely, evidence string) Result {
	r := Result{ID: q.suffix, From: q.from, Outcome: o, Saw: remote.Clean(saw), Want: q.want, Evidence: remote.Clean(evidence)}
	if o != OK && o != Skip {
		if likely == "" {
			likely = q.likely
		}
		r.Likely, r.Fix = likely, q.fix
	}
	return r
}

func (q question) ok(format string, args ...any) Result {
	return q.result(OK, fmt.Sprintf(format, args...), "", "")
}

func (q question) skip(format string, args ...any) Result {
	return q.result(Skip, fmt.Sprintf(format, args...), "", "")
}

func (q question) fail(saw, likely, evidence string) Result {
	return q.result(Fail, saw, likely, evidence)
}

func (q question) warn(saw, likely, evidence string) Result {
	return q.result(Warn, saw, likely, evidence)
}

// unknown says why it could not be asked. A fix that is a step would promise too much: nothing was found broken.
func (q question) unknown(why, likely string) Result {
	if likely == "" {
		likely = "not told: nothing was measured"
	}
	q.fix = "make it possible to ask, then check again"
	return q.result(Unknown, why, likely, "")
}

// cannot is the unknown result for a host that could not be looked at.
func (q question) cannot(err error) Result {
	return q.unknown(err.Error(), "the host cannot be reached, or this look was refused there")
}

func blank(s, otherwise string) string {
	if strings.TrimSpace(s) == "" {
		return otherwise
	}
	return s
}

// eachHost asks the same of every host of the roles, one result each; a host that could not be looked at is unknown.
func eachHost(e *Env, q question, ask func(question, *site.Host, *Vantage) Result, roles ...site.Role) []Result {
	var asks []func() Result
	for _, h := range e.Site.Hosts {
		for _, r := range roles {
			if h.Role != r {
				continue
			}
			one := q
			one.from = h.Name
			asks = append(asks, func() Result {
				v, err := e.look(h)
				if err != nil {
					return one.cannot(err)
				}
				return ask(one, h, v)
			})
		}
	}
	return together(asks)
}

// look is a host's vantage when it was looked at.
func (e *Env) look(h *site.Host) (*Vantage, error) {
	v := e.Hosts[h.Name]
	switch {
	case v == nil:
		return nil, fmt.Errorf("%s was not looked at", h.Name)
	case v.Err != nil:
		return nil, fmt.Errorf("%s could not be looked at: %s", h.Name, remote.Clean(v.Err.Error()).Line(200))
	}
	return v, nil
}

// few is a list in one line: its first entries, and how many more there are.
func few(list []string) string {
	const shown = 3
	if len(list) <= shown {
		return strings.Join(list, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(list[:shown], "; "), len(list)-shown)
}
