package path

import (
	"strings"
	"testing"

	"postern/site"
)

func TestNamed(t *testing.T) {
	s := site.Default()
	for text, want := range map[string]string{"25": "smtp, 25/tcp", "imaps": "imaps, 993/tcp", "993/TCP": "imaps, 993/tcp", "51820/udp": "tunnel, 51820/udp", "tunnel": "tunnel, 51820/udp",
		"ssh": "ssh, 22/tcp", "8080": "8080/tcp", "53/udp": "", "0": "", "70000": "", "imaps/sctp": "", "": "", "x": ""} {
		p, err := Named(s, text)
		if got := Called(p); err == nil && got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v; want %q", text, got, err, want)
		}
		if again, err := Named(s, Word(p)); want != "" && (err != nil || Called(again) != want) {
			t.Errorf("%q is called %q, which is %q, %v", text, Word(p), Called(again), err)
		}
	}
	for id, want := range map[string]string{"firewall.dnat.imaps": "imaps", "firewall.open.smtp.v6": "smtp", "tunnel.mtu": "tunnel", "host.ssh": "ssh", "host.ways": "ssh", "dns.mx": "", "smtp.relay": "smtp"} {
		if got := About(s, id); got != want {
			t.Errorf("%s is about %q, want %q", id, got, want)
		}
	}
}

// Before anything is done it is said: what is sent, to whom, and that nothing stays.
func TestSays(t *testing.T) {
	s := site.Default()
	for text, want := range map[string]string{"smtp": "port 25 of gmail-smtp-in.l.google.com", "tunnel": "ping through the tunnel", "ssh": "the login"} {
		p, _ := Named(s, text)
		if said := strings.Join(Says(p), "\n"); !strings.Contains(said, want) || strings.Contains(said, "packet socket") != (text != "ssh") {
			t.Errorf("%s: %s", text, said)
		}
	}
	s.Ports.SMTP = 2525
	p, _ := Named(s, "smtp")
	if said := strings.Join(Says(p), "\n"); strings.Contains(said, "gmail") {
		t.Errorf("at a port of its own nobody else is asked: %s", said)
	}
}
