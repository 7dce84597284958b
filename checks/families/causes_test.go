package families

import (
	"context"
	"slices"
	"strings"
	"testing"

	"postern/checks"
)

// What checks rest on is there, and leads round nowhere.
func TestRests(t *testing.T) {
	var below func(id string, way []string) []string
	below = func(id string, way []string) (all []string) {
		if slices.Contains(way, id) {
			t.Fatalf("it goes round: %v", append(way, id))
		}
		c, ok := checks.Of(id)
		if !ok {
			t.Errorf("%v rests on %s, which is no check", way, id)
		}
		for _, on := range c.Rests {
			one, _, _ := strings.Cut(on, "@")
			all = append(append(all, one), below(one, append(slices.Clone(way), id))...)
		}
		return all
	}
	through := []string{"tunnel.handshake", "tunnel.bytes", "tunnel.tcp", "tunnel.mtu", "tunnel.boot", "tunnel.routing", "host.ways", "firewall.open", "firewall.dnat",
		"firewall.clients", "firewall.relay", "smtp.leaves", "smtp.mailboxes", "smtp.submission"}
	for _, c := range checks.All() {
		on := below(c.ID, nil)
		if c.ID != "host.ssh" && c.ID != "smtp.received" && !slices.Contains(on, "host.ssh") {
			t.Errorf("%s does not rest on the login", c.ID)
		}
		if slices.Contains(through, c.ID) && !slices.Contains(on, "tunnel.unit") {
			t.Errorf("%s is asked through the tunnel and does not rest on its unit: %v", c.ID, on)
		}
	}
}

// stopped is a tunnel's unit that somebody stopped on the mail host: it has no interface, and nobody reaches what lay behind it.
var stopped = also(func(w *world) { w.say("mail", readTunnel, "== down\n== end\n") },
	edit("mail", readUnits, "Id=wg-quick@wg0.service\nLoadState=loaded\nActiveState=active", "Id=wg-quick@wg0.service\nLoadState=loaded\nActiveState=inactive"),
	timeout("here>203.0.113.10:465", "here>203.0.113.10:587", "here>203.0.113.10:993", "mail>10.0.0.1:2526", "proxy>10.0.0.2:22", "proxy>10.0.0.2:993"))

// denied is a rule of the operator's own that refuses mail, where ours was.
var denied = also(edit("proxy", readRules, allow25, "-A ufw-user-input -p tcp -m tcp --dport 25 -j DROP\n"+allow25),
	edit("proxy", "/etc/ufw/user.rules", "### RULES ###\n", "### RULES ###\n\n### tuple ### deny tcp 25 0.0.0.0/0 any 0.0.0.0/0 in\n"), timeout("here>203.0.113.10:25"))

// One fault is one cause, however many findings there are, and two are two.
func TestCausesOfFaults(t *testing.T) {
	for name, c := range map[string]struct {
		spoil   func(*world)
		want    []string
		follows int // at least
	}{
		"healthy":                   {func(*world) {}, nil, 0},
		"the unit is stopped":       {stopped, []string{"tunnel.unit@mail"}, 12},
		"the operator denies":       {denied, []string{"firewall.rules@proxy"}, 1},
		"both":                      {also(stopped, denied), []string{"firewall.rules@proxy", "tunnel.unit@mail"}, 13},
		"not sent on":               {also(edit("proxy", readRules, dnat993+"\n", ""), timeout("here>203.0.113.10:993")), []string{"firewall.rules@proxy"}, 2},
		"ufw is off at home":        {func(w *world) { w.say("mail", readUfw, "== status\nStatus: inactive\n== end\n") }, []string{"firewall.active@mail"}, 1},
		"the provider drops":        {timeout("here>203.0.113.10:80", "here>203.0.113.10:443", "here>203.0.113.10:587"), []string{"firewall.open.http@here", "firewall.open.submission@here"}, 2},
		"provider and tunnel":       {also(stopped, timeout("here>203.0.113.10:80")), []string{"firewall.open.http@here", "tunnel.unit@mail"}, 12},
		"denied and provider":       {also(denied, timeout("here>203.0.113.10:80", "here>203.0.113.10:587")), []string{"firewall.open.http@here", "firewall.open.submission@here", "firewall.rules@proxy"}, 3},
		"mail's rules stop another": {also(edit("mail", readRules, "-A INPUT -j ufw-before-logging-input", "-A INPUT -i wg0 -p tcp -m tcp --dport 587 -j DROP\n-A INPUT -j ufw-before-logging-input"), timeout("proxy>10.0.0.2:993")), []string{"firewall.rules@mail", "tunnel.tcp@proxy"}, 0},
		"mail's rules stop it":      {also(edit("mail", readRules, "-A INPUT -j ufw-before-logging-input", "-A INPUT -i wg0 -p tcp -m tcp --dport 993 -j DROP\n-A INPUT -j ufw-before-logging-input"), timeout("proxy>10.0.0.2:993")), []string{"firewall.rules@mail"}, 1},
		"no way home is asked":      {func(w *world) { w.env.Hosts["mail"].Err, w.env.Hosts["mail"].Dial = errTimeout, nil }, []string{"host.ssh@mail"}, 20},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			healthy := checks.Run(context.Background(), here(), w.env, nil)
			w = newWorld(t)
			c.spoil(w)
			results := checks.Run(context.Background(), here(), w.env, nil)
			was := map[string]bool{}
			for _, r := range healthy {
				was[r.Key()] = r.Amiss()
			}
			results = slices.DeleteFunc(results, func(r checks.Result) bool { return was[r.Key()] }) // what the played world cannot play
			var got []string
			follows := 0
			for _, cause := range checks.Causes(results) {
				got, follows = append(got, cause.Key()), follows+len(cause.Follows)
				t.Logf("%s %s: %s", cause.Outcome, cause.Key(), cause.Saw)
				for _, r := range cause.Follows {
					t.Logf("    %s %s: %s", r.Outcome, r.Key(), r.Saw)
				}
			}
			if !slices.Equal(slices.Sorted(slices.Values(got)), c.want) || follows < c.follows {
				t.Errorf("%v with %d under them; want %v with %d or more", got, follows, c.want, c.follows)
			}
		})
	}
}

// A rule of another program's that stops what is wanted is named by the command that takes it away; ufw's own are not.
func TestTyped(t *testing.T) {
	for _, c := range []struct {
		spoil func(*world)
		want  string
	}{
		{edit("proxy", readRules, "-A INPUT -j ufw-before-logging-input", "-A INPUT -p tcp -m tcp --dport 25 -j DROP\n-A INPUT -j ufw-before-logging-input"), "iptables -D INPUT -p tcp -m tcp --dport 25 -j DROP"},
		{edit("proxy", readRules, "-A FORWARD -j ufw-before-logging-forward", "-A FORWARD -p tcp -m tcp --dport 993 -j REJECT\n-A FORWARD -j ufw-before-logging-forward"), "iptables -D FORWARD -p tcp -m tcp --dport 993 -j REJECT"},
		{edit("proxy", readRules, allow25+"\n", ""), ""},
		{denied, "ufw delete deny 25/tcp"},
		{also(denied, edit("proxy", readRules, "-A INPUT -j ufw-before-logging-input", "-A INPUT -p tcp -m tcp --dport 25 -j DROP\n-A INPUT -j ufw-before-logging-input")), "iptables -D INPUT -p tcp -m tcp --dport 25 -j DROP"},
	} {
		w := newWorld(t)
		c.spoil(w)
		if r := w.ask("firewall.rules")["firewall.rules@proxy"]; r.Type != c.want || r.Outcome != checks.Fail {
			t.Errorf("%s: type %q, want %q: %s", r.Outcome, r.Type, c.want, r.Saw)
		}
	}
}

// Both ends of the tunnel tell of one thing, and so do two ports that are silent for one reason; two hosts do not, nor two records.
func TestAlike(t *testing.T) {
	record := []checks.Record{{Name: "example.org", Type: "MX"}}
	for _, c := range []struct {
		a, b checks.Result
		want int
	}{
		{checks.Result{ID: "tunnel.mtu", From: "proxy", Answer: "tunnel.mtu=1320"}, checks.Result{ID: "tunnel.mtu", From: "mail", Answer: "tunnel.mtu=1320"}, 1},
		{checks.Result{ID: "tunnel.mtu", From: "proxy", Answer: "tunnel.mtu=1320"}, checks.Result{ID: "tunnel.mtu", From: "mail", Answer: "tunnel.mtu=1300"}, 2},
		{checks.Result{ID: "firewall.open.http", From: "here"}, checks.Result{ID: "firewall.open.https", From: "here"}, 1},
		{checks.Result{ID: "host.packages", From: "proxy"}, checks.Result{ID: "host.packages", From: "mail"}, 2},
		{checks.Result{ID: "dns.mx.1", From: "proxy", Records: record}, checks.Result{ID: "dns.mx.2", From: "proxy", Records: record}, 2},
		{checks.Result{ID: "host.clock", From: "proxy"}, checks.Result{ID: "host.packages", From: "proxy"}, 2},
	} {
		c.a.Outcome, c.b.Outcome, c.a.Likely, c.b.Likely = checks.Fail, checks.Fail, "for one reason", "for one reason"
		if got := checks.Causes([]checks.Result{c.a, c.b}); len(got) != c.want {
			t.Errorf("%s and %s: %d causes, want %d", c.a.Key(), c.b.Key(), len(got), c.want)
		}
	}
}

// here are the checks that this world plays.
func here() []checks.Check {
	return slices.DeleteFunc(checks.All(), func(c checks.Check) bool { return c.Step == "dns" || c.Step == "haraka" })
}
