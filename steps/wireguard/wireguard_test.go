package wireguard

import (
	"strings"
	"testing"

	"postern/remote"
	"postern/site"
	"postern/steps/does"
)

const (
	proxyKey = "op+ckV+8ahtZ2QHTH7mWx55FQdsHqDX2LFXx4kOrxxg="
	mailKey  = "eWUsI6khqQA7oRS4eE+poMSjroPO4TQ4lJ6f31XQCzk="
)

func answer(t *testing.T, s *site.Site, lines ...string) {
	t.Helper()
	for _, line := range lines {
		key, value, _ := strings.Cut(line, " = ")
		if err := site.Set(s, key, strings.TrimSpace(value)); err != nil {
			t.Fatal(err)
		}
	}
}

func tunnelSite(t *testing.T, answers ...string) *site.Site {
	t.Helper()
	s := site.Default()
	answer(t, s, append([]string{"host.proxy.public4 = 203.0.113.10"}, answers...)...)
	return s
}

func TestRenderedConf(t *testing.T) {
	s := tunnelSite(t, "tunnel.network6 = fd77::/64", "tunnel.port = 51999")
	keys := map[string]string{"proxy": proxyKey, "mail": mailKey}
	mail := renderConf(s, s.Host("mail"), keys, 1400, tableText)
	for _, want := range []string{
		"\nAddress = 10.0.0.2/24\n", "\nAddress = fd77::2/64\n", "\nMTU = 1400\n", "\nTable = off\n", "\nEndpoint = 203.0.113.10:51999\n",
		"\nAllowedIPs = 0.0.0.0/0, ::/0\n", "\nPersistentKeepalive = 25\n", "PostUp = ip -6 rule add pref 20720 from fd77::2 table 20720\n",
		"PostUp = wg set %i private-key /etc/wireguard/%i.key\n",
	} {
		if !strings.Contains(mail, want) {
			t.Errorf("mail lacks %q:\n%s", want, mail)
		}
	}
	proxy := renderConf(s, s.Host("proxy"), keys, 1400, tableText)
	for _, want := range []string{"\nListenPort = 51999\n", "\nAllowedIPs = 10.0.0.2/32, fd77::2/128\n", "\nAddress = 10.0.0.1/24\n"} {
		if !strings.Contains(proxy, want) {
			t.Errorf("proxy lacks %q:\n%s", want, proxy)
		}
	}
	for name, text := range map[string]string{"mail": mail, "proxy": proxy} {
		if strings.Contains(strings.ToLower(text), "privatekey") {
			t.Errorf("%s: a private key stands in the file", name)
		}
		for _, line := range strings.Split(text, "\n") { // wg-quick cuts every line at a #
			if i := strings.Index(line, "#"); i > 0 {
				t.Errorf("%s: wg-quick would cut %q", name, line)
			}
		}
	}
	if strings.Contains(proxy, "Table") || strings.Contains(proxy, "Endpoint") {
		t.Errorf("the proxy dials or routes:\n%s", proxy)
	}
}

// With Table left to wg-quick, 0.0.0.0/0 would take the host's own default route.
func TestMailKeepsItsDefaultRoute(t *testing.T) {
	for _, clients := range []string{"preserve", "masquerade"} {
		s := tunnelSite(t, "clients.addresses = "+clients)
		text := renderConf(s, s.Host("mail"), map[string]string{"proxy": proxyKey, "mail": mailKey}, 1420, tableText)
		all, off := strings.Contains(text, "0.0.0.0/0"), strings.Contains(text, "\nTable = off\n")
		if all != off || all != (clients == "preserve") {
			t.Errorf("%s: everything allowed %v, own table %v", clients, all, off)
		}
	}
}

func TestTunnelMTU(t *testing.T) {
	for name, c := range map[string]struct {
		answers, path, conf string
		want                int
		told                bool
	}{
		"answered":           {"tunnel.mtu = 1300", "reply 1500\n", "", 1300, false},
		"measured":           {"tunnel.mtu = ", "reply 1460\n", "", 1400, true},
		"at most":            {"tunnel.mtu = ", "reply 1500\n", "", 1420, true},
		"dropped":            {"tunnel.mtu = ", "limit \n", "", 1280, true},
		"not asked":          {"tunnel.mtu = ", "", "", 1280, true},
		"over IPv6":          {"host.proxy.ssh = root@[2001:db8:113::10]", "reply 1460\n", "", 1380, true},
		"as it was":          {"tunnel.mtu = ", "reply 1500\n", does.BlockBegin + "\n[Interface]\nMTU = 1390\n" + does.BlockEnd + "\n", 1390, false},
		"a guess, later":     {"tunnel.mtu = ", "reply 1460\n", does.BlockBegin + "\n[Interface]\nMTU = 1280\n" + does.BlockEnd + "\n", 1400, true},
		"still a guess":      {"tunnel.mtu = ", "limit \n", does.BlockBegin + "\n[Interface]\nMTU = 1280\n" + does.BlockEnd + "\n", 1280, false},
		"a guess, and right": {"tunnel.mtu = ", "reply 1340\n", does.BlockBegin + "\n[Interface]\nMTU = 1280\n" + does.BlockEnd + "\n", 1280, false},
		"somebody's":         {"tunnel.mtu = ", "reply 1500\n", "[Interface]\nMTU = 1390\n", 1420, true},
		"not believed ":      {"tunnel.mtu = ", "reply 1500\n", does.BlockBegin + "\n[Interface]\nMTU = 9\n" + does.BlockEnd + "\n", 1420, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := site.Default()
			answer(t, s, "host.proxy.ssh = root@203.0.113.10", c.answers)
			f := remote.Facts{Answers: map[string]remote.Answer{"path": {Out: "== sizes\n" + c.path + "== end\n"}}}
			e := See(s, s.Host("mail"), f)
			if c.conf != "" {
				e.conf = &remote.File{Text: c.conf}
			}
			got, note := e.MTU()
			if got != c.want || (note != nil) != c.told {
				t.Errorf("%d, %+v", got, note)
			}
		})
	}
}

// Whatever stands in a file, a plan ends.
func FuzzConf(f *testing.F) {
	f.Add("[Interface]\nAddress=10.0.0.1/24\n" + does.BlockBegin + "\n" + does.BlockEnd)
	s := site.Default()
	f.Fuzz(func(t *testing.T, text string) {
		for i, h := range append(s.Hosts, s.Clone().Hosts...) {
			if i > 1 {
				h.System = site.FreeBSD
			}
			e := See(s, h, remote.Facts{Answers: map[string]remote.Answer{ConfPath(h, "wg0"): {Out: text}, "rcconf": {Out: "== value\npf_enable=NO\n== tunnels\nwg0\n== end\n"}}})
			_, notes := e.Configure(map[string]string{"proxy": proxyKey, "mail": mailKey}, 1420)
			for _, n := range notes {
				if strings.ContainsAny(n.Text, "\x1b\x07\r") {
					t.Fatalf("control characters in a note: %q", n.Text)
				}
			}
		}
	})
}
