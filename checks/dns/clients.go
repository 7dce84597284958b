package dns

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"postern/checks"
	"postern/remote"
	"postern/zone"
)

func init() {
	about(checks.Check{
		ID: "dns.clients", Title: "Mail programs find their settings", Guide: "dns, SRV Records; Autodiscovery Records",
		Page: checks.Page{
			Asks: "Are the records there by which mail programs find host and ports (RFC 6186, RFC 8314), those that say which services there are not, and for Mailcow the names it serves settings under?",
			OK:   "They are all there.",
			Warn: "Some are missing: people must type the settings themselves.",
			Fail: "Some are wrong: mail programs are sent to a host or port that is not ours.",
		},
	}, "the records by which mail programs find %D's settings", eachDomain(askClients))
	about(checks.Check{
		ID: "dns.servers", Title: "All name servers of the domain tell the same", Guide: "RFC 1034, 4.3.5",
		Page: checks.Page{
			Asks:  "Does every name server that a zone is delegated to answer for it, and do they all hold the same copy? Each is asked for itself, from the proxy: those that the zone names, and those that the zone above names. Resolvers that look at signatures must not refuse the zone.",
			OK:    "They all answer, and tell the same.",
			Warn:  "One of them does not answer: whoever asks it first must wait. Or the zone above, where the registrar writes, names others than the zone itself does.",
			Fail:  "One lags behind or does not know the zone, or its signatures are broken: part of the world does not find the records.",
			Mends: "At who runs the name servers. A server that lags takes the new copy within the SOA record's refresh time; look again then.",
		},
	}, "servers that all answer, and the same", askServers)
}

func askClients(_ context.Context, e *checks.Env, s sight, q checks.Question, d string) checks.Result {
	var wrong, missing, lines []string
	var held []checks.Record
	for _, r := range zone.Mail(e.Site, s.proxy, d) {
		if r.Type != "SRV" && r.Type != "CNAME" {
			continue
		}
		sp := s.spreadOf(asking(r.Name, r.Type), "")
		if why := sp.untold(); why != "" {
			return q.Unknown(r.Name+": "+why, "")
		}
		is, _ := sp.newest()
		here := r.Type == "CNAME" && s.leadsHere(r.Name)
		if here {
			is.values = []string{"A " + s.proxy.Public4.String()}
		}
		held = append(held, s.held(set{r.Name, r.Type, ""}, is.values, here)...)
		switch {
		case here || slices.Equal(is.values, []string{r.Form()}):
			continue
		case len(is.values) == 0:
			missing = append(missing, r.Name)
		default:
			wrong = append(wrong, r.Name+" is "+remote.Clean(strings.Join(is.values, ", ")).Line(120)+", not "+r.Form())
		}
		lines = append(lines, r.Name+" "+r.Type+"\n"+sp.lines())
	}
	result := q.OK("all there")
	switch {
	case len(wrong) > 0:
		result = q.Fail(checks.Few(wrong), "", strings.Join(lines, "\n"))
	case len(missing) > 0:
		result = q.Warn("missing: "+checks.Few(missing), "", strings.Join(lines, "\n"))
	}
	result.Records = held
	return result
}

// leadsHere says whether a name has the proxy's address itself, which is as good as an alias.
func (s sight) leadsHere(name string) bool {
	is, agree := s.spreadOf(asking(name, "A"), "").newest()
	return agree && is.alias == "" && slices.Equal(is.values, []string{s.proxy.Public4.String()})
}

func askServers(_ context.Context, e *checks.Env, s sight, q checks.Question) []checks.Result {
	q.Fix = "ask who runs the name servers: their copies of the zone must be the same"
	var results []checks.Result
	own := slices.DeleteFunc(slices.Clone(s.zones), func(z *zoneAt) bool {
		above := func(o *zoneAt) bool { return o != z && o.err != nil && dns.IsSubDomain(o.apex, z.apex) }
		return strings.HasSuffix(z.apex, ".arpa.") || z.err != nil && slices.ContainsFunc(s.zones, above) // the provider's, and what is told of another
	})
	for _, z := range own {
		one := q
		if len(own) > 1 {
			one.Suffix = "." + plain(z.apex)
		}
		results = append(results, s.judgeServers(one, z))
	}
	return results
}

func (s sight) judgeServers(q checks.Question, z *zoneAt) checks.Result {
	name := plain(z.apex)
	switch {
	case errors.Is(z.err, errUnregistered):
		return q.Fail(name+": "+remote.Words(z.err), "the domain was not registered yet, or let go", "")
	case z.err != nil:
		return q.Unknown(name+": "+remote.Words(z.err), "the resolver of "+s.proxy.Name+" cannot be asked, or packets to port 53 do not leave it")
	case z.bogus:
		return q.Fail(name+": resolvers that look at its signatures refuse to tell it", "its DNSSEC keys were changed, and the registrar still has the old DS record", "")
	}
	var mute, lame, lines []string
	for _, one := range z.servers {
		switch {
		case one.err == nil:
			continue
		case one.replies != nil && s.answered(one, z):
			lame = append(lame, plain(one.name)+": "+remote.Words(one.err))
		default:
			mute = append(mute, plain(one.name)+": "+remote.Words(one.err))
		}
	}
	lag := map[string]bool{}
	for _, q := range s.asked(z) {
		sp := s.spreadOf(q, "")
		for _, who := range sp.lagging() {
			lag[who] = true
			lines = append(lines, plain(q.name)+"\n"+sp.lines())
		}
	}
	var behind []string
	for who := range lag {
		behind = append(behind, who+" has an older copy of "+name)
	}
	slices.Sort(behind)
	evidence := strings.Join(append(append(lame, mute...), lines...), "\n")
	switch {
	case len(lame)+len(behind) > 0:
		return q.Fail(checks.Few(append(lame, behind...)), "it has not taken over the last change, or was taken off the zone", evidence)
	case len(mute) == len(z.servers):
		return q.Unknown("no server of "+name+" answers: "+checks.Few(mute), "packets to port 53 do not leave "+s.proxy.Name+", or they are all down")
	case len(mute) > 0:
		return q.Warn(checks.Few(mute), "it is down, or does not answer over TCP (RFC 7766)", evidence)
	}
	if odd := s.delegated(z); odd != "" {
		q.Fix = "make them the same: at the registrar, or in the zone"
		return q.Warn(odd, "the domain moved to other name servers, and one side was forgotten (RFC 1034, 4.2.2)", "")
	}
	var names []string
	for _, one := range z.servers {
		names = append(names, plain(one.name))
	}
	return q.OK("%s: %s", name, remote.Clean(strings.Join(names, ", ")).Line(300))
}

// answered says whether a server said anything at all, if not what was asked.
func (s sight) answered(one *server, z *zoneAt) bool {
	return one.replies[question{z.apex, dns.TypeSOA}].err == nil
}

// asked is what the servers of a zone were asked.
func (s sight) asked(z *zoneAt) []question {
	var list []question
	for q := range s.remembered {
		if s.zoneOf(q.name) == z {
			list = append(list, q)
		}
	}
	slices.SortFunc(list, compareQuestions)
	return list
}
