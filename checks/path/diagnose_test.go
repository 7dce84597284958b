package path

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"postern/checks"
	"postern/remote"
)

// The edges that a connection to a port of the mail host comes by, and of one to the proxy's own, as the hosts tell them.
var (
	onward = []string{"proxy in eth0 C P syn", "proxy out wg0 C M syn", "mail in wg0 C M syn", "mail out wg0 M C synack", "proxy in wg0 M C synack", "proxy out eth0 P C synack"}
	own    = []string{"proxy in eth0 C P syn", "proxy out eth0 P C synack"}
	shake  = []string{"mail out eth0 W T initiation", "proxy in eth0 N T initiation", "proxy out eth0 T N response", "mail in eth0 T W response"}
)

// seenAs gives each host the packets of a list, by the parser of what capture.pl tells.
func seenAs(t *testing.T, s *Signals, edges ...string) {
	t.Helper()
	names := strings.NewReplacer(" C", " 198.51.100.20 40000", " P", " "+ends(s.Public), " M", " 10.0.0.2 993", " T", " 203.0.113.10 51820", " N", " 198.51.100.20 50000",
		" W", " 192.168.50.2 50000", " X", " 10.0.0.99 993", " D", " 172.17.0.2 993", " Y", " 203.0.113.99 51820")
	for _, side := range []*Side{&s.Proxy, &s.Mail} {
		text := "== packets\n"
		for _, edge := range edges {
			if rest, ok := strings.CutPrefix(edge, side.Host+" "); ok {
				text += names.Replace(rest) + "\n"
			}
		}
		var err error
		if side.Captured, err = parse(remote.Answer{Out: text + "== end\n"}); err != nil {
			t.Fatal(err)
		}
	}
}

func ends(a netip.AddrPort) string { return fmt.Sprintf("%s %d", a.Addr(), a.Port()) }

// healthy are the signals of a site that works.
func healthy(t *testing.T, service string) Signals {
	t.Helper()
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	accept := Rule{Verdict: "ACCEPT", Text: "-A ufw-user-input -j ACCEPT"}
	end := End{Set: true, Runs: true, Unit: "active enabled", Handshake: now.Add(-time.Minute), Now: now, Allows: true, Rx: [2]int64{1, 2}, Tx: [2]int64{1, 2}, Port: 51820}
	s := Signals{Service: service, Proto: "tcp", From: checks.Here, Client: netip.MustParseAddr("198.51.100.20"), Interface: "wg0", UDP: 51820,
		Dial: Dial{To: "203.0.113.10", Answer: checks.Open}, Proxy: Side{Host: "proxy", Device: "eth0", Begins: accept, Sent: accept, Lets: accept, Back: accept, Carrier: accept, Listener: "haraka", End: end},
		Mail: Side{Host: "mail", Device: "eth0", Begins: accept, Sent: accept, Lets: accept, Back: accept, Carrier: accept, Listener: "dovecot", End: end}}
	s.Proxy.End.Key, s.Proxy.End.Peer, s.Mail.End.Key, s.Mail.End.Peer = "proxykey", "mailkey1", "mailkey1", "proxykey"
	s.Mail.End.Endpoint = netip.MustParseAddrPort("203.0.113.10:51820")
	switch service {
	case "smtp", "https":
		s.Public, s.Target = netip.MustParseAddrPort("203.0.113.10:25"), netip.MustParseAddrPort("203.0.113.10:25")
		seenAs(t, &s, own...)
	case "imaps":
		s.Public, s.Target, s.Forwarded = netip.MustParseAddrPort("203.0.113.10:993"), netip.MustParseAddrPort("10.0.0.2:993"), true
		s.Proxy.Sent = Rule{Verdict: "DNAT", Text: "-A postern-pre -j DNAT", To: "10.0.0.2:993"}
		seenAs(t, &s, onward...)
	case "tunnel":
		s.Public, s.Proto, s.From = netip.MustParseAddrPort("203.0.113.10:51820"), "udp", "mail"
		seenAs(t, &s, shake...)
	}
	return s
}

// closed is the same with no answer, and others that do answer from the same place.
func closed(s *Signals) {
	s.Dial.Answer = checks.Dropped
	s.Others = []Dial{{To: "mx.example.net:25", Answer: checks.Open}}
	s.Mail.End.Rx[1], s.Proxy.End.Rx[1] = s.Mail.End.Rx[0], s.Proxy.End.Rx[0]
}

func drop(rule, whose, undo string) Rule {
	return Rule{Verdict: "DROP", Text: rule, Whose: whose, Undo: undo}
}

var told = []struct {
	service, name string
	edges         []string // nil: as they are of one that works
	change        func(*Signals)
	words, action string // what they begin with, or hold
}{
	{"smtp", "home keeps it back", []string{}, func(s *Signals) { s.Others[0].Answer = checks.Dropped }, "the network of here itself keeps port 25 back", "another network"},
	{"smtp", "nobody can be asked", []string{}, func(s *Signals) { s.Others = nil }, "where it ends cannot be told", ""},
	{"smtp", "names dead", []string{}, func(s *Signals) { s.Others[0].Answer = checks.NoPlace }, "where it ends cannot be told", ""},
	{"smtp", "no route", []string{}, func(s *Signals) { s.Dial.Answer, s.Others = checks.NoRoute, nil }, "where it ends cannot be told: nothing can be asked from here", ""},
	{"smtp", "somebody answers", []string{}, func(s *Signals) { s.Dial.Answer = checks.Open }, "somebody between here and proxy answers for it", "another network"},
	{"smtp", "provider drops", []string{}, nil, "the provider drops port 25/tcp over IPv4", "open incoming port 25/tcp"},
	{"smtp", "provider refuses", []string{}, func(s *Signals) { s.Dial.Answer = checks.Refused }, "the provider refuses port 25/tcp over IPv4", "open incoming port 25/tcp"},
	{"smtp", "proxy not seen", []string{}, func(s *Signals) { s.Proxy.Error = "no perl" }, "what passes proxy could not be seen: no perl", ""},
	{"smtp", "own deny", own[:1], func(s *Signals) {
		s.Proxy.Lets = drop("-A ufw-user-input", "your own ufw rule (deny 25/tcp)", "ufw delete deny 25/tcp")
	}, "your own ufw rule (deny 25/tcp) keeps it back on proxy", "ufw delete deny 25/tcp"},
	{"smtp", "not let in", own[:1], func(s *Signals) { s.Proxy.Lets = drop("policy of INPUT", "", "") }, "the firewall of proxy does not let it pass", "postern apply firewall"},
	{"smtp", "banned", own[:1], func(s *Signals) {
		s.Proxy.Lets = drop("-A f2b-postfix -s 198.51.100.20", "fail2ban", "fail2ban-client unban 198.51.100.20")
	}, "fail2ban on proxy has banned 198.51.100.20", "fail2ban-client unban"},
	{"smtp", "a list", own[:1], func(s *Signals) {
		s.Proxy.Lets = Rule{Verdict: "ACCEPT", Doubt: "-A INPUT -m set --match-set bad src -j DROP", Whose: "a rule that is neither ufw's nor ours", Undo: "iptables -D INPUT"}
	}, "neither ufw's nor ours keeps it back on proxy: -A INPUT -m set", "iptables -D"},
	{"smtp", "a ban that answers", []string{own[0], "proxy out eth0 P C rst"}, banned, "fail2ban on proxy has banned 198.51.100.20", "fail2ban-client unban"},
	{"smtp", "a ban, and nobody listens", []string{own[0], "proxy out eth0 P C rst"}, func(s *Signals) { banned(s); s.Proxy.Listener = "" }, "on proxy nothing listens at port 25", "postern apply haraka"},
	{"https", "its container is silent", []string{own[0], "proxy out docker0 C D syn"}, func(s *Signals) {
		s.Proxy.Sent, s.Proxy.Docker = Rule{Verdict: "DNAT", To: "172.17.0.2:25"}, "web"
	}, "the container web on proxy gets it and does not answer", "docker restart web"},
	{"smtp", "sent elsewhere", own[:1], func(s *Signals) { s.Proxy.Sent = Rule{Verdict: "DNAT", Text: "-A PREROUTING", To: "10.0.0.2:25"} }, "proxy sends port 25 on to 10.0.0.2:25", "postern apply firewall"},
	{"smtp", "nobody listens", []string{own[0], "proxy out eth0 P C rst"}, func(s *Signals) { s.Dial.Answer, s.Proxy.Listener = checks.Refused, "" }, "on proxy nothing listens at port 25", "postern apply haraka"},
	{"smtp", "listens aside", []string{own[0], "proxy out eth0 P C rst"}, func(s *Signals) { s.Proxy.Listener, s.Proxy.Aside = "", []string{"haraka at 127.0.0.1"} }, "only haraka at 127.0.0.1", "have it listen at 203.0.113.10"},
	{"smtp", "answer kept back", own[:1], func(s *Signals) { s.Proxy.Back = drop("-A OUTPUT", "a rule", "iptables -D OUTPUT") }, "a rule keeps it back on proxy: -A OUTPUT", "iptables -D OUTPUT"},
	{"smtp", "swallowed", own[:1], nil, "where it ends cannot be told: a SYN came to proxy", ""},
	{"smtp", "stateless", own, nil, "the answers of proxy are dropped behind it", "open connections"},
	{"smtp", "only for some", own[:1], func(s *Signals) { s.Sources = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} }, "smtp is open to 192.0.2.0/24 only", "postern --set from.smtp="},

	{"imaps", "raw", onward[:1], func(s *Signals) { s.Proxy.Begins = drop("-A PREROUTING", "a rule", "iptables -t raw -D PREROUTING") }, "a rule keeps it back on proxy", "iptables -t raw"},
	{"imaps", "not sent on", []string{onward[0], "proxy out eth0 P C rst"}, func(s *Signals) { s.Proxy.Sent = Rule{Verdict: "ACCEPT"} }, "proxy does not send port 993 on to 10.0.0.2:993", "postern apply firewall"},
	{"imaps", "answered by the proxy", []string{onward[0], onward[5]}, func(s *Signals) { s.Proxy.Sent, s.Dial.Answer = Rule{Verdict: "ACCEPT"}, checks.Open }, "proxy does not send port 993 on to 10.0.0.2:993", "postern apply firewall"},
	{"imaps", "wrong target", []string{onward[0], "proxy out wg0 C X syn"}, func(s *Signals) {
		s.Proxy.Sent.To, s.Proxy.Sent.Undo = "10.0.0.99:993", "iptables -t nat -D PREROUTING"
	}, "proxy sends port 993 to 10.0.0.99:993 by wg0, not to 10.0.0.2:993", "iptables -t nat -D"},
	{"imaps", "Docker first", []string{onward[0], "proxy out docker0 C D syn"}, func(s *Signals) { s.Proxy.Sent.To, s.Proxy.Docker = "172.17.0.2:993", "web" }, "Docker on proxy takes port 993 for its container web", "docker stop web"},
	{"smtp", "Docker first", []string{own[0], "proxy out docker0 C D syn"}, func(s *Signals) {
		s.Proxy.Sent, s.Proxy.Docker = Rule{Verdict: "DNAT", To: "172.17.0.2:25"}, "web"
	}, "Docker on proxy takes port 25 for its container web, and it is for a service of its own", "docker stop web"},
	{"imaps", "forward drop", onward[:1], func(s *Signals) { s.Proxy.Lets = drop("-A FORWARD", "a rule", "iptables -D FORWARD") }, "a rule keeps it back on proxy: -A FORWARD", "iptables -D FORWARD"},
	{"imaps", "forwarding off", onward[:1], func(s *Signals) { s.Proxy.Stops = "net.ipv4.ip_forward" }, "proxy forwards nothing: net.ipv4.ip_forward is 0", "sysctl -w"},
	{"imaps", "unit stopped", onward[:2], func(s *Signals) { s.Mail.End = End{Set: true, Unit: "stopped enabled"} }, "the tunnel is stopped on mail: wg-quick@wg0 is stopped enabled", "systemctl start wg-quick@wg0"},
	{"imaps", "unit stopped on proxy", onward[:1], func(s *Signals) { s.Proxy.End = End{Set: true, Unit: "stopped"} }, "the tunnel is stopped on proxy", "systemctl start"},
	{"imaps", "never set up", onward[:2], func(s *Signals) { s.Mail.End = End{} }, "the tunnel is not set up on mail", "postern apply wireguard"},
	{"imaps", "AllowedIPs", onward[:2], func(s *Signals) { s.Mail.End.Allows = false; beats(s) }, "AllowedIPs leaves them out", "postern apply wireguard"},
	{"imaps", "lost in the tunnel", onward[:2], beats, "the tunnel does not bring it to mail", "postern why tunnel"},
	{"imaps", "mail not asked", onward[:2], func(s *Signals) { s.Mail.Error = "not reached"; s.Mail.End = End{Error: "not reached"} }, "where it ends cannot be told", ""},
	{"imaps", "mail's firewall", onward[:3], func(s *Signals) {
		s.Mail.Lets = drop("-A ufw-user-input", "your own ufw rule (deny in on wg0)", "ufw delete deny in on wg0")
	}, "your own ufw rule (deny in on wg0) keeps it back on mail", "ufw delete"},
	{"imaps", "DOCKER-USER", onward[:3], func(s *Signals) {
		s.Mail.Docker, s.Mail.Lets = "dovecot", drop("-A DOCKER-USER", "a rule", "iptables -D DOCKER-USER")
	}, "a rule keeps it back on mail: -A DOCKER-USER", "iptables -D DOCKER-USER"},
	{"imaps", "container does not run", append(onward[:3:3], "mail out wg0 M C rst"), func(s *Signals) {
		s.Mail.Listener, s.Mail.Idle, s.Mail.IdleWhy = "", "dovecot", "cannot assign requested address"
	}, "the container dovecot on mail, which is for port 993, does not run: cannot assign", "docker start dovecot"},
	{"imaps", "container is silent", append(onward[:3:3], "mail out docker0 C D syn"), func(s *Signals) { s.Mail.Docker = "dovecot" }, "the container dovecot on mail gets it and does not answer", "docker restart dovecot"},
	{"imaps", "nobody listens", append(onward[:3:3], "mail out wg0 M C rst"), func(s *Signals) { s.Mail.Listener = "" }, "on mail nothing listens at port 993", "start the service"},
	{"imaps", "another way back", append(onward[:3:3], "mail out eth0 M C synack"), func(s *Signals) { s.Mail.Routed = "100: from 10.0.0.2 lookup 999" }, "the answers of mail leave by another way", "ip -4 rule delete pref 100"},
	{"imaps", "answers lost", onward[:4], beats, "the answers of mail get lost in the tunnel", "postern why tunnel"},
	{"imaps", "answers kept back", onward[:5], func(s *Signals) { s.Proxy.Back = drop("-A FORWARD -i wg0", "a rule", "iptables -D FORWARD") }, "a rule keeps it back on proxy: -A FORWARD -i wg0", "iptables -D FORWARD"},
	{"imaps", "large", nil, func(s *Signals) { s.Dial.Answer, s.Large, s.Answer = checks.Open, "proxy: 1340 fit", "tunnel.mtu=1340" }, "large packets do not fit through the tunnel", "postern --set tunnel.mtu=1340"},

	{"tunnel", "wrong key on mail", shake[:2], func(s *Signals) { s.Mail.End.Peer = "another1" }, "mail has a wrong key for proxy", "postern apply wireguard"},
	{"tunnel", "no peer on mail", []string{}, func(s *Signals) { s.Mail.End.Peer = "" }, "the tunnel of mail knows no peer", "postern apply wireguard"},
	{"tunnel", "wrong endpoint", []string{"mail out eth0 W Y initiation"}, nil, "dials a wrong endpoint: 203.0.113.99:51820", "postern apply wireguard"},
	{"tunnel", "wrong endpoint, right file", []string{}, func(s *Signals) {
		s.Mail.End.Endpoint, s.Mail.End.Written = netip.MustParseAddrPort("203.0.113.99:51820"), true
	}, "dials a wrong endpoint: 203.0.113.99:51820", "systemctl restart wg-quick@wg0"},
	{"tunnel", "no endpoint", []string{}, func(s *Signals) { s.Mail.End.Endpoint = netip.AddrPort{} }, "does not know where to dial", "postern apply wireguard"},
	{"tunnel", "mail lets nothing out", []string{}, func(s *Signals) { s.Mail.Carrier = drop("-A OUTPUT", "a rule", "iptables -D OUTPUT") }, "a rule keeps it back on mail", "iptables -D OUTPUT"},
	{"tunnel", "dropped there", shake[:1], nil, "udp port 51820 is dropped on its way from mail to proxy", "open incoming port 51820/udp"},
	{"tunnel", "proxy's firewall", shake[:2], func(s *Signals) { s.Proxy.Carrier = drop("-A INPUT", "a rule", "iptables -D INPUT") }, "a rule keeps it back on proxy", "iptables -D INPUT"},
	{"tunnel", "wrong key on proxy", shake[:2], func(s *Signals) { s.Proxy.End.Peer = "" }, "proxy has a wrong key for mail: none", "postern apply wireguard"},
	{"tunnel", "preshared", shake[:2], func(s *Signals) { s.Proxy.End.Shared = "x" }, "different preshared keys", "postern apply wireguard"},
	{"tunnel", "port", shake[:2], func(s *Signals) { s.Proxy.End.Port = 1 }, "listens at port 1, not at 51820", "postern apply wireguard"},
	{"tunnel", "clock", shake[:2], func(s *Signals) { s.Mail.End.Now = s.Mail.End.Now.Add(-time.Hour) }, "the clock of mail was set back", "timedatectl"},
	{"tunnel", "clock was ahead", shake[:2], nil, "proxy takes no handshake of mail: the clock of mail was ahead", "systemctl restart wg-quick@wg0"},
	{"tunnel", "unanswered", shake[:2], func(s *Signals) { s.Mail.End = End{Error: "not reached"} }, "gets handshakes of mail and answers none", "postern apply wireguard"},
	{"tunnel", "dropped back", shake[:3], nil, "is dropped on its way back to mail", "let port 51820/udp out"},
	{"tunnel", "not heard", shake, nil, "its own firewall or a wrong key keeps them back", "postern apply firewall"},
	{"tunnel", "of a session before", []string{"proxy out eth0 T N data", "mail in eth0 T W data"}, func(s *Signals) { s.Mail.End.Handshake = time.Time{} }, "where it ends cannot be told", ""},
	{"tunnel", "large", nil, func(s *Signals) { beats(s); s.Large, s.Answer = "mail: 1340 fit", "tunnel.mtu=1340" }, "large packets do not fit", "postern --set tunnel.mtu=1340"},
	{"tunnel", "nothing begun", []string{}, nil, "where it ends cannot be told", ""},
}

// banned has a set of nft's hold whoever asked, or not: that is not read.
func banned(s *Signals) {
	s.Proxy.Lets = Rule{Verdict: "ACCEPT", Doubt: "tcp dport 25 ip saddr @addr-set-mail reject", Whose: "fail2ban", Undo: "fail2ban-client unban 198.51.100.20"}
}

// beats has the tunnel carry something meanwhile.
func beats(s *Signals) { s.Mail.End.Rx[1]++; s.Proxy.End.Rx[1]++ }

func TestDiagnose(t *testing.T) {
	for _, c := range told {
		t.Run(c.service+" "+c.name, func(t *testing.T) {
			s := healthy(t, c.service)
			closed(&s)
			if c.edges != nil {
				seenAs(t, &s, c.edges...)
			}
			if c.change != nil {
				c.change(&s)
			}
			d := Diagnose(s)
			if !strings.Contains(d.Words, c.words) || !strings.Contains(d.Action, c.action) || strings.Contains(d.Words, "\n") {
				t.Errorf("%q, do on %q %q\nwant %q, %q\n%+v", d.Words, d.On, d.Action, c.words, c.action, d.Hops)
			}
			if open := c.action == ""; open != (d.Outcome() == checks.Unknown) || open != (d.Broken < 0) || d.Confidence != Certain && d.Settles == "" {
				t.Errorf("%s, broken %d, %s, settled by %q", d.Outcome(), d.Broken, d.Confidence, d.Settles)
			}
			if doubted := s.Proxy.Lets.Doubt != "" && !s.closed(); doubted && d.Confidence != Likely {
				t.Errorf("a rule of which nobody knows whether it fits is %s", d.Confidence)
			}
			for i, h := range d.Hops {
				if i > 0 && h.State == Passed && d.Hops[i-1].State != Passed {
					t.Errorf("%s passed, and it is not known whether %s was", h.Name, d.Hops[i-1].Name)
				}
			}
			if _, err := json.Marshal(d); err != nil {
				t.Error(err)
			}
		})
	}
}

// A host of which nothing can be seen pass is judged by its rules and listeners, and never against what the dial measured.
func TestDiagnoseBlind(t *testing.T) {
	for _, answer := range []checks.Answer{checks.Open, checks.Dropped} {
		for _, service := range []string{"smtp", "imaps"} {
			s := healthy(t, service)
			s.Dial.Answer = answer
			seenAs(t, &s)
			s.Proxy.Error, s.Mail.Error = "no perl", "no perl"
			s.Proxy.Listener, s.Mail.Listener = "", ""
			if d := Diagnose(s); (d.Outcome() == checks.OK) != (answer == checks.Open) || answer != checks.Open && !strings.Contains(d.Words, "nothing listens") {
				t.Errorf("%s %s: %s: %s", service, answer, d.Outcome(), d.Words)
			}
			s.Proxy.Device, s.Mail.Device = "", "" // not read at all
			if d := Diagnose(s); answer != checks.Open && (d.Outcome() != checks.Unknown || d.Settles == "") {
				t.Errorf("%s %s: nothing is known, and %s: %s", service, answer, d.Outcome(), d.Words)
			}
		}
	}
}

// A home without IPv6 is no fault of the port.
func TestDiagnoseWithout6(t *testing.T) {
	s := healthy(t, "smtp")
	s.Public, s.Client, s.Dial.Answer = netip.MustParseAddrPort("[2001:db8:113::10]:25"), netip.Addr{}, checks.NoRoute
	s.Target = s.Public
	seenAs(t, &s)
	found := s
	found.Blind, found.Dial.Answer = checks.Without6("here"), checks.NoPlace // it was seen before anything was dialled
	for _, s := range []Signals{s, found} {
		if d := Diagnose(s); d.Outcome() != checks.Skip || !strings.HasSuffix(d.Words, "was not asked: here has no IPv6 to ask from") || d.Action != "" {
			t.Errorf("%s: %s", d.Outcome(), d.Words)
		}
	}
}

// What works is never told to be broken; and where the packets end, the hop that breaks is not before the last that let them on, whatever else is known.
func TestDiagnoseFollows(t *testing.T) {
	for service, edges := range map[string][]string{"smtp": own, "imaps": onward, "tunnel": shake} {
		d := Diagnose(healthy(t, service))
		if d.Outcome() != checks.OK || d.Action != "" {
			t.Errorf("%s works, and is said to be %s: %s", service, d.Outcome(), d.Words)
		}
		for _, h := range d.Hops {
			if h.State != Passed {
				t.Errorf("%s works, and %s is %s", service, h.Name, h.State)
			}
		}
		last := 0
		for n := range len(edges) + 1 {
			s := healthy(t, service)
			closed(&s)
			seenAs(t, &s, edges[:n]...)
			d := Diagnose(s)
			if d.Outcome() == checks.OK && n < len(edges) {
				t.Errorf("%s ends after %d edges, and is ok", service, n)
			}
			reached := len(d.Hops)
			for i, h := range d.Hops {
				if h.State != Passed {
					reached = i
					break
				}
			}
			if reached < last {
				t.Errorf("%s: after %d edges it comes to hop %d, and after fewer to %d", service, n, reached, last)
			}
			last = reached
		}
	}
}
