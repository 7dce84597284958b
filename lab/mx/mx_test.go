package mx

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/smtp"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"postern/lab/dns"
)

// TestExchanger: a client is told where it comes from, cannot relay, and what it brings is written down with all that was seen.
func TestExchanger(t *testing.T) {
	public, private, _ := ed25519.GenerateKey(nil)
	s := Server{Name: "mx.external.test", Domain: "external.test", Folder: t.TempDir(), Resolver: names(t, map[string]string{
		"example.org.":          "mail A 127.0.0.7\n@ TXT \"v=spf1 a:mail.example.org -all\"\nkey._domainkey TXT \"v=DKIM1;k=ed25519;p=" + base64.StdEncoding.EncodeToString(public) + "\"\n",
		"0.0.127.in-addr.arpa.": "7 PTR mail.example.org.\n",
	})}
	conns, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conns.Close()
	go func() { _ = s.Serve(conns) }()

	from := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 7)} // the names of the first may stand in a file of this machine
	raw, err := (&net.Dialer{LocalAddr: from}).Dial("tcp", conns.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(time.Minute))
	said := &heard{Conn: raw}
	c, err := smtp.NewClient(said, s.Name)
	if err != nil {
		t.Fatal(err)
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(c.Hello("mail.example.org"))
	if !strings.Contains(said.String(), "250-mx.external.test at your service, [127.0.0.7]\r\n250-PIPELINING\r\n") {
		t.Errorf("it says %q", said)
	}
	do(c.StartTLS(&tls.Config{InsecureSkipVerify: true}))
	do(c.Mail("ann@example.org"))
	if err := c.Rcpt("eve@example.net"); err == nil || !strings.HasPrefix(err.Error(), "550 ") {
		t.Errorf("relaying: %v", err)
	}
	do(c.Rcpt("Bob@External.test"))
	var text bytes.Buffer
	do(dkim.Sign(&text, strings.NewReader("From: ann@example.org\r\nSubject: hello\r\n\r\n.\r\n"), &dkim.SignOptions{Domain: "example.org", Selector: "key", Signer: private}))
	w, err := c.Data()
	do(err)
	_, err = w.Write(text.Bytes())
	do(err)
	do(w.Close())
	do(c.Quit())

	found, _ := filepath.Glob(filepath.Join(s.Folder, "bob", "*.json"))
	if len(found) != 1 {
		t.Fatalf("%d messages for bob", len(found))
	}
	as, _ := os.ReadFile(strings.TrimSuffix(found[0], ".json") + ".eml")
	if !bytes.Equal(as, text.Bytes()) {
		t.Errorf("it came as %q", as)
	}
	b, _ := os.ReadFile(found[0])
	var got Letter
	do(json.Unmarshal(b, &got))
	want := Letter{got.Time, got.Client, []string{"mail.example.org."}, "mail.example.org", "TLS 1.3", "ann@example.org", []string{"Bob@External.test"}, "pass",
		[]Signature{{"example.org", "key", "ok"}}, ""}
	if !reflect.DeepEqual(got, want) || got.Client.String() != "127.0.0.7" {
		t.Errorf("%s", b)
	}
}

// heard keeps what was read.
type heard struct {
	net.Conn
	strings.Builder
}

func (h *heard) Write(b []byte) (int, error) { return h.Conn.Write(b) }

func (h *heard) Read(b []byte) (int, error) {
	n, err := h.Conn.Read(b)
	h.Builder.Write(b[:n])
	return n, err
}

// names is a resolver of a few zones.
func names(t *testing.T, zones map[string]string) *net.Resolver {
	folder := t.TempDir()
	for zone, records := range zones {
		text := "@ 300 IN SOA ns.invalid. host.invalid. 7 3600 600 86400 60\n" + records
		if err := os.WriteFile(filepath.Join(folder, dns.FileOf(zone)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	conns, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	packets, err := net.ListenPacket("udp", conns.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conns.Close(); packets.Close() })
	go func() { _ = dns.Serve(packets, conns, dns.Server{Folder: folder}) }()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, conns.Addr().String())
	}}
}
