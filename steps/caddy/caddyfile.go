package caddy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"

	"postern/seen"
	"postern/site"
)

// Text is the file of our sites, and the mark by which they are known in what Caddy runs. No site sets a header that the mail host sets,
// too: two of each are wrong. None offers HTTP/3, because the firewall lets no UDP in but the tunnel's.
//
// guide: caddy, Configuration
func Text(s *site.Site) (text, mark string) {
	var b strings.Builder
	fmt.Fprintf(&b, "# postern: the web names of the mail system, written anew by its chapter Caddy. Sites of your own go into Caddyfile.\n"+
		"(postern) {\n\tvars %s %%s\n\theader -Alt-Svc\n", seen.CaddyMark)
	switch w := s.Web; {
	case w.Certificate != "":
		fmt.Fprintf(&b, "\ttls %s %s\n", w.Certificate, w.Key)
	case w.CA != "":
		fmt.Fprintf(&b, "\ttls {\n\t\tca %s\n\t}\n", w.CA)
	}
	b.WriteString("}\n")
	if s.Mail.Kind == "mailcow" { // the tunnel has proven who is there
		fmt.Fprintf(&b, "(postern-mail) {\n\treverse_proxy https://%s {\n\t\ttransport http {\n\t\t\ttls_insecure_skip_verify\n\t\t}\n\t}\n}\n", web(s))
	}
	for _, p := range pages(s) {
		b.WriteString(p.site(s))
	}
	b.WriteString(onward(s))
	sum := sha256.Sum256([]byte(b.String()))
	mark = hex.EncodeToString(sum[:8])
	return strings.Replace(b.String(), "%s", mark, 1), mark
}

// onward sends who comes without TLS to the same name over HTTPS, where the certificate is the operator's own: then Caddy's own redirects stand
// behind a site for every name at that port, such as the one that its package brings.
func onward(s *site.Site) string {
	if s.Web.Certificate == "" {
		return ""
	}
	var names []string
	for _, p := range pages(s) {
		names = append(names, fmt.Sprintf("http://%s:%d", p.name, s.Ports.HTTP))
	}
	return strings.Join(names, ", ") + " {\n\tredir https://{host}" + behind(s) + "{uri} 308\n}\n"
}

// web is where the mail host's own web interface is.
func web(s *site.Site) netip.AddrPort {
	return netip.AddrPortFrom(s.Tunnel.Mail, uint16(s.Ports.Web))
}

// adminPaths are Mailcow's pages for who runs it, and what these are made with.
var adminPaths = []string{"/admin", "/api/", "/domainadmin", "/rspamd"}

// admins are the networks that these are shown to.
func admins(s *site.Site) (words []string) {
	list := s.Web.Admin
	if len(list) == 0 {
		list = append([]netip.Prefix{s.Tunnel.Network, s.Tunnel.Network6}, s.Mail.LAN...)
	}
	for _, p := range list {
		if p.IsValid() {
			words = append(words, p.String())
		}
	}
	return words
}

// site is a page as Caddy has it.
func (p page) site(s *site.Site) string {
	var b strings.Builder
	address := p.name
	if port := behind(s); port != "" {
		address = "https://" + p.name + port
	}
	fmt.Fprintf(&b, "%s {\n\timport postern\n", address)
	if p.admin {
		fmt.Fprintf(&b, "\tencode zstd gzip\n\t@admin {\n\t\tpath %s*\n\t\tnot remote_ip %s\n\t}\n\trespond @admin 404\n", strings.Join(adminPaths, "* "), strings.Join(admins(s), " "))
	}
	for i, d := range p.documents {
		if d.posted { // over HTTP/2 some programs take an answer for broken that comes before all is read
			b.WriteString("\trequest_body {\n\t\tmax_size 64KB\n\t}\n\tvars asked {http.request.body}\n")
		}
		fmt.Fprintf(&b, "\t@%[1]d path %[2]s\n\theader @%[1]d Content-Type \"%[3]s\"\n\trespond @%[1]d `%[4]s`\n", i+1, strings.Join(d.paths, " "), d.kind, d.text)
	}
	if p.passes {
		b.WriteString("\timport postern-mail\n}\n")
	} else {
		b.WriteString("\trespond 404\n}\n")
	}
	return b.String()
}
