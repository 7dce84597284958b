package families

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"postern/checks"
)

// A run that was stopped before it began says nothing is ok that is measured on the network, and nothing is broken.
func TestStoppedRunBlamesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w := newWorld(t)
	var list []checks.Check
	for _, id := range []string{"firewall.open", "firewall.closed", "firewall.dnat", "firewall.relay", "firewall.clients", "tunnel.tcp", "host.ways"} {
		c, _ := checks.Find(id)
		list = append(list, c)
	}
	for _, r := range checks.Run(ctx, list, w.env, nil) {
		if r.Outcome != checks.Unknown && r.Outcome != checks.Skip {
			t.Errorf("%s from %s is %s: %s", r.ID, r.From, r.Outcome, r.Saw)
		}
	}
}

// Checks that ask the same thing ask it once.
func TestOneDialServesAllChecks(t *testing.T) {
	w := newWorld(t)
	synctest.Test(t, func(*testing.T) { // no machine is too slow: a silent port would be asked again
		checks.Run(context.Background(), checks.All(), w.env, nil)
	})
	if n := w.dials["here>203.0.113.10:993"]; n != 1 {
		t.Errorf("the forwarded port was dialled %d times for three checks", n)
	}
	if n := w.dials["here>203.0.113.10:2526"]; n != 1 {
		t.Errorf("the relay port was dialled %d times for two checks", n)
	}
	if w.most > 2*12 {
		t.Errorf("%d listeners at once on two hosts", w.most)
	}
}

// From the proxy itself, outside is the mail host; from the mail host, the proxy is outside of itself all the same.
func TestOutsideIsElsewhere(t *testing.T) {
	for _, c := range []struct{ hereIs, host, want string }{
		{"", "proxy", checks.Here}, {"", "mail", "proxy"}, {"proxy", "proxy", "mail"}, {"proxy", "mail", checks.Here}, {"mail", "proxy", checks.Here}, {"mail", "mail", "proxy"},
	} {
		w := newWorld(t)
		w.env.HereIs = c.hereIs
		v, err := w.env.Outside(w.env.Site.Host(c.host))
		if err != nil || v.Name != c.want {
			t.Errorf("here is %q: outside of %s is %v (%v), want %s", c.hereIs, c.host, v, err, c.want)
		}
	}
	w := newWorld(t)
	w.env.HereIs = "proxy"
	w.lose("mail")
	if v, err := w.env.Outside(w.env.Site.Host("proxy")); err == nil {
		t.Errorf("there is no outside, and %v was given", v)
	}
}

// Several hosts of a role give several results with keys of their own.
func TestTwoProxies(t *testing.T) {
	w := newWorld(t)
	second := *w.env.Site.Host("proxy")
	second.Name, second.Public4 = "second", netip.MustParseAddr("203.0.113.11")
	w.env.Site.Hosts = append(w.env.Site.Hosts, &second)
	seen := map[string]bool{}
	var about bool
	for _, r := range checks.Run(context.Background(), checks.All(), w.env, nil) {
		if seen[r.Key()] {
			t.Errorf("two results with the key %s", r.Key())
		}
		seen[r.Key()] = true
		about = about || strings.Contains(r.ID+r.From, "second") && r.Outcome == checks.Unknown
	}
	if !about {
		t.Error("the second proxy, which was not looked at, is not told of")
	}
}

func TestToasterIsSkipped(t *testing.T) {
	w := newWorld(t)
	w.env.Site.Layout = "toaster"
	for _, r := range checks.Run(context.Background(), checks.All(), w.env, nil) {
		if strings.HasPrefix(r.ID, "firewall.") && r.Outcome != checks.Skip {
			t.Errorf("%s is %s", r.ID, r.Outcome)
		}
	}
}
