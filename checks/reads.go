package checks

import (
	"context"
	"fmt"

	"postern/remote"
	"postern/seen"
	"postern/site"
)

// Files that checks read whole; a file query's ID is its path.
const (
	fileUfwConf    = "/etc/ufw/ufw.conf"
	fileUfwDefault = "/etc/default/ufw"
	fileUfwUser    = "/etc/ufw/user.rules"
	fileUfwUser6   = "/etc/ufw/user6.rules"
)

func fileTunnel(s *site.Site) string { return "/etc/wireguard/" + s.Tunnel.Interface + ".conf" }

// asks are the queries of a check for a host.
type asks = func(*site.Site, *site.Host) []remote.Query

// reads joins what several facts and files must be asked for.
func reads(all ...asks) asks {
	return func(s *site.Site, h *site.Host) []remote.Query {
		var queries []remote.Query
		for _, one := range all {
			queries = append(queries, one(s, h)...)
		}
		return queries
	}
}

// files are asks for whole files.
func files(paths ...string) asks {
	return func(*site.Site, *site.Host) []remote.Query {
		var queries []remote.Query
		for _, path := range paths {
			queries = append(queries, remote.ReadFile(path))
		}
		return queries
	}
}

// askNow asks a host for a fact apart from the look that all checks wait for.
func askNow[T any](ctx context.Context, s *site.Site, v *Vantage, f seen.Fact[T]) (T, error) {
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

// rulesOf are the rules that run, of both families. An error says that it cannot be told what runs.
func rulesOf(f remote.Facts) (seen.Ruleset, error) {
	r, err := seen.Rules.Of(f)
	switch {
	case err != nil:
	case r.Absent:
		err = fmt.Errorf("there is no iptables on the host")
	case r.Four["filter"] == nil || r.Six["filter"] == nil:
		err = fmt.Errorf("iptables-save showed no filter table")
	}
	return r, err
}

// unitsOf are the units that run and that boot will start; a host without systemd cannot be told.
func unitsOf(f remote.Facts) (seen.Units, error) {
	u, err := seen.UnitsOf.Of(f)
	if err == nil && u.Absent {
		err = fmt.Errorf("there is no systemd: what boot will do cannot be told")
	}
	return u, err
}

const waiting = "a change waits for its confirmation: what boot will do is settled only then"
