//go:build linux

package main

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/site"
	"postern/steps/does"
	"postern/steps/haraka"
)

// TestHaraka puts Haraka in place on a real proxy, between senders of the world and a mail host that is played here.
func TestHaraka(t *testing.T) {
	t.Parallel()
	for suite, node := range map[string]string{"trixie": "20.", "bookworm": "18."} {
		if suite == "bookworm" && !torture() {
			continue
		}
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			c := &craft{t: t, l: newLab(t, Options{Suite: suite}), host: "proxy"}
			if err := c.l.Trust(); err != nil {
				t.Fatal(err)
			}
			c.join()
			s := site.Default()
			for key, value := range map[string]string{"domain": "example.org", "domains": "example.net", "hostname": "mail.example.org",
				"host.proxy.public4": "203.0.113.10", "host.proxy.public6": "2001:db8:113::10"} {
				if err := site.Set(s, key, value); err != nil {
					t.Fatal(err)
				}
			}
			h := s.Host("proxy")
			c.table = haraka.Table(s, h, haraka.Node{})
			c.table.Things = c.table.Things[:1] // packages stay
			c.settle(does.First)
			before := c.print()
			f, err := c.login().Facts(t.Context(), haraka.Reads(s, h))
			if err != nil {
				t.Fatal(err)
			}
			has, err := haraka.NodeOf(f)
			if err != nil || !strings.HasPrefix(has.Has, node) || !strings.HasPrefix(has.Offered, node) || !has.Npm {
				t.Errorf("%+v, %v", has, err)
			}
			c.table = haraka.Table(s, h, has)
			c.settle(does.Last)
			c.takes()
			c.sends()
			c.killed()
			c.undo()
			c.same("undone", before)
			c.keepsTheirs()
		})
	}
}

// join gives both hosts a link in the tunnel's place, and the world's second address a name that leads to the first.
func (c *craft) join() {
	c.t.Helper()
	for _, do := range [][2]string{
		{"proxy", "link add wg0 type veth peer name wg0 netns " + c.l.netns("mail") + "\naddress add 10.0.0.1/24 dev wg0\nlink set wg0 up\n"},
		{"mail", "address add 10.0.0.2/24 dev wg0\naddress add 10.0.0.9/24 dev wg0\nlink set wg0 up\n"},
	} {
		if err := c.l.ipBatch(c.t.Context(), do[0], do[1]); err != nil {
			c.t.Fatal(err)
		}
	}
	const name = " PTR mx.external.test.\n"
	if err := c.l.PublishLines("77.100.51.198.in-addr.arpa." + name + "78.100.51.198.in-addr.arpa." + name +
		"7.7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.7.7.0.0.8.b.d.0.1.0.0.2.ip6.arpa." + name); err != nil {
		c.t.Fatal(err)
	}
}

// takes sends mail to the instance that takes it.
func (c *craft) takes() {
	t := c.t
	mailHost := &sink{name: "mail host", offers: map[string]bool{"XCLIENT": true}}
	there := mailHost.serve(t, c.l, "mail", "10.0.0.2:25")
	defer func() { there.Close() }()
	const known, none = "XCLIENT ADDR=198.51.100.77 NAME=mx.external.test", `450 "the mail host takes no XCLIENT`
	for _, one := range []struct {
		name     string
		outgoing outgoing
		set      func()
		want     string // what the sender is told; "" for a mail that is taken
		client   string // what the mail host is told of the sender
	}{
		{"a mail", outgoing{}, nil, "", known},
		{"encrypted", outgoing{secure: true, to: "bob@Example.NET"}, nil, "", known},
		{"another's name", outgoing{source: "198.51.100.78"}, nil, "", "XCLIENT ADDR=198.51.100.78 NAME=[UNAVAILABLE]"},
		{"over IPv6", outgoing{server: "[2001:db8:113::10]:25", secure: true}, nil, "", "XCLIENT ADDR=IPV6:2001:db8:77::77 NAME=mx.external.test"},
		{"long lines, and a dot", outgoing{text: strings.Repeat("x", 998) + "\r\n" + strings.Repeat("y", 3000) + "\r\n.dot\r\n"}, nil, "", known},
		{"for somebody else", outgoing{to: "a@external.test"}, nil, "550 ", ""},
		{"for nobody", outgoing{to: "nobody@example.org"}, nil, `550 "5.1.1 nobody"`, known},
		{"for one of two", outgoing{also: "nobody@example.org"}, nil, "", known},
		{"no XCLIENT offered", outgoing{}, func() { mailHost.offers = nil }, none, ""},
		{"no EHLO", outgoing{}, func() { mailHost.noEHLO = true }, none, ""},
		{"XCLIENT refused", outgoing{}, func() {
			mailHost.noEHLO, mailHost.offers, mailHost.refuses = false, map[string]bool{"XCLIENT": true}, "501 no"
		}, none, known},
		{"XCLIENT not now", outgoing{}, func() { mailHost.refuses = "421 later" }, `450 "later`, known},
		{"the mail host is away", outgoing{}, func() { there.Close() }, `450 "the mail host does not answer`, ""},
		{"the mail host is back", outgoing{}, func() { mailHost.refuses, there = "", mailHost.serve(t, c.l, "mail", "10.0.0.2:25") }, "", known},
	} {
		if one.set != nil {
			mailHost.mu.Lock()
			one.set()
			mailHost.mu.Unlock()
		}
		m := one.outgoing
		m.node, m.from, m.to, m.server = "world", "eve@external.test", cmp.Or(m.to, "alice@example.org"), cmp.Or(m.server, "203.0.113.10:25")
		banner, owner, err := m.send(t.Context(), c.l)
		if !strings.HasPrefix(banner, "220 mail.example.org ESMTP ") || strings.Contains(banner, haraka.Version) || m.secure && owner != "mail.example.org" {
			t.Errorf("%s: the banner is %q, the certificate %q's", one.name, banner, owner)
		}
		said, mails := mailHost.told("XCLIENT")
		if got := strings.Join(slices.Compact(said), "\n"); got != one.client {
			t.Errorf("%s: the mail host is told %q; want %q", one.name, got, one.client)
		}
		switch {
		case one.want == "" && (err != nil || len(mails) != 1 || !strings.HasSuffix(mails[0], "\r\n\r\n"+m.body())):
			t.Errorf("%s: %v, the mail host got %.4000q", one.name, err, mails)
		case one.want != "" && (err == nil || !strings.HasPrefix(err.Error(), one.want) || len(mails) > 0):
			t.Errorf("%s: %v, the mail host got %q; want %s", one.name, err, mails, one.want)
		}
	}
}

// sends has the mail host, and others, hand mail to the instance that sends it.
func (c *craft) sends() {
	t := c.t
	world := &sink{name: "mx.external.test", offers: map[string]bool{"STARTTLS": true}}
	world.serve(t, c.l, "world", senderAddr+":25")
	if err := c.l.Publish("external.test.", "@ MX 10 mx\nmx A "+exchangerAddr4+"\nmx AAAA "+exchangerAddr6+"\nsender A "+senderAddr+"\nsink MX 10 sender\n", "ns1", "ns2"); err != nil {
		t.Fatal(err)
	}
	home := &sink{name: "mail host", offers: map[string]bool{"XCLIENT": true}}
	home.serve(t, c.l, "mail", "10.0.0.2:25")
	m := outgoing{node: "mail", source: "10.0.0.2", server: "10.0.0.1:2526", from: "alice@example.org", to: "eve@sink.external.test", text: strings.Repeat("x", 998) + "\r\n"}
	if _, _, err := m.send(t.Context(), c.l); err != nil {
		t.Error(err)
	}
	said, mail := world.got(t)
	if all := said + mail; strings.Contains(all, "10.0.0.") || strings.Contains(all, "Haraka") || strings.Contains(mail, "Received:") || !strings.HasSuffix(mail, m.text) ||
		!strings.HasPrefix(all, "EHLO mail.example.org\nSTARTTLS\nEHLO mail.example.org\nMAIL FROM:<alice@example.org>\n") {
		t.Errorf("the world is told\n%s\n%s", said, mail)
	}
	m.to = "nobody@sink.external.test"
	if _, _, err := m.send(t.Context(), c.l); err != nil {
		t.Error(err)
	}
	if said, mail := home.got(t); !strings.Contains(said, "XCLIENT ADDR=203.0.113.10 NAME=mail.example.org\n") || !strings.Contains(said, "MAIL FROM:<>\nRCPT TO:<alice@example.org>\n") ||
		!strings.Contains(mail, "Subject: could not be delivered: ") || !strings.Contains(mail, "550 5.1.1 nobody") {
		t.Errorf("what cannot be sent comes home as\n%s\n%s", said, mail)
	}
	for name, m := range map[string]outgoing{"another address of the tunnel": {node: "mail", source: "10.0.0.9", server: "10.0.0.1:2526"},
		"the world": {node: "world", server: "203.0.113.10:2526"}, "the world, over IPv6": {node: "world", server: "[2001:db8:113::10]:2526"}} {
		m.from, m.to = "alice@example.org", "eve@sink.external.test"
		if _, _, err := m.send(t.Context(), c.l); err == nil || !strings.HasPrefix(err.Error(), "550 ") && !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// killed ends both with no word of warning, and wants them back.
func (c *craft) killed() {
	for unit, address := range map[string]string{haraka.In: "127.0.0.1:25", haraka.Out: "10.0.0.1:2526"} {
		pid := func() string { return want(c.t, c.l, "proxy", "systemctl", "show", "-P", "MainPID", unit) }
		was := pid()
		want(c.t, c.l, "proxy", "kill", "-KILL", was)
		if err := poll(c.t.Context(), time.Minute, func() bool { return pid() != was && reaches(c.t.Context(), c.l, "proxy", address) == nil }); err != nil {
			c.t.Errorf("%s does not come back: %v", unit, err)
		}
	}
	if out := want(c.t, c.l, "proxy", "sh", "-c", `ps -o user= -C node; journalctl -q -b --no-pager -u 'haraka-*' -g '\[(ERROR|CRIT)\]' -o cat; :`); out != "haraka\nharaka" {
		c.t.Errorf("on the host:\n%s", out)
	}
}

// keepsTheirs: a certificate that lies there already is the one that is used, and stays at an undo.
func (c *craft) keepsTheirs() {
	want(c.t, c.l, "proxy", "sh", "-ec", `useradd --system haraka; mkdir -p /opt/haraka-in/config; cd /opt/haraka-in/config
openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=theirs -keyout tls_key.pem -out tls_cert.pem 2>/dev/null; chown haraka: *; echo other >me`)
	before := c.print()
	c.settle(does.Last)
	m, owner := outgoing{node: "world", server: "203.0.113.10:25", to: "a@external.test", secure: true}, ""
	if err := poll(c.t.Context(), time.Minute, func() bool { _, owner, _ = m.send(c.t.Context(), c.l); return owner != "" }); err != nil || owner != "theirs" {
		c.t.Errorf("the certificate is %q's, %v", owner, err)
	}
	c.undo()
	c.same("undone, with what was there", before)
}
