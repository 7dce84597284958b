package dns

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// dmarc is a DMARC record (RFC 9989, 4.7): its tags, in the order in which they stand.
type dmarc struct {
	tags   []string
	values map[string]string
}

// parseDMARC reads one. What is no record at all is an error: receivers take it for none.
func parseDMARC(text string) (dmarc, error) {
	d := dmarc{values: map[string]string{}}
	for i, part := range strings.Split(text, ";") {
		name, value, is := strings.Cut(part, "=")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		switch {
		case !is && name == "":
			continue
		case !is:
			return d, fmt.Errorf("%q is no tag", strings.TrimSpace(part))
		case i == 0 && (name != "v" || value != "DMARC1"):
			return d, fmt.Errorf("it does not begin with v=DMARC1")
		}
		if _, twice := d.values[name]; twice {
			return d, fmt.Errorf("%s stands in it twice", name)
		}
		d.tags, d.values[name] = append(d.tags, name), value
	}
	return d, nil
}

// judgeDMARC says what is wrong with the DMARC record of a domain, and what is odd.
func judgeDMARC(records []string) (wrong, odd string) {
	switch len(records) {
	case 0:
		return "there is no DMARC record", ""
	case 1:
	default:
		return fmt.Sprintf("there are %d DMARC records, which counts as none: %s", len(records), strings.Join(records, " | ")), ""
	}
	d, err := parseDMARC(records[0])
	if err != nil {
		return fmt.Sprintf("%v: %s", err, records[0]), ""
	}
	for tag, allowed := range map[string][]string{"p": {"none", "quarantine", "reject"}, "sp": {"none", "quarantine", "reject"}, "np": {"none", "quarantine", "reject"},
		"adkim": {"r", "s"}, "aspf": {"r", "s"}, "t": {"y", "n"}, "psd": {"y", "n", "u"}} {
		if v, is := d.values[tag]; is && !slices.Contains(allowed, strings.ToLower(v)) {
			return fmt.Sprintf("%s=%s is none of %s", tag, v, strings.Join(allowed, ", ")), ""
		}
	}
	for _, tag := range []string{"rua", "ruf"} {
		for _, to := range strings.Split(d.values[tag], ",") {
			if to = strings.TrimSpace(to); to != "" && !strings.HasPrefix(strings.ToLower(to), "mailto:") {
				return fmt.Sprintf("%s=%s: reports go to mailto: addresses only", tag, to), ""
			}
		}
	}
	switch {
	case d.values["p"] == "":
		return "", "it has no p, which counts as none"
	case d.values["rua"] == "":
		return "", "nobody gets the reports: rua is missing"
	case strings.EqualFold(d.values["t"], "y"):
		return "", "t=y says that it is only being tested: receivers do less than p asks"
	case strings.EqualFold(d.values["psd"], "y"):
		return "", "psd=y is for names like com, under which others have domains"
	}
	for _, old := range []string{"pct", "rf", "ri"} {
		if slices.Contains(d.tags, old) {
			return "", old + " means nothing any more (RFC 9989)"
		}
	}
	return "", ""
}

// inherited is the domain above another whose DMARC record holds for it, as it has none of its own: receivers climb the tree, in
// eight steps at most (RFC 9989, 4.10).
func (s sight) inherited(ctx context.Context, domain string) string {
	var asks []question
	above := climb(domain)[1:]
	above = above[max(0, len(above)-7):]
	for _, name := range above {
		asks = append(asks, asking("_dmarc."+name, "TXT"))
	}
	told := party{from: s.from.Dial, at: s.resolver, recurse: true}.ask(ctx, asks)
	for i, name := range above {
		if wrong, _ := judgeDMARC(values(told[asks[i]].answer, dns.TypeTXT, "v=dmarc1")); wrong == "" {
			return name
		}
	}
	return ""
}

// unheard says that the reports of a domain go where nobody takes them: to a domain of others that has not agreed to it by a record
// (RFC 9990, 4). Domains of which one holds the other count as one here.
func (s sight) unheard(ctx context.Context, domain, record string) string {
	d, _ := parseDMARC(record)
	for _, to := range strings.Split(d.values["rua"], ",") {
		_, at, is := strings.Cut(strings.TrimSpace(to), "@")
		at, _, _ = strings.Cut(strings.ToLower(at), "!")
		if !is || dns.IsSubDomain(dns.Fqdn(at), dns.Fqdn(domain)) || dns.IsSubDomain(dns.Fqdn(domain), dns.Fqdn(at)) {
			continue
		}
		asked := asking(domain+"._report._dmarc."+at, "TXT")
		r := party{from: s.from.Dial, at: s.resolver, recurse: true}.ask(ctx, []question{asked})[asked]
		if r.err == nil && (r.code == dns.RcodeSuccess || r.code == dns.RcodeNameError) && len(values(r.answer, dns.TypeTXT, "v=dmarc1")) == 0 {
			return fmt.Sprintf("reports to %s are thrown away: it has no record %s._report._dmarc.%s", at, domain, at)
		}
	}
	return ""
}
