package steps

import (
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/provider"
	"postern/zone"
)

func init() {
	step := Step{
		ID: "dns", Chapter: 5, Title: "DNS",
		Why: "Records in the DNS tell the world that mail for your domain goes to the proxy, and let receivers see that mail from it is yours. " +
			"The address at home stands in none of them. You publish them where the domain is kept; this program writes them out, and asks every name server whether they are there.",
		Guide:  "dns, MX Records",
		Fields: func(*site.Site) []string { return []string{"domain", "hostname", "mail.selector", "dns.ask"} },
		Needs:  []string{"domain", "hostname"},
		Reads:  signingReads,
		people: true,
		Proof: []string{"dns.servers", "dns.host", "dns.reverse", "dns.mx", "dns.spf", "dns.dkim", "dns.dmarc", "dns.reports", "dns.clients",
			"dns.resolvers", "dns.caa", "dns.mtasts", "dns.tlsa", "dns.listed"},
	}
	step.Plan = forPeople(step, "you publish the records, and the checks tell which are there", func(w handwork) []Task {
		hoster, _ := provider.Find(w.proxy.Provider)
		reverse := "where the provider of %PROXY% shows the server's addresses"
		if hoster.Reverse.Path != "" {
			reverse = "at " + hoster.Name + ": " + hoster.Reverse.Path
		}
		back, hostWords := "%P4%  ->  %HOST%", hostText+"\n"+noSixText
		if all := zone.Addresses(w.s, w.proxy); len(all) > 1 {
			back, hostWords = back+"\n"+all[1].String()+"  ->  %HOST%", hostText
		}
		tasks := []Task{
			w.task("dns.host", "publish the address of %HOST%", hostWords, recordsText(zone.Host(w.s, w.proxy))).measuredBy("dns.host"),
			w.task("dns.reverse", "set the reverse name of %P4% to %HOST%", "Set it "+reverse+".\n"+hoster.ReverseText()+reverseText, back).measuredBy("dns.reverse"),
		}
		for _, d := range w.domains {
			tasks = append(tasks, w.of(d).domainTasks()...)
		}
		for _, d := range w.domains {
			tasks = append(tasks, w.of(d).task("dns.strict."+d, "after some weeks of good reports: be strict about %D%", strictText,
				recordsText(zone.Strict(w.s, w.proxy, d))))
		}
		return tasks
	})
	register(step)
}

// domainTasks are the records of one domain, by what each of them is for: so each ticks itself.
func (w handwork) domainTasks() []Task {
	var tasks []Task
	by, words := "the proxy", spfText
	if m := w.s.Smarthost; m.Host != "" {
		if by, words = m.Host, smarthostText; len(m.SPF) == 0 {
			words = noMechanismText + "\n" + smarthostText
		}
	}
	for _, one := range []struct{ check, title, text string }{
		{"dns.spf", "say that mail from %D% leaves by " + by, words}, // a provider that is asked for the mail port looks for it
		{"dns.mx", "have mail for %D% go to the proxy", mxText},
		{"dns.dkim", "publish the DKIM key of %D%", ""},
		{"dns.dmarc", "say what becomes of mail that only claims to be from %D%", dmarcText},
		{"dns.reports", "have failures of TLS reported to you", reportsText},
		{"dns.clients", "let mail programs find their settings", clientsText},
	} {
		text, copy := one.text, recordsText(w.recordsFor(one.check))
		if one.check == "dns.dkim" {
			text, copy = w.keyTexts()
		}
		tasks = append(tasks, w.task(one.check+"."+w.domain, one.title, text, copy).measuredBy(one.check+zone.Suffix(w.s, w.domain)))
	}
	return tasks
}

// signingReads is what must be seen of a mail host: the keys that it signs with.
func signingReads(s *site.Site, h *site.Host) []remote.Query {
	if h.Role != site.Mail {
		return nil
	}
	return seen.Signing.Reads(s, h)
}

// keyTexts say which DKIM key is to be published: the record itself where the mail host's key was seen, and else how to make one.
func (w handwork) keyTexts() (text, copy string) {
	keys, _ := seen.Signing.Of(w.look[w.mail.Name])
	keys = slices.DeleteFunc(keys, func(k seen.SigningKey) bool { return k.Domain != w.domain })
	for _, k := range keys {
		if k.Public != "" && strings.EqualFold(k.Selector, w.s.Mail.Selector) {
			return dkimSeenText, recordsText([]zone.Record{zone.Key(w.s, w.domain, k.Kind, k.Public)})
		}
	}
	if len(keys) > 0 && !strings.EqualFold(keys[0].Selector, w.s.Mail.Selector) {
		return "The mail server on %MAIL% signs with the selector " + keys[0].Selector + ", not %SELECTOR%. Say so first:\n--set mail.selector=" + keys[0].Selector +
			" --save; then look again, and the record stands here.\n" + dkimText, dkimCopy
	}
	return dkimText, dkimCopy
}

// recordsFor are those of a domain that a check asks for.
func (w handwork) recordsFor(check string) []zone.Record {
	var list []zone.Record
	for _, r := range zone.Mail(w.s, w.proxy, w.domain) {
		of := "dns.clients"
		switch {
		case r.Type == "MX":
			of = "dns.mx"
		case r.Type == "TXT" && r.Name == w.domain:
			of = "dns.spf"
		case strings.HasPrefix(r.Name, "_dmarc."):
			of = "dns.dmarc"
		case strings.HasPrefix(r.Name, "_mta-sts."):
			of = "dns.mtasts" // the policy must be there first: the chapter Caddy's
		case r.Type == "TXT":
			of = "dns.reports"
		}
		if of == check {
			list = append(list, r)
		}
	}
	return list
}

// measuredBy is the task as a check tells when it is done.
func (t Task) measuredBy(check string) Task {
	t.Check = check
	return t
}

const hostText = `The name belongs to %PROXY% alone: never to the address at home.
A TXT record with v=spf1 a is for bounces, which the host itself sends.
These come first: reverse name, certificates and the letter about the mail port build on them.`

const noSixText = `No AAAA record for now: a name may have one only if every port of it answers over IPv6.`

const reverseText = `Receivers want it to be the name that the server greets with, and to lead back to the address.
Most providers take it only when the A record is there already. One name, not several.`

const mxText = `Take away other MX records: registrars park some there, and mail would go to them too.
What others remember of an old record lasts for its TTL; before you change one, lower it to 300.`

const spfText = `The SPF record names %PROXY% alone, because all mail leaves there.
There may be only one: put what else you need into it, and take away any second one.`

const smarthostText = `The SPF record names %SMARTHOST%, by which all mail leaves, and %PROXY% beside it.
There may be only one: put what else you need into it, and take away any second one.
Most such services have the domain confirmed first, and some sign with a key of theirs: see their pages.`

const noMechanismText = `What it needs for %SMARTHOST% is not in it yet, since only its pages tell. Answer it first:
--set smarthost.spf=include:NAME --save`

const dmarcText = `It starts with p=none, which only asks for reports, until the last task of this chapter.
They come as mail to dmarc@%D%: make that address.`

const reportsText = `Servers that cannot deliver to you with TLS then say so, by mail to tlsrpt@%D%.`

const clientsText = `Mail programs look for these, so that nobody must type host and ports.
A record with a single dot says that there is no such service.`

const dkimSeenText = `It is the key that the mail server on %MAIL% signs with; the private half of it stays there.
In a web form, paste the value as one string, without quotes and line breaks.
Where the server gets a new key, publish that under a new selector first, and take this one away some days later.`

const dkimText = `The key is where the mail server keeps it; Mailcow shows it with the domain %D% (DKIM).
In a web form, paste the value as one string, without quotes and line breaks.
In a zone file one string holds 255 bytes at most: the command cuts it, and adds no space.
The letters t=s in it are right: they mean that names below the domain do not count.
Where your server signs with another selector, say so first: --set mail.selector=NAME --save.`

const dkimCopy = `
; %SELECTOR%._domainkey.%D%  TXT  what the mail server shows, beginning with v=DKIM1
# as a zone line: put the value in place of VALUE
printf '%SELECTOR%._domainkey.%D%. 300 IN TXT ( %s )\n' \
  "$(printf %s 'VALUE' | fold -w 250 | sed 's/.*/"&"/' | paste -sd ' ' -)"`

const strictText = `The reports to dmarc@%D% show who sends in its name: all of yours must pass first.
Then put these in place of the records of the same name, and raise the TTLs of all of them.`

// recordsText is records in two forms: to type into a web form, and zone lines to paste. The first is a comment of the second.
func recordsText(list []zone.Record) string {
	return zone.Table(list, "; ") + "; the same as zone lines\n" + zone.Lines(list)
}
