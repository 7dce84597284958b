package dns

import (
	"context"
	"fmt"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/zone"
)

func init() {
	about(checks.Check{
		ID: "dns.mx", Title: "Mail for the domain goes to the proxy", Guide: "dns, MX Records",
		Page: checks.Page{
			Asks: "Do all servers of the domain name the mail host as its only mail exchanger? An alias as its target is told, too (RFC 5321, 5.1).",
			OK:   "Mail for the domain goes to the proxy, and to nobody else.",
			Fail: "There is no MX record, or another one beside ours, such as the registrar's: part of the mail, or all of it, goes elsewhere.",
		},
	}, "the mail host as the only mail exchanger of %D", eachDomain(askMX))
	about(checks.Check{
		ID: "dns.spf", Title: "Mail from the proxy passes SPF, and a stranger's does not", Guide: "dns, SPF Records",
		Page: checks.Page{
			Asks: "What does the SPF record of the domain come to for the address that mail leaves from, and for a stranger's? It is followed to its end as a receiver does (RFC 7208), not only read.",
			OK:   "Our mail passes, and a stranger's does not.",
			Warn: "It works, and should not stay so; or it could not be followed to its end.",
			Fail: "There is none, or more than one, or receivers cannot read it, or it leaves us out, or lets everybody in.",
		},
	}, "one SPF record that lets %D's mail out by the proxy alone", eachDomain(askSPF))
	about(checks.Check{
		ID: "dns.dmarc", Title: "The domain says what is to become of mail that only claims to be its", Guide: "dns, DMARC Records",
		Page: checks.Page{
			Asks: "Is there one DMARC record, is all of it well formed (RFC 9989), and may its reports be sent where it says?",
			OK:   "The record is there and well formed.",
			Warn: "It works, and something in it does nothing, or nobody gets the reports.",
			Fail: "There is none, or more than one, or receivers cannot read it.",
		},
	}, "one DMARC record for %D, well formed", eachDomain(askDMARC))
	about(checks.Check{
		ID: "dns.reports", Title: "Who cannot deliver with TLS says so", Guide: "RFC 8460, 3",
		Page: checks.Page{
			Asks: "Is there a record that tells servers of others where to report failures of TLS to?",
			OK:   "It is there.",
			Warn: "It is not: failures of TLS would go unheard.",
			Fail: "There are several, which counts as none.",
		},
	}, "one TLS-RPT record for %D", eachDomain(askReports))
}

func askMX(ctx context.Context, e *checks.Env, s sight, q checks.Question, d string) checks.Result {
	return s.judge(q, set{d, "MX", ""}, func(told []string) (string, string) {
		var wrong []string
		ours := false
		for _, mx := range told {
			pref, to, _ := strings.Cut(mx, " ")
			switch clean := remote.Clean(to).Line(120); {
			case to == e.Site.Hostname:
				ours = true
			case to == ".":
				wrong = append(wrong, fmt.Sprintf("MX %s . says that %s gets no mail at all (RFC 7505)", pref, d))
			default:
				what := "MX " + pref + " " + clean + " is not of this site: mail goes there, too"
				if is := s.aliased(ctx, to); is != "" {
					what = "MX " + pref + " " + clean + " is an alias of " + is + ": name that itself (RFC 2181, 10.3)"
				}
				wrong = append(wrong, what)
			}
		}
		if !ours {
			wrong = append([]string{"there is no MX " + e.Site.Hostname}, wrong...)
		}
		return strings.Join(wrong, "; "), ""
	})
}

// aliased is what a name of others stands for, as the resolver knows it.
func (s sight) aliased(ctx context.Context, name string) string {
	asked := asking(name, "CNAME")
	r := party{from: s.from.Dial, at: s.resolver, recurse: true}.ask(ctx, []question{asked})[asked]
	if to := aliasOf(r.answer, asked.name); to != "" {
		return remote.Clean(plain(to)).Line(120)
	}
	return ""
}

func askSPF(ctx context.Context, e *checks.Env, s sight, q checks.Question, d string) checks.Result {
	senders := zone.Senders(e.Site, s.proxy)
	if len(senders) == 0 {
		return q.Unknown(s.proxy.Name+"'s public address is not known", "it is behind a NAT, and nobody said")
	}
	return s.judge(q, set{d, "TXT", spfMark}, func(told []string) (wrong, odd string) {
		if wrong, odd = judgeSPF(ctx, s.lookups(), d, told, senders); wrong == "" && e.Site.Smarthost.Host != "" {
			return bySmarthost(e.Site.Smarthost, told[0])
		}
		return wrong, odd
	})
}

func askDMARC(ctx context.Context, _ *checks.Env, s sight, q checks.Question, d string) checks.Result {
	of := set{"_dmarc." + d, "TXT", "v=dmarc1"}
	return s.judge(q, of, func(told []string) (wrong, odd string) {
		wrong, odd = judgeDMARC(told)
		if len(told) == 0 {
			if above := s.inherited(ctx, d); above != "" {
				wrong, odd = "", "it has none of its own: receivers take that of "+above
			}
			if twice := s.doubled(d, of); twice != "" {
				wrong = twice
			}
		}
		if wrong == "" && odd == "" {
			odd = s.unheard(ctx, d, told[0])
		}
		return wrong, odd
	})
}

func askReports(_ context.Context, _ *checks.Env, s sight, q checks.Question, d string) checks.Result {
	return s.judge(q, set{"_smtp._tls." + d, "TXT", "v=tlsrptv1"}, func(told []string) (wrong, odd string) {
		switch {
		case len(told) == 0:
			return "", "there is no TLS-RPT record"
		case len(told) > 1:
			return fmt.Sprintf("there are %d TLS-RPT records, which counts as none", len(told)), ""
		case !strings.Contains(told[0], "rua=mailto:") && !strings.Contains(told[0], "rua=https:"):
			return "", "its rua leads nowhere: " + remote.Clean(told[0]).Line(120)
		}
		return "", ""
	})
}
