package checks

import (
	"context"
	"fmt"

	"postern/remote"
	"postern/seen"
	"postern/site"
)

// asks are the queries of a check for a host.
type asks = func(*site.Site, *site.Host) []remote.Query

// Join joins what several facts and files must be asked for.
func Join(all ...asks) asks {
	return func(s *site.Site, h *site.Host) []remote.Query {
		var queries []remote.Query
		for _, one := range all {
			queries = append(queries, one(s, h)...)
		}
		return queries
	}
}

// Files are asks for whole files.
func Files(paths ...string) asks {
	return func(*site.Site, *site.Host) []remote.Query {
		var queries []remote.Query
		for _, path := range paths {
			queries = append(queries, remote.ReadFile(path))
		}
		return queries
	}
}

// Ask asks a host for a fact apart from the look that all checks wait for.
func Ask[T any](ctx context.Context, s *site.Site, v *Vantage, f seen.Fact[T]) (T, error) {
	var none T
	if v.Run == nil {
		return none, fmt.Errorf("nothing can be run on %s", v.Name)
	}
	q := f.Query(s, s.Host(v.Name))
	a, err := v.Run(ctx, q)
	if err != nil {
		return none, err
	}
	return f.Of(remote.Facts{Answers: map[string]remote.Answer{q.ID: a}})
}

// UnitsOf are the units that run and that boot will start; a host without systemd cannot be told.
func UnitsOf(f remote.Facts) (seen.Units, error) {
	u, err := seen.UnitsOf.Of(f)
	if err == nil && u.Absent {
		err = fmt.Errorf("there is no systemd: what boot will do cannot be told")
	}
	return u, err
}

// Waiting says why what boot will do cannot be told yet.
const Waiting = "a change waits for its confirmation: what boot will do is settled only then"

// Linux is for the layout with a proxy and a mail host under Linux; another layout makes its check a skip.
func Linux(ask func(context.Context, *Env) []Result) func(context.Context, *Env) []Result {
	return func(ctx context.Context, e *Env) []Result {
		if e.Site.Layout == "toaster" {
			return []Result{Question{From: Here}.Skip("the layout is toaster: one host, no tunnel, and pf")}
		}
		return ask(ctx, e)
	}
}
