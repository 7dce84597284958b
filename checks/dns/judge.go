package dns

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/zone"
)

// publish mends what the DNS lacks: no plan of ours does.
const publish = "publish it where the domain's records are kept: 'postern plan dns' writes it out, to copy"

// about registers a check of this family. ask judges one thing; where nothing can be asked, the family says why.
func about(c checks.Check, want string, ask func(context.Context, *checks.Env, sight, checks.Question) []checks.Result) {
	c.Step, c.Beyond, c.Reads, c.Rests = "dns", true, checks.Files(resolvers), []string{"host.ssh"}
	c.Page.Unknown = "Neither its servers nor the resolver of the proxy could be asked, or too little is answered to know what should be there."
	if c.Page.Mends == "" {
		c.Page.Mends = "'postern plan dns' writes each record out, to copy. Lower its TTL to 300 before you change one; then wait as long as the old TTL was."
	}
	c.Ask = func(ctx context.Context, e *checks.Env) []checks.Result {
		q := checks.Question{From: checks.Here, Want: want, Fix: publish, Likely: "it was not published yet, or with a slip"}
		if len(zone.Domains(e.Site)) == 0 || e.Site.Hostname == "" {
			return []checks.Result{q.Skip("no mail domain or no host name is answered yet")}
		}
		s := see(ctx, e)
		if s.proxy != nil {
			q.From = s.proxy.Name
		}
		if s.err != nil {
			return []checks.Result{q.Cannot(s.err)}
		}
		return ask(ctx, e, s, q)
	}
	checks.Register(c)
}

// eachDomain judges the same of every mail domain.
func eachDomain(ask func(context.Context, *checks.Env, sight, checks.Question, string) checks.Result) func(context.Context, *checks.Env, sight, checks.Question) []checks.Result {
	return func(ctx context.Context, e *checks.Env, s sight, q checks.Question) []checks.Result {
		var asks []func() checks.Result
		for _, d := range zone.Domains(e.Site) {
			one := q
			one.Suffix, one.Want = zone.Suffix(e.Site, d), strings.ReplaceAll(q.Want, "%D", d)
			asks = append(asks, func() checks.Result { return ask(ctx, e, s, one, d) })
		}
		return checks.Together(asks)
	}
}

// set is records of one name and type, of texts only those that begin with mark.
type set struct{ name, kind, mark string }

// judge compares what the servers tell with what is right: what is wrong fails, what is odd warns, and neither is ok. An alias is
// wrong for all that mail depends on (RFC 2181, 10.3) but a reverse name, where it is followed.
func (s sight) judge(q checks.Question, of set, right func(told []string) (wrong, odd string)) checks.Result {
	sp := s.spreadOf(asking(of.name, of.kind), of.mark)
	if why := sp.untold(); why != "" {
		return q.Unknown(of.name+": "+why, "it is not delegated, its servers are down, or packets to port 53 do not leave "+s.proxy.Name)
	}
	is, agree := sp.newest()
	if is.alias != "" && of.kind == "PTR" {
		is.values = sp.has
	} else if is.alias != "" {
		r := q.Fail(of.name+" is an alias of "+plain(is.alias)+": mail must not depend on one", "a CNAME was made where "+of.kind+" belongs (RFC 2181, 10.3)", sp.lines())
		r.Records = s.held(of, []string{"an alias of " + plain(is.alias)}, false)
		return r
	}
	if !agree {
		return q.Fail("the servers of "+plain(sp.zone.apex)+" tell different things under one serial number", "it was changed at one of them only", sp.lines())
	}
	r := q.OK("%s", sp.tells(is.values))
	switch wrong, odd := right(is.values); {
	case wrong != "":
		r = q.Fail(wrong, "", sp.lines())
	case odd != "":
		r = q.Warn(odd, "", sp.lines())
	}
	r.Records = s.held(of, is.values, r.Outcome == checks.OK)
	return r
}

// held says of each record that is wanted in a set what is there now; well says that what is told does as well.
func (s sight) held(of set, told []string, well bool) []checks.Record {
	var list []checks.Record
	for _, r := range s.records {
		if asking(r.Name, r.Type) != asking(of.name, of.kind) || !strings.HasPrefix(strings.ToLower(r.Value), of.mark) && r.Value != "" {
			continue
		}
		others := slices.DeleteFunc(slices.Clone(told), func(is string) bool { return is == r.Form() })
		now := "other: " + strings.Join(others, ", ")
		switch {
		case len(told) == 0:
			now = "missing"
		case len(others) == 0:
			now = "ok"
		case well:
			now = "ok: " + strings.Join(others, ", ")
		case len(others) < len(told):
			now = "also: " + strings.Join(others, ", ")
		}
		list = append(list, checks.Record{Name: r.Name, Type: r.Type, Value: r.Form(), Now: remote.Clean(now)})
	}
	return list
}

// untold says why nothing is known of a set of records; "" when something is.
func (sp spread) untold() string {
	switch {
	case sp.zone == nil:
		return "its zone was not found"
	case sp.zone.err != nil:
		return remote.Words(sp.zone.err)
	case len(sp.by) == 0:
		return fmt.Sprintf("none of the servers of %s tells it (%d)", plain(sp.zone.apex), len(sp.zone.servers))
	}
	return ""
}

// tells is what was told in a line, and how long others may remember something else.
func (sp spread) tells(is []string) string {
	saw := strings.Join(is, ", ")
	if saw == "" {
		saw = "none, as it should be"
	}
	if list := sp.lagging(); len(list) > 0 {
		saw += "; not by " + strings.Join(list, ", ") + ", see dns.servers"
	}
	if !slices.Equal(sp.has, is) && sp.later > 0 {
		saw += fmt.Sprintf("; who asked before may see something older for %d s", sp.later)
	}
	return remote.Clean(saw).Line(300)
}

// exactly wants those values and no other.
func exactly(kind string, want ...string) func([]string) (string, string) {
	return func(told []string) (string, string) {
		var wrong []string
		for _, w := range want {
			if !slices.Contains(told, w) {
				wrong = append(wrong, "there is no "+kind+" "+w)
			}
		}
		for _, is := range told {
			if !slices.Contains(want, is) {
				wrong = append(wrong, kind+" "+remote.Clean(is).Line(120)+" is not of this site")
			}
		}
		return strings.Join(wrong, "; "), ""
	}
}

// doubled says that a text stands at a name with the zone's added once more, as web forms do to who enters the whole name.
func (s sight) doubled(domain string, of set) string {
	sp := s.spreadOf(asking(of.name+"."+domain, of.kind), of.mark)
	if is, _ := sp.newest(); sp.untold() == "" && len(is.values) > 0 {
		return fmt.Sprintf("it stands at %s.%s: the form adds %s by itself, so enter only %s", of.name, domain, domain, strings.TrimSuffix(of.name, "."+domain))
	}
	return ""
}
