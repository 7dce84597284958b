// Package web asks the web server of a site, from outside and by every one of its names, whether it answers as browsers, mail programs and
// other mail servers need it. It talks HTTP, and does not know who set the server up.
package web

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"postern/checks"
	"postern/site"
	"postern/zone"
)

// issuing is how long it may take until Caddy has certificates for new names.
const issuing = time.Minute

// about registers a check of this family, for a site with names.
func about(c checks.Check, ask func(context.Context, *checks.Env) []checks.Result) {
	c.Step = "caddy"
	c.Ask = checks.Linux(func(ctx context.Context, e *checks.Env) []checks.Result {
		if e.Site.Hostname == "" || e.Site.Domain == "" {
			return []checks.Result{checks.Question{From: checks.Here}.Skip("the site has no names yet (domain, hostname)")}
		}
		return ask(ctx, e)
	})
	checks.Register(c)
}

// mend is what puts the web server right: the chapter, or what it tells a person to paste.
func mend(s *site.Site) string {
	if s.Web.Kind == "existing" {
		return "see that your web server has what 'postern plan caddy' has to paste"
	}
	return "caddy"
}

// door is one name at one public address of a proxy.
type door struct {
	e     *checks.Env
	proxy *site.Host
	from  *checks.Vantage
	to    netip.AddrPort
	name  string
}

// doors asks the same of names at every public address that they lead to; want may have the name in it as %s.
func doors(e *checks.Env, q checks.Question, service string, names []string, ask func(checks.Question, door) checks.Result) []checks.Result {
	all := site.Services(e.Site)
	i := slices.IndexFunc(all, func(one site.Service) bool { return one.Name == service })
	var asks []func() checks.Result
	for _, p := range e.Site.HostsOf(site.Proxy) {
		addresses := zone.Addresses(e.Site, p)
		if len(addresses) == 0 {
			addresses = append(addresses, p.Public4)
		}
		for _, a := range addresses {
			for _, name := range names {
				one, d := q, door{e: e, proxy: p, to: netip.AddrPortFrom(a, uint16(all[i].Port)), name: name}
				one.From, one.Want, one.Fix = checks.Here, strings.ReplaceAll(q.Want, "%s", name), mend(e.Site)
				if len(names) > 1 || names[0] != e.Site.Hostname {
					one.Suffix += "." + name
				}
				if one.Suffix += checks.Named(e.Site, p); a.Is6() {
					one.Suffix += ".v6"
				}
				asks = append(asks, func() checks.Result { return d.ask(one, all[i], ask) })
			}
		}
	}
	return checks.Together(asks)
}

func (d door) ask(q checks.Question, s site.Service, ask func(checks.Question, door) checks.Result) checks.Result {
	from, why := d.e.Public(&q, d.proxy, s, d.to)
	if d.from = from; from == nil {
		return why
	}
	return ask(q, d)
}
