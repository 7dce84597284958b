package demo

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/textproto"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"postern/seen"
)

// The web server of the proxy, and what of the mail host's stands behind it. Which sites it has it reads of the file that a plan wrote,
// when it is started or told to.

const (
	httpPort  = 80
	httpsPort = 443
	webPort   = 8443
)

// taken is where Caddy keeps what it took up last; here it is the file itself.
const taken = seen.CaddyHome + "/.config/caddy/autosave.json"

// webLoad has Caddy take up its files.
func (h *Host) webLoad() {
	text := ""
	if strings.Contains(h.text(seen.Caddyfile), "import "+seen.CaddySites) {
		text = h.text(seen.CaddySites)
	}
	h.put(taken, text, 0o600)
}

// webEars has Caddy listen, where it is started.
func (h *Host) webEars() (ears []*ear) {
	if !h.kernel.started["caddy"] {
		return nil
	}
	for port, talk := range map[uint16]func(net.Conn, netip.AddrPort){httpPort: h.redirect, httpsPort: h.webTalk} {
		ears = append(ears, &ear{at: netip.AddrPortFrom(netip.IPv6Unspecified(), port), both: true, name: "caddy", talk: talk})
	}
	return ears
}

// webSite is one site of the file.
type webSite struct {
	documents map[string][2]string // type and text, by path
	passes    bool                 // what else is asked for goes to the mail host
	behind    netip.AddrPort       // where that listens
	admin     bool                 // the admin pages are closed
}

var (
	webBlock    = regexp.MustCompile(`(?ms)^([a-z0-9.-]+) \{\n\timport postern\n(.*?)^\}$`)
	webDocument = regexp.MustCompile("(?s)\t@\\d+ path ([^\n]+)\n\theader @\\d+ Content-Type \"([^\"]+)\"\n\trespond @\\d+ `([^`]*)`")
	webBehind   = regexp.MustCompile(`reverse_proxy https://(\S+)`)
	webMark     = regexp.MustCompile(`vars postern ([0-9a-f]+)`)
)

// webSites are those that Caddy has taken up, by name.
func (h *Host) webSites() map[string]webSite {
	all := map[string]webSite{}
	behind := netip.AddrPort{}
	if m := webBehind.FindStringSubmatch(h.text(taken)); m != nil {
		behind, _ = netip.ParseAddrPort(m[1])
	}
	for _, block := range webBlock.FindAllStringSubmatch(h.text(taken), -1) {
		s := webSite{documents: map[string][2]string{}, behind: behind, passes: strings.Contains(block[2], "import postern-mail"), admin: strings.Contains(block[2], "respond @admin 404")}
		for _, d := range webDocument.FindAllStringSubmatch(block[2], -1) {
			for _, path := range strings.Fields(d[1]) {
				s.documents[path] = [2]string{d[2], d[3]}
			}
		}
		all[block[1]] = s
	}
	return all
}

// redirect answers without TLS.
func (h *Host) redirect(c net.Conn, _ netip.AddrPort) {
	if host, path, err := readWeb(c); err == nil {
		answerWeb(c, "308 Permanent Redirect", "Location: https://"+host+path, "")
	}
}

// readWeb reads a request: for which name and path it is.
func readWeb(c net.Conn) (host, path string, err error) {
	in := textproto.NewReader(bufio.NewReader(c))
	line, err := in.ReadLine()
	if err != nil {
		return "", "", err
	}
	header, err := in.ReadMIMEHeader()
	if err != nil {
		return "", "", err
	}
	if n, _ := strconv.Atoi(header.Get("Content-Length")); n > 0 {
		_, err = io.CopyN(io.Discard, in.R, int64(min(n, 1<<16)))
	}
	words := append(strings.Fields(line), "", "")
	path, _, _ = strings.Cut(words[1], "?")
	return header.Get("Host"), strings.ToLower(path), err
}

// webTalk answers over TLS, for the names that there are certificates for.
func (h *Host) webTalk(c net.Conn, _ netip.AddrPort) {
	h.w.mu.Lock()
	sites := h.webSites()
	h.w.mu.Unlock()
	inside := tls.Server(c, &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if _, is := sites[hello.ServerName]; !is {
			return nil, fmt.Errorf("there is no certificate for %q", hello.ServerName)
		}
		return h.w.issued(hello.ServerName)
	}})
	name, path, err := readWeb(inside)
	if err != nil {
		return
	}
	site := sites[name]
	d, is := site.documents[path]
	switch {
	case is:
		answerWeb(inside, "200 OK", "Content-Type: "+d[0], d[1])
	case site.admin && slices.ContainsFunc([]string{"/admin", "/api/", "/domainadmin", "/rspamd"}, func(begin string) bool { return strings.HasPrefix(path, begin) }), !site.passes:
		answerWeb(inside, "404 Not Found", "", "")
	case h.w.send(h, site.behind).fate != arrived:
		answerWeb(inside, "502 Bad Gateway", "", "")
	case strings.HasPrefix(path, "/autodiscover/"):
		answerWeb(inside, "401 Unauthorized", `WWW-Authenticate: Basic realm="mailcow"`, "")
	default:
		answerWeb(inside, "200 OK", "Content-Type: text/html; charset=UTF-8", "<title>mailcow UI</title>")
	}
}

func answerWeb(c net.Conn, status, header, text string) {
	if header != "" {
		header += "\r\n"
	}
	_, _ = fmt.Fprintf(c, "HTTP/1.1 %s\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, header, len(text), text)
}

// caddy is what Caddy says of its files.
func (h *Host) caddy([]string) string {
	if !h.has("caddy") {
		return section("absent", "")
	}
	text := section("others", "") + section("hosts", "")
	if h.File(taken) != nil {
		runs := ""
		if m := webMark.FindStringSubmatch(h.text(taken)); m != nil {
			runs = `"` + seen.CaddyMark + `":"` + m[1] + `"`
		}
		text += section("runs", runs)
	}
	return text
}

// acme is what became of Caddy's attempts to get certificates.
func (h *Host) acme([]string) string {
	text := ""
	for name := range h.webSites() {
		text += `|{"level":"info","logger":"tls.obtain","msg":"certificate obtained successfully","identifier":"` + name + "\"}\n"
	}
	return section("lines", text)
}

// Roots are the authorities whose certificates count in this world.
func (w *World) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(paper().root))
	return pool
}
