package dns

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	wire "github.com/miekg/dns"

	"postern/checks"
	lab "postern/lab/dns"
	"postern/remote"
	"postern/site"
	"postern/zone"
)

// world is a site, and a DNS of its own: a root, a registrar, two servers of the site's domains and one of its provider, each with
// files of its own.
type world struct {
	t        *testing.T
	dir      string
	env      *checks.Env
	handlers map[string]wire.Handler
	refused  map[string]error          // by address: what a dial meets
	talks    map[string]func(net.Conn) // who else listens, by address and port
	key      string                    // of DKIM
}

const (
	atResolver  = "198.51.100.201"
	atRoot      = "198.51.100.202"
	atRegistrar = "198.51.100.203"
	atNS1       = "198.51.100.204"
	atNS2       = "198.51.100.205"
	atProvider  = "198.51.100.206"
)

// newWorld has all published that the site wants, after edit changed the answers.
func newWorld(t *testing.T, edit func(*site.Site)) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), handlers: map[string]wire.Handler{}, refused: map[string]error{}, talks: map[string]func(net.Conn){}, key: usualKey()}
	s := site.Default()
	s.Domain, s.Hostname, s.DNS.Ask = "example.org", "mail.example.org", []string{spamhaus}
	proxy := s.Host("proxy")
	proxy.Public4, proxy.Public6 = netip.MustParseAddr("203.0.113.10"), netip.MustParseAddr("2001:db8:113::10")
	if edit != nil {
		edit(s)
	}
	facts := remote.Facts{Host: "proxy", Answers: map[string]remote.Answer{resolvers: {Out: "# by hand\nsearch lan\nnameserver " + atResolver + "\n", Mode: 0o644, Owner: "root:root"}}}
	w.env = &checks.Env{Site: s, Whose: knows, Now: time.Unix(1795254690, 0), Hosts: map[string]*checks.Vantage{"proxy": {Name: "proxy", Facts: facts, Dial: w}}}
	w.publish(atRoot, ".", "test. NS ns.registrar.test.\nns.registrar.test. A "+atRegistrar+"\norg. NS ns.registrar.test.\nnet. NS ns.registrar.test.\nin-addr.arpa. NS ns.provider.test.\nip6.arpa. NS ns.provider.test.\n"+networks+". NS ns.provider.test.\nns.provider.test. A "+atProvider+"\n")
	w.publish(atRegistrar, "test.", "ns.provider A "+atProvider+"\nns.registrar A "+atRegistrar+"\nhoster NS ns1.hoster\nns1.hoster A "+atNS1+"\nns2.hoster A "+atNS2+"\nhoster NS ns2.hoster\n")
	both := "NS ns1.hoster.test.\n%[1]s NS ns2.hoster.test.\n"
	w.publish(atRegistrar, "org.", "@ NS ns.registrar.test.\nzen.spamhaus.org. NS ns.provider.test.\nlist.org. NS ns.provider.test.\nexample.org. "+fmt.Sprintf(both, "example.org."))
	w.list("")
	w.publish(atRegistrar, "net.", "example.net. "+fmt.Sprintf(both, "example.net."))
	w.publish(atNS1, "hoster.test.", "ns1 A "+atNS1+"\nns2 A "+atNS2+"\n")
	w.publish(atNS2, "hoster.test.", "ns1 A "+atNS1+"\nns2 A "+atNS2+"\n")
	for _, r := range append([]zone.Record{{Name: "0.in-addr.arpa", Type: "PTR", Target: "none.test"}, {Name: "0.ip6.arpa", Type: "PTR", Target: "none.test"}}, zone.Back(s, proxy)...) {
		w.publish(atProvider, r.Name[strings.LastIndex(strings.TrimSuffix(r.Name, ".arpa"), ".")+1:]+".", "@ NS ns.provider.test.\n"+r.Line()+"\n")
	}
	for _, z := range []string{"example.org.", "example.net."} {
		w.publish(atNS1, z, w.wanted(z))
		w.publish(atNS2, z, w.wanted(z))
	}
	for _, at := range append([]netip.Addr{netip.MustParseAddr(atResolver)}, large...) {
		w.handlers[at.String()] = &lab.Resolver{Root: netip.MustParseAddr(atRoot), Dial: w.DialContext, Clock: func() time.Time { return w.env.Now }}
	}
	return w
}

// wanted are the records of a zone that the site wants, and its servers.
func (w *world) wanted(origin string) string {
	s := w.env.Site
	list := zone.Host(s, s.Host("proxy"))
	for _, d := range zone.Domains(s) {
		list = append(list, zone.Mail(s, s.Host("proxy"), d)...)
		list = append(list, zone.Record{Name: zone.KeyName(s, d), Type: "TXT", Value: "v=DKIM1;k=rsa;t=s;s=email;p=" + w.key})
	}
	list = slices.DeleteFunc(list, func(r zone.Record) bool { return !wire.IsSubDomain(origin, wire.Fqdn(r.Name)) })
	return "@ NS ns1.hoster.test.\n@ NS ns2.hoster.test.\n" + zone.Lines(list)
}

// publish gives one server its copy of a zone, under the serial number 7.
func (w *world) publish(server, origin, records string) { w.publishAs(server, origin, 7, records) }

func (w *world) publishAs(server, origin string, serial int, records string) {
	w.t.Helper()
	folder := filepath.Join(w.dir, server)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		w.t.Fatal(err)
	}
	head := fmt.Sprintf("$TTL 300\n@ 300 IN SOA ns.invalid. host.invalid. %d 3600 600 86400 60\n", serial)
	if err := os.WriteFile(filepath.Join(folder, lab.FileOf(origin)), []byte(head+records), 0o644); err != nil {
		w.t.Fatal(err)
	}
	w.handlers[server] = lab.Server{Folder: folder}
}

// list has Spamhaus's list name its test entries, and something else.
func (w *world) list(also string) {
	w.t.Helper()
	w.publish(atProvider, spamhaus+".", "@ NS ns.provider.test.\n2.0.0.127 A 127.0.0.2\n"+entry(test(netip.IPv6Loopback(), 2), spamhaus)+". A 127.0.0.2\n"+also)
}

// mark puts a file into a server's folder, such as "silent".
func (w *world) mark(server, name string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, server, name), nil, 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// edit changes the records of example.org at both servers; what it is to change must be there.
func (w *world) edit(old, new string) {
	w.t.Helper()
	is := w.wanted("example.org.")
	if !strings.Contains(is, old) {
		w.t.Fatalf("no %q in\n%s", old, is)
	}
	for _, server := range []string{atNS1, atNS2} {
		w.publish(server, "example.org.", strings.ReplaceAll(is, old, new))
	}
}

// DialContext connects to one of the servers.
func (w *world) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if err := w.refused[host]; err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	if talk := w.talks[address]; talk != nil {
		go talk(far)
		return near, nil
	}
	h := w.handlers[host]
	if h == nil {
		return nil, syscall.ECONNREFUSED
	}
	l := &once{conn: far, ended: make(chan struct{})}
	server := &wire.Server{Listener: l, Handler: h, Net: "tcp"}
	go func() { _ = server.ActivateAndServe() }()
	w.t.Cleanup(func() { near.Close(); far.Close(); l.Close() })
	return near, nil
}

// once is a listener at which one connection comes in.
type once struct {
	conn  net.Conn
	ended chan struct{}
}

func (l *once) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.ended
	return nil, net.ErrClosed
}

func (l *once) Close() error {
	select {
	case <-l.ended:
	default:
		close(l.ended)
	}
	return nil
}

func (l *once) Addr() net.Addr { return &net.TCPAddr{} }

// ask runs all checks of the family and gives their results by ID.
func (w *world) ask() map[string]checks.Result {
	w.t.Helper()
	results := map[string]checks.Result{}
	for _, r := range checks.Run(w.t.Context(), checks.All(), w.env, nil) {
		results[r.ID] = r
	}
	return results
}

// smarthost has mail leave by one, whose pages say that of SPF.
func (w *world) smarthost(needs ...string) {
	w.env.Site.Smarthost = site.Smarthost{Host: "relay.example.net", User: "ann", SPF: needs}
}
