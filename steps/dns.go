package steps

import (
	"fmt"
	"slices"
	"strings"

	"postern/site"
	"postern/steps/provider"
)

func init() {
	byHand(Step{
		ID: "dns", Chapter: 5, Title: "DNS",
		Why: "Records in the DNS tell the world that mail for your domain goes to the proxy, and let receivers see that mail from it is yours. " +
			"The address at home stands in none of them.",
		Guide:  "dns, MX Records",
		Fields: func(*site.Site) []string { return []string{"domain", "hostname"} },
		Needs:  []string{"domain", "hostname"},
	}, func(w handwork) []Task {
		hoster, _ := provider.Find(w.proxy.Provider)
		reverse := "where the provider of %PROXY% shows the server's addresses"
		if hoster.Reverse != "" {
			reverse = "at " + hoster.Name + ": " + hoster.Reverse
		}
		tasks := []Task{
			w.task("dns.host", "publish the address of %HOST%", hostText, recordsText(w.hostRecords())),
			w.task("dns.reverse", "set the reverse name of %P4% to %HOST%", "Set it "+reverse+".\n"+reverseText, "%P4%  ->  %HOST%"),
		}
		look := lookCopy
		for _, d := range w.domains {
			w, text := w.of(d), domainText
			if !w.haraka() {
				text = strings.Replace(text, spfText, spfElsewhereText, 1)
			}
			tasks = append(tasks,
				w.task("dns.records."+d, "publish the mail records of %D%", text, recordsText(w.domainRecords(d))),
				w.task("dns.dkim."+d, "publish the DKIM key of %D%", dkimText, dkimCopy),
			)
			look += w.fill(lookDomainCopy) + "\n"
		}
		tasks = append(tasks, w.task("dns.look", "ask the name servers whether all of it is there", lookText, look))
		for _, d := range w.domains {
			tasks = append(tasks, w.of(d).task("dns.strict."+d, "after some weeks of good reports: be strict about %D%", strictText,
				recordsText(w.strictRecords(d))))
		}
		return tasks
	})
}

const hostText = `The name belongs to %PROXY% alone: never to the address at home.
A TXT record with v=spf1 a is for bounces, which the host itself sends.
No AAAA record for now: a name may have one only if every port of it answers over IPv6.
These come first: reverse name, certificates and the letter about the mail port build on them.`

const reverseText = `Receivers want it to be the name that the server greets with, and to lead back to the address.
Most providers take it only when the A record is there already. One name, not several.
If the server has an IPv6 address too, leave its reverse name alone: mail leaves over IPv4.`

const spfText = "The SPF record names %PROXY% alone, because all mail leaves there."

const spfElsewhereText = "The SPF record must name what your relay host sends from: its provider tells you the include."

const domainText = `Take away other MX records (registrars park some there), and any second SPF record.
` + spfText + `
DMARC starts with p=none: it only reports, until the last task of this chapter.
The SRV record with a single dot says that there is no such service.
What others remember of an old record lasts for its TTL; before you change one, lower it to 300.`

const lookText = `Ask the servers of the zone themselves: what others remember may be old, or an answer of "none".
They must all answer, and all the same. The program does not look at the DNS yet; dig does.
(dig is in the package bind9-dnsutils.)`

const lookCopy = `
dig +short A %HOST%
dig +short -x %P4%
`

const lookDomainCopy = `
for server in $(dig +short NS %D%); do
  echo "== $server"
  for type in MX TXT; do dig +short +norecurse "@$server" $type %D%; done
  dig +short +norecurse "@$server" TXT _dmarc.%D%
done`

const dkimText = `The key is where the mail server keeps it; Mailcow shows it with the domain %D% (DKIM).
In a web form, paste the value as one string, without quotes and line breaks.
In a zone file one string holds 255 bytes at most: the command cuts it, and adds no space.
The letters t=s in it are right: they mean that names below the domain do not count.`

const dkimCopy = `
; dkim._domainkey.%D%  TXT  what the mail server shows, beginning with v=DKIM1
# as a zone line: put the value in place of VALUE
printf 'dkim._domainkey.%D%. 300 IN TXT ( %s )\n' \
  "$(printf %s 'VALUE' | fold -w 250 | sed 's/.*/"&"/' | paste -sd ' ' -)"
# is it there, and whole?
dig +short TXT dkim._domainkey.%D%`

const strictText = `The reports to dmarc@%D% show who sends in its name: all of yours must pass first.
Then put these in place of the records of the same name, and raise the TTLs of all of them.`

// record is one DNS record. Names and targets are whole, without the last dot.
type record struct {
	name, kind, value string
	target            string // a name that ends the value, "." for none
}

// hostRecords are those of the mail host's own name.
//
// guide: dns, A Records
func (w handwork) hostRecords() []record {
	list := []record{{w.s.Hostname, "A", w.public(), ""}}
	if !slices.Contains(w.domains, w.s.Hostname) { // a name has one SPF record only, and the domain's says it too
		list = append(list, record{w.s.Hostname, "TXT", "v=spf1 a -all", ""})
	}
	return list
}

// domainRecords are those of one mail domain.
//
// guide: dns, MX Records; SPF Records; DMARC Records; SRV Records; Autodiscovery Records
func (w handwork) domainRecords(d string) []record {
	s := w.s
	list := []record{
		{d, "MX", "10", s.Hostname},
		{d, "TXT", w.spf("~all"), ""},
		{"_dmarc." + d, "TXT", "v=DMARC1; p=none; rua=mailto:dmarc@" + d, ""},
		{"_smtp._tls." + d, "TXT", "v=TLSRPTv1; rua=mailto:tlsrpt@" + d, ""},
	}
	if w.mailcow() {
		for _, name := range autoNames(d) {
			list = append(list, record{name, "CNAME", "", s.Hostname})
		}
		list = append(list, record{"_autodiscover._tcp." + d, "SRV", fmt.Sprintf("0 1 %d", s.Ports.HTTPS), s.Hostname})
	}
	return append(list,
		record{"_imaps._tcp." + d, "SRV", fmt.Sprintf("0 1 %d", s.Ports.IMAPS), s.Hostname},
		record{"_submissions._tcp." + d, "SRV", fmt.Sprintf("0 1 %d", s.Ports.Submissions), s.Hostname},
		record{"_submission._tcp." + d, "SRV", fmt.Sprintf("0 1 %d", s.Ports.Submission), s.Hostname},
	)
}

// strictRecords take the place of the first ones when all is known to pass.
func (w handwork) strictRecords(d string) []record {
	return []record{
		{d, "TXT", w.spf("-all"), ""},
		{"_dmarc." + d, "TXT", "v=DMARC1; p=quarantine; rua=mailto:dmarc@" + d, ""},
	}
}

// autoNames are what mail programs ask for their settings.
func autoNames(d string) []string { return []string{"autoconfig." + d, "autodiscover." + d} }

// spf names the only host that mail leaves from. ip4 costs no lookup (RFC 7208, 4.6.4). Without a relay of ours, mail leaves
// through somebody else's, whose part only the operator knows.
func (w handwork) spf(end string) string {
	if !w.haraka() {
		return "v=spf1 ip4:" + w.public() + " include:YOUR-RELAY-HOST " + end
	}
	return "v=spf1 ip4:" + w.public() + " " + end
}

// recordsText is records in two forms: to type into a web form, and zone lines to paste. The first is a comment of the second.
func recordsText(list []record) string {
	wide := 0
	for _, r := range list {
		wide = max(wide, len(r.name))
	}
	var form, zone strings.Builder
	fmt.Fprintf(&form, "; %-*s  %-5s  %s\n", wide, "name", "type", "value")
	for _, r := range list {
		fmt.Fprintf(&form, "; %-*s  %-5s  %s\n", wide, r.name, r.kind, strings.TrimSpace(r.value+" "+r.target))
		value := r.value
		switch {
		case r.kind == "TXT":
			value = `"` + value + `"`
		case r.target == ".":
			value += " ."
		case r.target != "":
			value = strings.TrimSpace(value + " " + r.target + ".")
		}
		fmt.Fprintf(&zone, "%s. 300 IN %s %s\n", r.name, r.kind, value)
	}
	return form.String() + "; the same as zone lines\n" + zone.String()
}
