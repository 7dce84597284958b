package site

import (
	"net/netip"
	"testing"
)

// What is kept is read, shown and refused as every answer is.
func TestKept(t *testing.T) {
	s := Default()
	for text, want := range map[string]string{
		"3000/tcp":                              "3000/tcp",
		"8123/TCP@192.168.50.0/24, 51821/udp":   "8123/tcp@192.168.50.0/24, 51821/udp",
		"445/tcp@192.168.50.7 445/tcp@fd00::/8": "445/tcp@192.168.50.7/32, 445/tcp@fd00::/8",
		"":                                      "",
	} {
		if err := Set(s, "host.proxy.keep", text); err != nil {
			t.Fatal(err)
		}
		if f, _ := FieldOf(s, "host.proxy.keep"); f.Get(s) != want {
			t.Errorf("%q is kept as %q, want %q", text, f.Get(s), want)
		}
	}
	for _, text := range []string{"3000", "3000/sctp", "0/tcp", "70000/udp", "/tcp", "3000/tcp@", "3000/tcp@192.168.50.1/24", "3000/tcp@lan", "@10.0.0.0/8"} {
		if err := Set(s, "host.proxy.keep", text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	if err := Set(s, "host.proxy.keep", "3000/tcp, 445/tcp@192.168.50.0/24"); err != nil {
		t.Fatal(err)
	}
	h := s.Host("proxy")
	at, none := netip.MustParseAddr("192.168.50.10"), netip.Addr{}
	if !h.KeepsOpen("tcp", 3000, none) || h.KeepsOpen("udp", 3000, at) || h.KeepsOpen("tcp", 445, none) || !h.KeepsOpen("tcp", 445, at) {
		t.Error("to whom a port is open is told wrongly")
	}
}
