package pf

import (
	"net/netip"
	"testing"
)

// A network is written without the bits of a host, as pf keeps it, and a single address alone; what is none of a family admits nobody of it.
func TestNetworksAreCanonical(t *testing.T) {
	for in, want := range map[string]string{"172.16.15.0/12": "172.16.0.0/12", "203.0.113.7/32": "203.0.113.7", "2001:db8::7/64": "2001:db8::/64", "2001:db8::7/128": "2001:db8::7", "0.0.0.0/0": "0.0.0.0/0"} {
		p := netip.MustParsePrefix(in)
		if got := canonical(p); got != want {
			t.Errorf("%s is written %s, want %s", in, got, want)
		}
		if got, want := table("x", []netip.Prefix{p}), "table <x> persist { "+want+" }\n"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got, some := sources([]netip.Prefix{netip.MustParsePrefix("198.51.100.9/24")}, "inet"); got != "198.51.100.0/24" || !some {
		t.Errorf("%s, %v", got, some)
	}
	if got, some := sources([]netip.Prefix{netip.MustParsePrefix("198.51.100.9/24")}, "inet6"); some {
		t.Errorf("over IPv6 it admits %s", got)
	}
	if got := table("x", nil); got != "table <x> persist\n" {
		t.Errorf("%q", got)
	}
}
