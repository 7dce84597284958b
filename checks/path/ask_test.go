package path

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

// dialer tells where it was sent, and connects nobody.
type dialer struct {
	mu sync.Mutex
	to []string
}

func (d *dialer) DialContext(_ context.Context, network, address string) (net.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if network == "udp6" {
		return nil, errors.New("no IPv6")
	}
	d.to = append(d.to, address)
	return nil, errors.New("no way")
}

// places are two hosts that show packets, and tell of themselves no more than their addresses and how one logged in.
func places(t *testing.T, s *site.Site, d *dialer, ran *[]string) *checks.Env {
	t.Helper()
	e := &checks.Env{Site: s, Here: &checks.Vantage{Name: checks.Here, Dial: d}, Hosts: map[string]*checks.Vantage{}}
	for _, h := range s.Hosts {
		facts := remote.Facts{Answers: map[string]remote.Answer{
			seen.Addresses.Query(s, h).ID: {Out: "== addresses\n2: eth0    inet 203.0.113.10/24 scope global eth0\n== routes4\ndefault via 203.0.113.1 dev eth0\n== routes6\n== end\n"},
			seen.Listeners.Query(s, h).ID: {Out: "== sockets\n== end\n"},
			seen.SSH.Query(s, h).ID:       {Out: "== connection\n198.51.100.20 40000 203.0.113.10 2222\n== sshd\nport 2222\n== end\n"},
		}}
		var mu sync.Mutex
		knocks := make(chan bool, 9)
		e.Hosts[h.Name] = &checks.Vantage{Name: h.Name, Facts: facts, Dial: d, Run: func(ctx context.Context, q remote.Query) (remote.Answer, error) {
			mu.Lock()
			*ran = append(*ran, h.Name+" "+q.ID)
			mu.Unlock()
			switch q.ID {
			case "capture":
				for range 2 {
					<-knocks
				}
				return remote.Answer{Out: "== packets\nin eth0 198.51.100.20 40000 203.0.113.10 25 syn\nin eth0 2001:db8::1 40000 2001:db8::2 25 syn\nin eth0 192.0.2.99 40000 203.0.113.10 25 syn\n== end\n"}, nil
			case "captured":
				knocks <- true
				return remote.Answer{}, nil
			}
			return remote.Answer{Code: 3}, nil
		}}
	}
	return e
}

// A port is dialled once for each family while both hosts look; of SSH, at whatever port, the login is the proof, and nothing is sent.
func TestAsk(t *testing.T) {
	s := site.Default()
	for _, h := range s.Hosts {
		h.SSH = "root@203.0.113.10"
	}
	s.HostsOf(site.Proxy)[0].Public4 = netip.MustParseAddr("203.0.113.10")
	for text, dials := range map[string]string{"25": "203.0.113.10:25", "2222": "", "ssh": ""} {
		d, ran := &dialer{}, []string{}
		port, err := Named(s, text)
		if err != nil {
			t.Fatal(err)
		}
		found, err := Ask(t.Context(), places(t, s, d, &ran), port)
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: %v, %v", text, found, err)
		}
		if got := strings.Join(d.to, " "); got != dials {
			t.Errorf("%s: dialled %q, want %q", text, got, dials)
		}
		if looked := strings.Contains(strings.Join(ran, "\n"), "capture"); looked != (dials != "") {
			t.Errorf("%s: ran %q", text, ran)
		}
		if text == "25" && (found[0].Signals.arrived() != 1 || len(found[0].Signals.Proxy.Captured.Packets) != 1) {
			t.Errorf("%d came, of %v", found[0].Signals.arrived(), found[0].Signals.Proxy.Captured)
		}
		if text == "ssh" && (found[0].Outcome() != checks.OK || found[0].Signals.Public.Port() != 2222) {
			t.Errorf("ssh: %s at %s", found[0].Words, found[0].Signals.Public)
		}
	}
	e := places(t, s, &dialer{}, &[]string{})
	e.Here = nil
	if port, err := Named(s, "25"); err != nil {
		t.Fatal(err)
	} else if found, err := Ask(t.Context(), e, port); err != nil || len(found) != 1 || found[0].Outcome() == checks.OK {
		t.Errorf("nobody could dial, and: %v, %v", found, err)
	}
	if _, err := Ask(t.Context(), &checks.Env{Site: &site.Site{}}, site.Service{}); err == nil {
		t.Error("a site without hosts was asked")
	}
}
