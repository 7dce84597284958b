package dns

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const head = "@ 300 IN SOA ns.invalid. host.invalid. 7 3600 600 86400 60\n"

// world is a root, a registrar and two servers of one zone, on ports of this machine.
type world struct {
	t     *testing.T
	dir   string
	ports map[string]string // by the address they stand for
	now   time.Time
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir(), ports: map[string]string{}, now: time.Unix(1795000000, 0)}
	w.publish("192.0.2.1", ".", "test. NS ns.registrar.test.\nns.registrar.test. A 192.0.2.2\n")
	w.publish("192.0.2.2", "test.", "example.test. NS ns1.example.test.\nexample.test. DS 7 13 2 00ff\nexample.test. NS ns2.elsewhere.test.\nns1.example.test. A 192.0.2.3\n"+
		"elsewhere.test. NS ns.elsewhere.test.\nns.elsewhere.test. A 192.0.2.4\n")
	w.publish("192.0.2.3", "example.test.", example)
	w.publish("192.0.2.4", "example.test.", example)
	w.publish("192.0.2.4", "elsewhere.test.", "ns2 A 192.0.2.4\n")
	return w
}

var example = "@ MX 10 mail\nmail A 203.0.113.10\nwww CNAME mail\nfar CNAME ns2.elsewhere.test.\nlong TXT \"" + strings.Repeat("x", 250) + "\" \"" + strings.Repeat("y", 250) + "\" \"" + strings.Repeat("z", 250) + "\"\n_dmarc.deep TXT \"v=DMARC1\"\n"

// publish gives a server its copy of a zone.
func (w *world) publish(server, zone, records string) {
	w.t.Helper()
	folder := filepath.Join(w.dir, server)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, FileOf(zone)), []byte(head+records), 0o644); err != nil {
		w.t.Fatal(err)
	}
	if w.ports[server] == "" {
		w.ports[server] = w.serve(Server{folder})
	}
}

func (w *world) serve(h dns.Handler) string {
	conns, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	packets, err := net.ListenPacket("udp", conns.Addr().String())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conns.Close(); packets.Close() })
	go func() { _ = Serve(packets, conns, h) }()
	return conns.Addr().String()
}

func (w *world) resolver() string {
	return w.serve(&Resolver{Root: netip.MustParseAddr("192.0.2.1"), Clock: func() time.Time { return w.now },
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, _, _ := net.SplitHostPort(address)
			return new(net.Dialer).DialContext(ctx, network, w.ports[host])
		}})
}

// ask is what a server says of a name: the code, and the records without their names.
func (w *world) ask(network, server, name string, kind uint16, recurse bool) string {
	w.t.Helper()
	m := new(dns.Msg).SetQuestion(name, kind)
	m.RecursionDesired = recurse
	a, _, err := (&dns.Client{Net: network, Timeout: time.Minute}).Exchange(m, server)
	if err != nil {
		return "error"
	}
	said := dns.RcodeToString[a.Rcode]
	if a.Truncated {
		said += " cut"
	}
	for _, rr := range a.Answer {
		said += " | " + strings.TrimPrefix(rr.String(), rr.Header().String())
	}
	return said
}

func TestNameServersAndResolver(t *testing.T) {
	w := newWorld(t)
	resolver := w.resolver()
	for _, c := range []struct {
		network, server, name string
		kind                  uint16
		want                  string
	}{
		{"udp", "192.0.2.3", "example.test.", dns.TypeMX, "NOERROR | 10 mail.example.test."},
		{"udp", "192.0.2.3", "Mail.Example.Test.", dns.TypeA, "NOERROR | 203.0.113.10"},
		{"udp", "192.0.2.3", "mail.example.test.", dns.TypeAAAA, "NOERROR"},
		{"udp", "192.0.2.3", "none.example.test.", dns.TypeA, "NXDOMAIN"},
		{"udp", "192.0.2.3", "deep.example.test.", dns.TypeA, "NOERROR"},
		{"udp", "192.0.2.3", "www.example.test.", dns.TypeA, "NOERROR | mail.example.test. | 203.0.113.10"},
		{"udp", "192.0.2.3", "other.test.", dns.TypeA, "REFUSED"},
		{"udp", "192.0.2.3", "long.example.test.", dns.TypeTXT, "NOERROR cut"},
		{"udp", "192.0.2.2", "mail.example.test.", dns.TypeA, "NOERROR"},          // who else to ask
		{"udp", "resolver", "example.test.", dns.TypeDS, "NOERROR | 7 13 2 00FF"}, // by the zone above
		{"udp", "resolver", "elsewhere.test.", dns.TypeDS, "NOERROR"},
		{"udp", "resolver", "mail.example.test.", dns.TypeA, "NOERROR | 203.0.113.10"},
		{"udp", "resolver", "far.example.test.", dns.TypeA, "NOERROR | ns2.elsewhere.test. | 192.0.2.4"},
		{"tcp", "resolver", "none.example.test.", dns.TypeA, "NXDOMAIN"},
	} {
		server := w.ports[c.server]
		if c.server == "resolver" {
			server = resolver
		}
		if got := w.ask(c.network, server, c.name, c.kind, c.server == "resolver"); got != c.want {
			t.Errorf("%s of %s over %s: %s, want %s", c.name, c.server, c.network, got, c.want)
		}
	}
	if got := w.ask("tcp", w.ports["192.0.2.3"], "long.example.test.", dns.TypeTXT, false); strings.Count(got, "\" \"") != 2 {
		t.Errorf("over TCP: %s", got)
	}
}

// A resolver remembers what it was told, also that there is nothing, for as long as that says; a server that is silent or
// broken is not the only one asked, and one that lags tells what it has.
func TestServersThatLagAndResolversThatRemember(t *testing.T) {
	w := newWorld(t)
	resolver := w.resolver()
	want := func(name, is string) {
		t.Helper()
		if got := w.ask("udp", resolver, name, dns.TypeA, true); got != is {
			t.Errorf("%s is %s, want %s", name, got, is)
		}
	}
	want("mail.example.test.", "NOERROR | 203.0.113.10")
	want("new.example.test.", "NXDOMAIN")
	w.publish("192.0.2.3", "example.test.", "mail A 203.0.113.11\nnew A 203.0.113.12\n")
	want("mail.example.test.", "NOERROR | 203.0.113.10")
	want("new.example.test.", "NXDOMAIN")
	if got := w.ask("udp", w.ports["192.0.2.4"], "mail.example.test.", dns.TypeA, false); got != "NOERROR | 203.0.113.10" {
		t.Errorf("the one that lags says %s", got)
	}
	w.now = w.now.Add(61 * time.Second)
	want("new.example.test.", "NOERROR | 203.0.113.12")
	w.now = w.now.Add(300 * time.Second)
	want("mail.example.test.", "NOERROR | 203.0.113.11")
	for _, is := range []string{"broken", "silent"} {
		if err := os.WriteFile(filepath.Join(w.dir, "192.0.2.3", is), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(301 * time.Second)
		want("mail.example.test.", "NOERROR | 203.0.113.10") // from the other one
	}
	if err := os.WriteFile(filepath.Join(w.dir, "192.0.2.4", "broken"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(301 * time.Second)
	want("mail.example.test.", "SERVFAIL")
}
