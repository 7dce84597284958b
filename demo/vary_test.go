package demo_test

import (
	"net/netip"
	"testing"
	"time"

	"postern/demo"
	"postern/remote"
	"postern/run"
	"postern/site"
)

// TestVariations sets the same hosts up with other answers: each must be proven, and have nothing left to do.
func TestVariations(t *testing.T) {
	for name, change := range map[string]func(s *site.Site){
		"IPv6 through the tunnel": func(s *site.Site) { s.Tunnel.Network6 = netip.MustParsePrefix("fd00:10::/64") },
		"masquerade":              func(s *site.Site) { s.Clients.Addresses = "masquerade" },
		"direct":                  func(s *site.Site) { s.Mail.Path = "direct" },
		"limited sources":         func(s *site.Site) { s.From["submission"] = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")} },
		"home network":            func(s *site.Site) { s.Mail.LAN = []netip.Prefix{netip.MustParsePrefix("192.168.50.0/24")} },
		"other tunnel": func(s *site.Site) {
			s.Tunnel.Network, s.Tunnel.Proxy, s.Tunnel.Mail = netip.MustParsePrefix("10.9.8.0/24"), netip.MustParseAddr("10.9.8.1"), netip.MustParseAddr("10.9.8.2")
			s.Tunnel.Interface, s.Tunnel.Port = "wg7", 50000
		},
	} {
		t.Run(name, story(func(t *testing.T) {
			o := newOperator(t, 10*time.Minute)
			change(o.site)
			if err := o.apply(); err != nil {
				t.Fatalf("apply: %v\n%s", err, o.told())
			}
			o.proven("after the apply")
			o.idle()
		}))
	}
}

// TestRebooted proves that everything comes back by itself.
func TestRebooted(t *testing.T) {
	story(func(t *testing.T) {
		o := newOperator(t, 10*time.Minute)
		if err := o.apply(); err != nil {
			t.Fatalf("apply: %v\n%s", err, o.told())
		}
		for _, h := range []*demo.Host{o.w.Proxy, o.w.Mail} {
			h.Restart()
		}
		o.proven("after the reboot")
	})(t)
}

// TestThroughTheProxy reaches the mail host through the tunnel, once there is one, and changes it from there.
func TestThroughTheProxy(t *testing.T) {
	story(func(t *testing.T) {
		o := newOperator(t, 10*time.Minute)
		if err := o.apply(); err != nil {
			t.Fatalf("apply: %v\n%s", err, o.told())
		}
		mail := o.site.Host("mail")
		mail.SSH, mail.Jump = "root@"+o.site.Tunnel.Mail.String(), "proxy"
		o.proven("through the proxy", "host.ways") // there is one way left
		o.site.Ports.IMAPS = 1993
		if err := o.apply(); err != nil {
			t.Fatalf("apply through the proxy: %v\n%s", err, o.told())
		}
		o.proven("after a change through the proxy", "host.ways", "web.clients.autoconfig.example.org")
	})(t)
}

// TestChangesLater opens another port, and then takes one chapter back.
func TestChangesLater(t *testing.T) {
	story(func(t *testing.T) {
		o := newOperator(t, 10*time.Minute)
		if err := o.apply(); err != nil {
			t.Fatalf("apply: %v\n%s", err, o.told())
		}
		o.site.Ports.IMAPS = 1993
		if err := o.apply(); err != nil {
			t.Fatalf("apply of another port: %v\n%s", err, o.told())
		}
		o.proven("with another port", "web.clients.autoconfig.example.org")
		text, err := run.Adopt(t.Context(), remote.Target{Name: "proxy", SSH: o.site.Host("proxy").SSH}, o.connect)
		if err != nil || text == "" {
			t.Errorf("adopt: %v", err)
		}
		if err := o.undo("wireguard"); err != nil {
			t.Errorf("undo of one chapter: %v\n%s", err, o.told())
		}
	})(t)
}
