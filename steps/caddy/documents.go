package caddy

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"postern/site"
	"postern/zone"
)

// document is one that a name serves by itself, whoever asks.
type document struct {
	paths  []string // in lower case; how they are written does not matter
	kind   string
	text   string // without a backquote, an apostrophe, a brace or a dollar: no web server makes anything of it
	posted bool   // who asks sends something along
}

// page is what the web server has under one name. What is none of its documents, the mail host answers, where that has a web of its own.
type page struct {
	name      string
	documents []document
	passes    bool // to the mail host
	admin     bool // it is where the admin pages are
}

// pages are all names of a site.
func pages(s *site.Site) []page {
	mailcow := s.Mail.Kind == "mailcow"
	host := page{name: s.Hostname, passes: mailcow, admin: mailcow}
	if !mailcow {
		host.documents = []document{{[]string{"/"}, "text/plain; charset=utf-8", byHand(s), false}}
	}
	all := []page{host}
	for _, d := range zone.Domains(s) {
		// Mailcow's own names ports that are closed, whatever is open.
		config := page{name: zone.Autoconfig(d), passes: mailcow, documents: []document{
			{[]string{"/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml"}, "text/xml; charset=utf-8", autoconfig(s, d), false},
			{[]string{"/mail.mobileconfig"}, "application/x-apple-aspen-config", mobileconfig(s, d), false},
		}}
		discover := page{name: zone.Autodiscover(d), passes: mailcow} // Mailcow's knows telephones, too
		if !mailcow {
			discover.documents = []document{{[]string{"/autodiscover/autodiscover.xml"}, "text/xml; charset=utf-8", autodiscover(s), true}}
		}
		all = append(all, config, discover)
		if s.Web.MTASTS != "" {
			all = append(all, page{name: zone.PolicyHost(d), documents: []document{{[]string{"/.well-known/mta-sts.txt"}, "text/plain; charset=utf-8", zone.Policy(s), false}}})
		}
	}
	return all
}

// server is one way to a mail server, as programs are told of it.
type server struct {
	what, how string // imap or smtp; SSL (from the first byte) or STARTTLS
	port      int
}

func servers(s *site.Site) []server {
	return []server{{"imap", "SSL", s.Ports.IMAPS}, {"smtp", "SSL", s.Ports.Submissions}, {"smtp", "STARTTLS", s.Ports.Submission}}
}

// byHand are the strings to type where a program finds nothing by itself.
func byHand(s *site.Site) string {
	text := "Mail of " + strings.Join(zone.Domains(s), ", ") + "\n\nWhat to type where a mail program does not find it by itself:\n\n"
	for _, one := range servers(s) {
		how := map[string]string{"SSL": "TLS (SSL) from the beginning", "STARTTLS": "STARTTLS"}[one.how]
		text += fmt.Sprintf("%-9s server %s, port %d, %s\n", map[string]string{"imap": "incoming", "smtp": "outgoing"}[one.what], s.Hostname, one.port, how)
	}
	text += "login     the whole mail address\n\n"
	for _, d := range zone.Domains(s) {
		text += "iPhone, iPad, Mac: https://" + zone.Autoconfig(d) + "/mail.mobileconfig\n"
	}
	return text
}

// autoconfig is what Thunderbird and others ask for; they put the address in.
func autoconfig(s *site.Site, d string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="%[1]s">
    <domain>%[1]s</domain>
    <displayName>%[1]s</displayName>
    <displayShortName>%[1]s</displayShortName>
`, d)
	for _, one := range servers(s) {
		element := map[string]string{"imap": "incomingServer", "smtp": "outgoingServer"}[one.what]
		fmt.Fprintf(&b, `    <%[1]s type="%[2]s">
      <hostname>%[3]s</hostname>
      <port>%[4]d</port>
      <socketType>%[5]s</socketType>
      <authentication>password-cleartext</authentication>
      <username>%%EMAILADDRESS%%</username>
    </%[1]s>
`, element, one.what, s.Hostname, one.port, one.how)
	}
	b.WriteString("  </emailProvider>\n</clientConfig>\n")
	return b.String()
}

// autodiscover is what Outlook asks for. Where no login stands in it, the address that was asked with is taken.
func autodiscover(s *site.Site) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
  <Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">
    <Account>
      <AccountType>email</AccountType>
      <Action>settings</Action>
`)
	for _, one := range servers(s) {
		encryption := map[string]string{"SSL": "SSL", "STARTTLS": "TLS"}[one.how]
		fmt.Fprintf(&b, `      <Protocol>
        <Type>%s</Type>
        <Server>%s</Server>
        <Port>%d</Port>
        <DomainRequired>off</DomainRequired>
        <SPA>off</SPA>
        <SSL>on</SSL>
        <Encryption>%s</Encryption>
        <AuthRequired>on</AuthRequired>
      </Protocol>
`, strings.ToUpper(one.what), s.Hostname, one.port, encryption)
	}
	b.WriteString("    </Account>\n  </Response>\n</Autodiscover>\n")
	return b.String()
}

// mobileconfig is a profile for Apple's. Address and login do not stand in it, so they are asked for.
func mobileconfig(s *site.Site, d string) string {
	account := func(way string, port int) string {
		return fmt.Sprintf(`<key>%[1]sMailServerAuthentication</key><string>EmailAuthPassword</string>
<key>%[1]sMailServerHostName</key><string>%[2]s</string>
<key>%[1]sMailServerPortNumber</key><integer>%[3]d</integer>
<key>%[1]sMailServerUseSSL</key><true/>
`, way, s.Hostname, port)
	}
	about := func(kind string) string {
		return fmt.Sprintf(`<key>PayloadIdentifier</key><string>%[1]s.%[2]s</string>
<key>PayloadType</key><string>%[2]s</string>
<key>PayloadUUID</key><string>%[3]s</string>
<key>PayloadVersion</key><integer>1</integer>
<key>PayloadDisplayName</key><string>%[4]s</string>
`, d, kind, uuid(d+" "+s.Hostname+" "+kind), d)
	}
	return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN"
  "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
` + about("Configuration") + `<key>PayloadContent</key>
<array>
<dict>
` + about("com.apple.mail.managed") + `<key>EmailAccountType</key><string>EmailTypeIMAP</string>
<key>EmailAccountDescription</key><string>` + d + `</string>
` + account("Incoming", s.Ports.IMAPS) + account("Outgoing", s.Ports.Submissions) + `<key>OutgoingPasswordSameAsIncomingPassword</key><true/>
</dict>
</array>
</dict>
</plist>
`
}

// uuid is the same for the same word (RFC 9562, 5.8).
func uuid(word string) string {
	h := sha256.Sum256([]byte(word))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}
