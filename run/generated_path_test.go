package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"postern/checks"
	"postern/checks/path"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

// nowhere reaches nobody.
type nowhere struct{}

func (nowhere) DialContext(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("no answer")
}

// Hosts whose rules no check calls wrong: wherever the packets of a port end, it is not told that a rule keeps them back.
func TestPathsAgree(t *testing.T) {
	t.Parallel()
	number, followed := 1000, 0
	if testing.Short() {
		number = 150
	}
	for seed := range uint64(number) {
		g, s, hosts := draw(t, seed, 12)
		filled, commands, why := planned(s, hosts)
		if why != "" || len(commands) > 0 || len(wrong(filled, hosts)) > 0 {
			continue
		}
		for _, p := range site.Services(filled) {
			for _, far := range []bool{false, true} {
				followed++
				for _, d := range ends(t, filled, hosts, p, far) {
					if d.Broken >= 0 && (strings.HasSuffix(d.Hops[d.Broken].Name, "firewall") || strings.HasSuffix(d.Hops[d.Broken].Name, "forwarding")) {
						t.Fatalf("seed %d: %s\n%s", seed, d.Words, strings.Join(g.said, "\n"))
					}
				}
			}
		}
	}
	if followed < number {
		t.Errorf("only %d were followed: this test proves little", followed)
	}
}

// ends follows a port whose packets are seen to come to the proxy from somebody of whom nobody's rules speak, or to the mail host, and no further.
func ends(t *testing.T, s *site.Site, hosts map[string]map[string]string, p site.Service, far bool) []path.Diagnosis {
	t.Helper()
	proxy, mail := s.HostsOf(site.Proxy)[0], s.HostsOf(site.Mail)[0]
	client := netip.MustParseAddr("192.0.2.77")
	if len(p.From) > 0 {
		at := slices.IndexFunc(p.From, func(one netip.Prefix) bool { return one.Addr().Is4() })
		if at < 0 {
			return nil
		}
		client = p.From[at].Addr().Next()
	}
	packets := map[string]string{"proxy": fmt.Sprintf("in eth0 %s 40000 %s %d syn\n", client, proxy.Public4, p.Port)}
	if to := s.TunnelAddress(mail); far {
		packets["proxy"] += fmt.Sprintf("out %s %s 40000 %s %d syn\n", s.Tunnel.Interface, client, to, p.Port)
		packets["mail"] = fmt.Sprintf("in %s %s 40000 %s %d syn\n", s.Tunnel.Interface, client, to, p.Port)
	}
	var found []path.Diagnosis
	synctest.Test(t, func(t *testing.T) { // where nothing comes back through the tunnel, a handshake is waited for
		key := strings.Repeat("A", 43) + "="
		env := &checks.Env{Site: s, Here: &checks.Vantage{Name: checks.Here, Dial: nowhere{}}, Hosts: map[string]*checks.Vantage{}}
		for _, h := range s.Hosts {
			told := maps.Clone(hosts[h.Name])
			told["tunnel"] = "== link\n3: " + s.Tunnel.Interface + ": mtu 1420\n== now\n1\n== interface\n" + key + " 51820\n== peers\n"
			if h == proxy {
				told["ssh"] = "== connection\n" + client.String() + " 40000 203.0.113.10 22\n== sshd\nport 22\n"
			}
			facts, knocks := looked(told, path.Reads(s, h)), make(chan bool, 2)
			env.Hosts[h.Name] = &checks.Vantage{Name: h.Name, Facts: facts, Run: func(_ context.Context, q remote.Query) (remote.Answer, error) {
				switch q.ID {
				case "capture":
					<-knocks
					<-knocks
					return remote.Answer{Out: "== packets\n" + packets[h.Name] + "== end\n"}, nil
				case "captured":
					knocks <- true
					return remote.Answer{}, nil
				}
				return remote.Answer{Code: 3}, nil
			}}
			if _, err := seen.Rules.Of(facts); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		found, err = path.Ask(t.Context(), env, p)
		if err != nil {
			t.Fatal(err)
		}
	})
	return found
}
