package families

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"postern/checks"
	"postern/remote"
)

// All checks together touch sshd with whole logins only, each way once, and not at all the way that the run's own login came:
// fail2ban counts who hangs up before, ufw's limit and sshd's penalties too.
func TestChecksDoNotKnockAtSSH(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	logins := map[string]int{}
	for name, v := range w.env.Hosts {
		v.Login = func(ctx context.Context, over remote.Dialer, to netip.AddrPort) error {
			conn, err := over.DialContext(ctx, "tcp", to.String())
			if err != nil {
				return err
			}
			conn.Close()
			mu.Lock()
			defer mu.Unlock()
			logins[name+" "+to.String()]++
			return nil
		}
	}
	results := checks.Run(t.Context(), checks.All(), w.env, nil)
	for _, r := range results {
		if r.Outcome != checks.OK && r.Outcome != checks.Skip {
			t.Errorf("%s from %s is %s: %s", r.ID, r.From, r.Outcome, r.Saw)
		}
	}
	want := map[string]int{"proxy [2001:db8:113::10]:22": 1, "proxy 10.0.0.1:22": 1, "mail 10.0.0.2:22": 1}
	for way, n := range logins {
		if want[way] != n {
			t.Errorf("%d logins to %s, want %d", n, way, want[way])
		}
	}
	for way := range want {
		if logins[way] == 0 {
			t.Errorf("no login to %s: the way was not tried", way)
		}
	}
	knocks := 0
	for way, n := range w.dials {
		if strings.HasSuffix(way, ":22") {
			knocks += n
		}
	}
	if knocks != len(want) {
		t.Errorf("%d connections to SSH for %d logins: %v", knocks, len(want), w.dials)
	}
}

// A way that lets nobody in is none.
func TestWaysThatLetNobodyIn(t *testing.T) {
	for name, c := range map[string]struct{ dial, login error }{
		"refused":  {dial: syscall.ECONNREFUSED},
		"no login": {login: context.DeadlineExceeded},
	} {
		w := newWorld(t)
		for _, v := range w.env.Hosts {
			v.Login = func(ctx context.Context, over remote.Dialer, to netip.AddrPort) error {
				conn, err := over.DialContext(ctx, "tcp", to.String())
				if err == nil {
					conn.Close()
				}
				if to.Addr() == w.env.Site.Tunnel.Proxy && c.login != nil {
					err = c.login
				}
				return err
			}
		}
		if c.dial != nil {
			w.answer["mail>10.0.0.1:22"] = c.dial
		}
		ways, _ := checks.Find("host.ways")
		results := checks.Run(t.Context(), []checks.Check{ways}, w.env, nil)
		at := slices.IndexFunc(results, func(r checks.Result) bool {
			return strings.HasPrefix(r.ID, "host.ways") && strings.Contains(r.ID+r.From, "proxy")
		})
		if at < 0 || strings.Contains(results[at].Saw.String(), "through the tunnel") || results[at].Outcome == checks.Fail {
			t.Errorf("%s: %+v", name, results)
		}
	}
}

// A throw-away listener of another run of ours, at the same time, is no service of the host's; what else took the port meanwhile is.
func TestAnotherRunsListenerIsNoService(t *testing.T) {
	open, _ := checks.Find("firewall.open")
	for name, ours := range map[string]bool{"another run's": true, "a service that was just started": false} {
		w := newWorld(t)
		w.env.Hosts["proxy"].Listen = func(context.Context, string, string) (*remote.Listener, error) { return nil, syscall.EADDRINUSE }
		if ours {
			w.listeners["proxy 203.0.113.10:80"] = make(chan netip.AddrPort, 64)
		} else {
			w.strangers = checks.Here + ">203.0.113.10:80"
		}
		results := checks.Run(t.Context(), []checks.Check{open}, w.env, nil)
		at := slices.IndexFunc(results, func(r checks.Result) bool { return r.ID == "firewall.open.http" })
		if at < 0 || results[at].Outcome != checks.OK || results[at].Vacant != ours {
			t.Errorf("%s: %+v", name, results[at])
		}
	}
}

// Where the host is about to start a service, which may want the port, no listener of ours stands in its way.
func TestNobodyStandsInForWhatStarts(t *testing.T) {
	for _, c := range []struct {
		units   string
		takes   time.Duration
		listens bool
	}{
		{"Id=postfix.service\nType=forking\n", time.Hour, false},
		{"Id=postfix.service\nType=forking\n", 5 * time.Second, true},
		{"Id=apt-daily.service\nType=oneshot\n", time.Hour, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.starting, w.settles = c.units, time.Now().Add(c.takes)
			w.env.Now = time.Now()
			r := w.ask("firewall.dnat")["firewall.dnat.submission@here"]
			if got := w.listens > 0; got != c.listens || (r.Outcome == checks.OK) != c.listens || !c.listens && !strings.Contains(r.Evidence.String()+r.Saw.String(), "postfix.service is being started") {
				t.Errorf("%+v: %d listeners, %s: %s\n%s", c, w.listens, r.Outcome, r.Saw, r.Evidence)
			}
		})
	}
}
