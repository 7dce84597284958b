package web

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/zone"
)

func init() {
	about(checks.Check{
		ID: "web.clients", Rests: []string{"web.https", "smtp.submission", "firewall.open", "mailcow.containers"}, Title: "Mail programs are told the right settings", Guide: "caddy, Testing the Configuration",
		Page: checks.Page{
			Asks:    "Does each domain serve what Thunderbird (autoconfig), Outlook (autodiscover) and Apple's (.mobileconfig) ask for, and do these name the mail host, and ports that are open and meant for it? They are fetched from outside as the programs do, and every port in them is connected to.",
			OK:      "They do, and all ports in them answer.",
			Warn:    "They do, and at one of the ports nobody listens yet.",
			Fail:    "One is not served or cannot be read; or it names another host, a port that the site does not offer, or one that is closed.",
			Unknown: "This place cannot ask.",
			Skip:    "The site has no names yet, or the port is open to some only.",
			Mends:   "The chapter Caddy, which makes them of the site's own ports. Where a port does not answer, firewall.open and smtp.submission tell more.",
		},
		Reads: seen.Addresses.Reads, Settles: issuing,
	}, askClients)
	about(checks.Check{
		ID: "web.mtasts", Rests: []string{"web.https"}, Title: "The MTA-STS policy is served", Guide: "RFC 8461, 3.3",
		Page: checks.Page{
			Asks:    "Where a policy is wanted (web.mtasts): does each domain serve it, with that mode and this mail host in it? It is fetched from outside. Whether it is announced, and port 25 keeps it, dns.mtasts tells.",
			OK:      "It is.",
			Fail:    "It is not served, or says something else: who knows an announced policy and finds another goes on with the old one, and may refuse to deliver.",
			Unknown: "This place cannot ask.",
			Skip:    "There is to be no policy (web.mtasts is empty), or the site has no names yet.",
			Mends:   "The chapter Caddy, which makes it of the answers.",
		},
		Reads: seen.Addresses.Reads, Settles: issuing,
	}, askPolicy)
}

// named is one server that a document names.
type named struct {
	what string // imap, smtp …, in lower case
	host string
	port int
	how  string // ssl or starttls; "" where it does not say
}

// document is one that programs ask a domain for.
type document struct {
	title, method, path, body string
	read                      func(text string) ([]named, error)
	guarded                   bool // it may want a login first
}

const outlook = `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>postmaster@%D</EMailAddress>` +
	`<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`

var (
	thunderbird = document{title: "autoconfig", method: "GET", path: "/mail/config-v1.1.xml?emailaddress=postmaster%40example.com", read: readAutoconfig}
	apple       = document{title: "mobileconfig", method: "GET", path: "/mail.mobileconfig", read: readMobileconfig}
	exchange    = document{title: "autodiscover", method: "POST", path: "/autodiscover/autodiscover.xml", body: outlook, read: readAutodiscover}
)

func askClients(ctx context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "documents for mail programs at %s that name what is open", Likely: "it is none of ours, or was made for other ports"}
	asked := exchange
	asked.guarded = e.Site.Mail.Kind == "mailcow"
	domain, documents, names := map[string]string{}, map[string][]document{}, []string(nil)
	for _, d := range zone.Domains(e.Site) {
		for name, list := range map[string][]document{zone.Autoconfig(d): {thunderbird, apple}, zone.Autodiscover(d): {asked}} {
			domain[name], documents[name], names = d, list, append(names, name)
		}
	}
	slices.Sort(names)
	return doors(e, q, "https", names, func(q checks.Question, at door) checks.Result {
		return judgeDocuments(ctx, q, at, domain[at.name], documents[at.name])
	})
}

func judgeDocuments(ctx context.Context, q checks.Question, at door, domain string, list []document) checks.Result {
	q.Rests = []string{"web.https." + at.name, "smtp.submission", "firewall.open", "mailcow.containers"}
	var wrong, lines []string
	var idle []string
	ports := map[int]bool{}
	for _, doc := range list {
		p := at.get(ctx, doc.method, doc.path, strings.ReplaceAll(doc.body, "%D", domain), false)
		if r, none := p.unanswered(q); none {
			return r
		}
		if doc.guarded && p.code == 401 {
			lines = append(lines, doc.title+" wants a login first")
			continue
		}
		if p.code != 200 {
			wrong = append(wrong, fmt.Sprintf("%s is not served (%d)", doc.title, p.code))
			continue
		}
		servers, err := doc.read(p.text)
		if err != nil || len(servers) == 0 {
			wrong = append(wrong, doc.title+" cannot be read")
			continue
		}
		for _, s := range servers {
			lines = append(lines, fmt.Sprintf("%s: %s %s:%d %s", doc.title, s.what, s.host, s.port, s.how))
			if why := s.wrong(at.e.Site); why != "" {
				wrong = append(wrong, doc.title+" names "+why)
				continue
			}
			ports[s.port] = true
		}
	}
	for port := range ports {
		if name := at.e.Unset(at.e.Site.HostsOf(site.Mail)...); name != "" {
			return q.Skip("the tunnel is not set up on %s yet: chapter 3 does it", name)
		}
		switch r := at.knock(ctx, port); {
		case r.Mute():
			return q.Unknown(fmt.Sprintf("port %d: %s", port, r.Said()), "this place cannot ask: "+checks.Why(r.Err))
		case r.Answer != checks.Open:
			wrong = append(wrong, fmt.Sprintf("port %d, which is named, is closed (%s)", port, r.Said()))
		case r.Ours:
			idle = append(idle, fmt.Sprintf("nobody listens at port %d yet, which is named", port))
		}
	}
	slices.Sort(wrong)
	slices.Sort(idle)
	evidence := strings.Join(lines, "\n")
	switch {
	case len(wrong) > 0:
		return q.Fail(remote.Clean(checks.Few(wrong)).Line(300), "", evidence)
	case len(idle) > 0:
		return q.Warn(checks.Few(idle), "the mail server is down, or listens elsewhere: smtp.submission and smtp.mailboxes tell more", evidence)
	}
	return q.OK("%s", remote.Clean(strings.Join(lines, "; ")).Line(300))
}

// knock connects to a port of the mail host's name.
func (d door) knock(ctx context.Context, port int) checks.Probe {
	to := netip.AddrPortFrom(d.to.Addr(), uint16(port))
	for _, s := range site.Services(d.e.Site) {
		if v, err := d.e.Look(d.proxy); err == nil && s.Port == port {
			return d.e.ProbeService(ctx, d.from, d.proxy, v, s, to)
		}
	}
	return d.e.Probe(ctx, d.from, to, nil, netip.AddrPort{})
}

// wrong says what is wrong about a server that a document names; "" when it is one that the site offers.
func (n named) wrong(s *site.Site) string {
	words := fmt.Sprintf("%s %s:%d", n.what, n.host, n.port)
	if !strings.EqualFold(n.host, s.Hostname) {
		return words + ", another host"
	}
	var right bool
	how := "ssl"
	switch n.port {
	case s.Ports.IMAPS:
		right = n.what == "imap"
	case s.Ports.Submissions:
		right = n.what == "smtp"
	case s.Ports.Submission:
		right, how = n.what == "smtp", "starttls"
	}
	switch {
	case !right:
		return words + ", a port that is closed or for something else"
	case n.how != "" && n.how != how:
		return words + " with " + n.how + " in place of " + how
	}
	return ""
}

// readAutoconfig reads Thunderbird's.
func readAutoconfig(text string) (list []named, err error) {
	type server struct {
		Type string `xml:"type,attr"`
		Host string `xml:"hostname"`
		Port string `xml:"port"`
		How  string `xml:"socketType"`
	}
	var doc struct {
		In  []server `xml:"emailProvider>incomingServer"`
		Out []server `xml:"emailProvider>outgoingServer"`
	}
	err = xml.Unmarshal([]byte(text), &doc)
	for _, s := range append(doc.In, doc.Out...) {
		list = append(list, named{strings.ToLower(s.Type), s.Host, number(s.Port), strings.ToLower(s.How)})
	}
	return list, err
}

// readAutodiscover reads Outlook's.
func readAutodiscover(text string) (list []named, err error) {
	var doc struct {
		Protocols []struct {
			Type       string
			Server     string
			Port       string
			SSL        string
			Encryption string
		} `xml:"Response>Account>Protocol"`
	}
	err = xml.Unmarshal([]byte(text), &doc)
	for _, p := range doc.Protocols {
		how := map[string]string{"ssl": "ssl", "tls": "starttls"}[strings.ToLower(p.Encryption)]
		if kind := strings.ToLower(p.Type); kind == "imap" || kind == "smtp" || strings.HasPrefix(kind, "pop") {
			list = append(list, named{kind, p.Server, number(p.Port), how})
		}
	}
	return list, err
}

var (
	appleHost = regexp.MustCompile(`<key>(Incoming|Outgoing)MailServerHostName</key>\s*<string>([^<]*)</string>`)
	applePort = regexp.MustCompile(`<key>(Incoming|Outgoing)MailServerPortNumber</key>\s*<integer>([0-9]*)</integer>`)
)

// readMobileconfig reads Apple's.
func readMobileconfig(text string) (list []named, err error) {
	ports := map[string]int{}
	for _, m := range applePort.FindAllStringSubmatch(text, -1) {
		ports[m[1]] = number(m[2])
	}
	for _, m := range appleHost.FindAllStringSubmatch(text, -1) {
		list = append(list, named{map[string]string{"Incoming": "imap", "Outgoing": "smtp"}[m[1]], m[2], ports[m[1]], ""})
	}
	return list, nil
}

func number(text string) int {
	n, _ := strconv.Atoi(strings.TrimSpace(text))
	return n
}

func askPolicy(ctx context.Context, e *checks.Env) []checks.Result {
	if e.Site.Web.MTASTS == "" {
		return []checks.Result{checks.Question{From: checks.Here}.Skip("there is to be no policy (web.mtasts is empty)")}
	}
	var names []string
	for _, d := range zone.Domains(e.Site) {
		names = append(names, zone.PolicyHost(d))
	}
	q := checks.Question{Want: "the policy with mode " + e.Site.Web.MTASTS + " and " + e.Site.Hostname + " at https://%s/.well-known/mta-sts.txt", Likely: "another web server has the name, or the answers changed since the chapter was applied"}
	return doors(e, q, "https", names, func(q checks.Question, at door) checks.Result {
		q.Rests = []string{"web.https." + at.name}
		p := at.get(ctx, "GET", "/.well-known/mta-sts.txt", "", false)
		if r, none := p.unanswered(q); none {
			return r
		}
		switch {
		case p.code != 200:
			return q.Fail(fmt.Sprintf("it is not served (%d)", p.code), "", "")
		case !strings.HasPrefix(p.kind, "text/plain"):
			return q.Fail("it is served as "+remote.Clean(p.kind).Line(40)+", not as text/plain", "", p.text)
		case strings.TrimSpace(p.text) != strings.TrimSpace(zone.Policy(e.Site)):
			return q.Fail("it says something else", "", p.text)
		}
		return q.OK("it is served")
	})
}
