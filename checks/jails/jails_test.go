package jails

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/site"
)

// world is one host with two jails that is as it should be; a story breaks one thing in it.
type world struct {
	site   *site.Site
	facts  map[string]string
	counts bool // pf counts what is dialled
	dial   func(to netip.AddrPort) (net.Conn, error)
}

const counters = "|  [ Evaluations: 9         Packets: @N@         Bytes: 0           States: 0     ]\n"

func healthy() *world {
	s := site.Default()
	s.Layout, s.Hosts = "toaster", s.Hosts[:1]
	s.Hosts[0].Public4 = netip.MustParseAddr("203.0.113.10")
	s.Jails = []site.Jail{
		{Name: "dovecot", Address4: netip.MustParseAddr("172.16.15.15"), Ports: []int{993, 143}},
		{Name: "haraka", Address4: netip.MustParseAddr("172.16.15.9"), Ports: []int{25}},
		{Name: "mysql", Address4: netip.MustParseAddr("172.16.15.4")},
	}
	rdr := func(port, to string) string {
		return "|rdr on em0 inet proto tcp from any to 203.0.113.10 port = " + port + " -> " + to + "\n" + counters
	}
	conf := func(name string) string {
		return "file /etc/jail.conf.d/" + name + ".conf\n|" + name + " {\n|exec.created = \"/etc/mail-toaster/pfrule.sh load " + name + "\";\n|exec.poststop = \"/etc/mail-toaster/pfrule.sh unload " + name + "\";\n|}\n"
	}
	s.Domain, s.Hostname = "example.org", "mail.example.org"
	w := &world{site: s, counts: true, facts: map[string]string{
		"pf":        "== running\nyes\n== rules\n5\n== ours\n0\n== path\n/etc/pf.conf\n== text\n|block in log on em0\n",
		"ssh":       "== connection\n198.51.100.20 40000 203.0.113.10 22\n== sshd\nport 22\n",
		"addresses": "== ifconfig\nem0: flags=8843<UP> metric 0 mtu 1500\n\tinet 203.0.113.10 netmask 0xffffff00\nlo1: flags=8049<UP> metric 0 mtu 16384\n\tinet 172.16.15.15 netmask 0xffffffff\n== default inet\n  interface: em0\n== netstat\n",
		"anchors": "== rules\n|rdr-anchor \"rdr/*\" all\n|block drop in log on em0 all\n|pass out on em0 all flags S/SA keep state\n|anchor \"allow/*\" all\n|anchor \"filter/*\" all\ntable bruteforce 0\n" +
			"== anchor rdr\n== anchor filter\n== anchor rdr/dovecot\n" + rdr("993", "172.16.15.15") + "== anchor filter/dovecot\n|pass in quick inet proto tcp from any to 172.16.15.15 port = 993 flags S/SA keep state\n" +
			"== anchor rdr/haraka\n" + rdr("25", "172.16.15.9") + "== anchor filter/haraka\n|pass in quick inet proto tcp from any to 172.16.15.9 port = 25 flags S/SA keep state\n",
		"toaster": "== jls\nname=dovecot ip4.addr=172.16.15.15\nname=haraka ip4.addr=172.16.15.9\nname=mysql ip4.addr=172.16.15.4\n== conf\n" + conf("dovecot") + conf("haraka") +
			"== files\nfile /etc/mail-toaster/haraka/pf.conf.d/rdr.conf\n|rdr on em0 inet proto tcp from any to 203.0.113.10 port 25 -> 172.16.15.9\n== scripts\n/etc/mail-toaster/pfrule.sh runs named tables\n",
	}}
	w.dial = func(to netip.AddrPort) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			if site.Greeting(int(to.Port())) == site.SpeaksTLS {
				_ = tls.Server(there, &tls.Config{Certificates: []tls.Certificate{certificate()}}).Handshake()
			} else {
				_, _ = there.Write([]byte("220 mail.example.org ESMTP\r\n"))
			}
			there.Close()
		}()
		return here, nil
	}
	return w
}

func (w *world) DialContext(_ context.Context, _, to string) (net.Conn, error) {
	return w.dial(netip.MustParseAddrPort(to))
}

func (w *world) answer(id, packets string) remote.Answer {
	return remote.Answer{Out: strings.ReplaceAll(w.facts[id], "@N@", packets) + "== end\n"}
}

// ask asks all checks of the family.
func (w *world) ask(t *testing.T) map[string]checks.Result {
	t.Helper()
	v := &checks.Vantage{Name: "proxy", Facts: remote.Facts{Answers: map[string]remote.Answer{}}, Run: func(_ context.Context, q remote.Query) (remote.Answer, error) {
		if w.counts {
			return w.answer(q.ID, "3"), nil
		}
		return w.answer(q.ID, "0"), nil
	}}
	for id := range w.facts {
		v.Facts.Answers[id] = w.answer(id, "0")
	}
	env := &checks.Env{Site: w.site, Now: time.Now(), Clock: time.Now, Hosts: map[string]*checks.Vantage{"proxy": v}, Here: &checks.Vantage{Name: checks.Here, Dial: w}}
	all := map[string]checks.Result{}
	for _, r := range checks.Run(context.Background(), checks.All(), env, nil) {
		all[r.ID] = r
	}
	return all
}

func TestHealthyJails(t *testing.T) {
	all := healthy().ask(t)
	want := map[string]checks.Outcome{"jails.rules.dovecot": "ok", "jails.rules.haraka": "ok", "jails.rules.mysql": "skip", "jails.policy": "ok", "jails.hooks": "ok",
		"jails.ports.dovecot-993": "ok", "jails.certificates.dovecot-993": "fail", "jails.ports.dovecot-143": "skip", "jails.ports.haraka-25": "ok"}
	for id, outcome := range want {
		if r := all[id]; r.Outcome != outcome {
			t.Errorf("%s is %q: %s (%s)", id, r.Outcome, r.Saw, r.Evidence)
		}
	}
	if len(all) != len(want) {
		t.Errorf("%d results, not %d", len(all), len(want))
	}
}

func TestBrokenJails(t *testing.T) {
	change := func(id, old, new string) func(*world) {
		return func(w *world) {
			if !strings.Contains(w.facts[id], old) {
				panic(id + " does not hold " + old)
			}
			w.facts[id] = strings.ReplaceAll(w.facts[id], old, new)
		}
	}
	meets := func(err error) func(*world) {
		return func(w *world) { w.dial = func(netip.AddrPort) (net.Conn, error) { return nil, err } }
	}
	says := func(text string) func(*world) {
		return func(w *world) {
			w.dial = func(netip.AddrPort) (net.Conn, error) {
				here, there := net.Pipe()
				go func() { _, _ = io.Copy(io.Discard, there) }()
				go func() { _, _ = there.Write([]byte(text)); there.Close() }()
				return here, nil
			}
		}
	}
	for _, story := range []struct {
		name  string
		spoil func(*world)
		id    string
		want  checks.Outcome
		words string
	}{
		{"pf was switched off", change("pf", "yes", "no"), "jails.policy", checks.Fail, "pf does not run"},
		{"pf was switched off", change("pf", "yes", "no"), "jails.rules.haraka", checks.Fail, "pf does not run"},
		{"the block line is out of use", change("anchors", "|block drop in log on em0 all\n", ""), "jails.policy", checks.Fail, "everything that listens is open"},
		{"a rule lets all in", change("anchors", "|anchor \"allow/*\" all\n", "|pass in all flags S/SA keep state\n"), "jails.policy", checks.Fail, "it gets in by"},
		{"an anchor is empty after a boot", change("anchors", "|rdr on em0 inet proto tcp from any to 203.0.113.10 port = 25 -> 172.16.15.9\n"+counters, ""), "jails.rules.haraka", checks.Fail, "203.0.113.10:25 is refused by"},
		{"the main file calls allow alone", change("anchors", "|anchor \"filter/*\" all\n", ""), "jails.rules.dovecot", checks.Fail, "is refused"},
		{"another jail has the port", change("anchors", "172.16.15.9", "172.16.15.15"), "jails.rules.haraka", checks.Fail, "goes to 172.16.15.15:25, not to 172.16.15.9:25"},
		{"rules that stand in no file", change("anchors", "|rdr on em0 inet proto tcp from any to 203.0.113.10 port = 25 -> 172.16.15.9\n", "|rdr on em0 inet proto tcp from any to 203.0.113.10 port = 25 -> 172.16.15.9\n|rdr on em0 inet proto tcp from any to 203.0.113.10 port = 26 -> 172.16.15.9\n"), "jails.rules.haraka", checks.Warn, "the anchor rdr/haraka holds 2 rules"},
		{"a jail is refused by another", change("anchors", "== anchor filter/dovecot\n", "== anchor filter/dovecot\n|block return in log quick inet proto tcp from 172.16.15.9 to 172.16.15.15 flags S/SA\n|  [ Evaluations: 9         Packets: 4         Bytes: 240         States: 0     ]\n"), "jails.rules.dovecot", checks.Warn, "haraka was refused 4 times at dovecot: jail.haraka.reach"},
		{"a jail is refused by one that offers nothing", change("anchors", "== anchor filter\n", "== anchor filter/mysql\n|block return in log quick inet proto tcp from 172.16.15.9 to 172.16.15.4 flags S/SA\n|  [ Evaluations: 9         Packets: 4         Bytes: 240         States: 0     ]\n"), "jails.rules.mysql", checks.Warn, "haraka was refused 4 times at mysql: jail.haraka.reach"},
		{"a rule is not understood", change("anchors", "|block drop in log on em0 all\n", "|block drop in log on em0 all\n|pass in quick user 7 something\n"), "jails.rules.haraka", checks.Unknown, ""},
		{"pf cannot be read", change("anchors", "== rules", "== anchor $(x)"), "jails.rules", checks.Unknown, "pfctl"},
		{"a jail has no hooks", change("toaster", "exec.created = \"/etc/mail-toaster/pfrule.sh load haraka\"", "exec.clean"), "jails.hooks", checks.Fail, "the jail haraka loads no rules when it starts"},
		{"a jail leaves its rules", change("toaster", "exec.poststop = \"/etc/mail-toaster/pfrule.sh unload haraka\"", "exec.clean"), "jails.hooks", checks.Fail, "takes no rules away"},
		{"the script is gone", change("toaster", "/etc/mail-toaster/pfrule.sh runs named tables\n", ""), "jails.hooks", checks.Fail, "which is not there"},
		{"the script does not run", change("toaster", "pfrule.sh runs", "pfrule.sh"), "jails.hooks", checks.Fail, "may not be executed"},
		{"a table is missing", change("toaster", "|rdr on", "|table <mua> persist file \"/etc/mail-toaster/haraka/pf.conf.d/mua.table\"\n|rdr on"), "jails.hooks", checks.Fail, "refused as a whole"},
		{"a jail was renamed", change("toaster", "/etc/mail-toaster/haraka/pf.conf.d/rdr.conf", "/etc/mail-toaster/mailman/pf.conf.d/rdr.conf"), "jails.hooks", checks.Warn, "a jail that is not there"},
		{"a stopped jail has rules", change("toaster", "name=haraka ip4.addr=172.16.15.9\n", ""), "jails.hooks", checks.Warn, "the jail does not run"},
		{"a stopped jail is not asked", change("toaster", "name=haraka ip4.addr=172.16.15.9\n", ""), "jails.ports.haraka-25", checks.Skip, "does not run"},
		{"nothing answers", meets(context.DeadlineExceeded), "jails.ports.dovecot-993", checks.Fail, "no answer"},
		{"port 25 is silent", meets(context.DeadlineExceeded), "jails.ports.haraka-25", checks.Unknown, "no answer"},
		{"this place cannot ask", meets(remote.ErrNoVantage), "jails.ports.dovecot-993", checks.Unknown, "cannot be asked"},
		{"a service that is down behind synproxy", says(""), "jails.ports.haraka-25", checks.Fail, "does not speak"},
		{"another service answers", says("SSH-2.0-x\r\n"), "jails.ports.haraka-25", checks.Fail, "SSH-2.0-x"},
		{"pf counts nothing", func(w *world) { w.counts = false }, "jails.ports.dovecot-993", checks.Warn, "no rule of the jail counted it"},
		{"the host is not known", func(w *world) { w.site.Hosts[0].Public4 = netip.Addr{} }, "jails.ports", checks.Unknown, "public address is not known"},
		{"nobody vouches for its certificate", func(*world) {}, "jails.certificates.dovecot-993", checks.Fail, "certificate"},
		{"it shows none", says("nothing\r\n"), "jails.certificates.dovecot-993", checks.Fail, ""},
		{"the host name is not known", func(w *world) { w.site.Hostname = "" }, "jails.certificates", checks.Skip, "no names"},
		{"the layout is another", func(w *world) { w.site.Layout = "proxy" }, "jails.rules", checks.Skip, "no jails"},
	} {
		t.Run(story.name, func(t *testing.T) {
			w := healthy()
			story.spoil(w)
			r, there := w.ask(t)[story.id]
			if !there || r.Outcome != story.want || !strings.Contains(r.Saw.String()+" "+r.Likely+" "+r.Evidence.String(), story.words) {
				t.Errorf("%s is %q: %s (%s)\n%s", story.id, r.Outcome, r.Saw, r.Likely, r.Evidence)
			}
		})
	}
}
