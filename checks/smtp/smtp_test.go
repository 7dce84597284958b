package smtp

import (
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

// notThere is what a site without it is not asked about.
var notThere = map[string][]string{"direct": {"smtp.haraka", "smtp.smarthost", "smtp.outbound.v6"}, "haraka": {"smtp.smarthost", "smtp.outbound.v6"},
	"smarthost": {"smtp.outbound", "smtp.outbound.v6"}, "wrapped": {"smtp.outbound", "smtp.outbound.v6"}}

// A site that works is ok, on either path.
func TestWhatWorksIsOK(t *testing.T) {
	for name, edit := range map[string]func(*world){"direct": nil, "haraka": haraka, "smarthost": smarthost, "wrapped": by(func(m *site.Smarthost) { m.Port = 465 })} {
		w := newWorld(t)
		if edit != nil {
			edit(w)
		}
		w.sends()
		w.env.Saved, w.env.Names = []byte(original(t)), resolver(records())
		results := w.ask()
		if len(results) < 14 {
			t.Errorf("%s: only %d results", name, len(results))
		}
		for id, r := range results {
			if r.Outcome != checks.OK && (r.Outcome != checks.Skip || !slices.Contains(notThere[name], id)) {
				t.Errorf("%s: %s is %s: %s\n%s", name, id, r.Outcome, r.Saw, r.Evidence)
			}
		}
	}
}

const relayed = "250 2.1.5 Ok"

// stories break one thing each, and say which result tells of it.
var stories = []struct {
	name  string
	spoil func(*world)
	id    string
	want  checks.Outcome
	words string
	also  string // results that are not ok either
}{
	{"nobody is there", func(w *world) { delete(w.servers, atSMTP) }, "smtp.answers", checks.Fail, "refused", "smtp.relay.smtp"},
	{"the network keeps port 25 back", silent(atSMTP), "smtp.answers", checks.Unknown, "no answer", "smtp.relay.smtp"},
	{"a worker that dies", says(atSMTP, "", ""), "smtp.answers", checks.Fail, "nobody greets", "smtp.relay.smtp"},
	{"turned away", says(atSMTP, "", "554 5.7.1 no"), "smtp.answers", checks.Fail, "554 5.7.1 no", "smtp.relay.smtp"},
	{"too busy", says(atSMTP, "", "421 4.3.2 all ports busy"), "smtp.answers", checks.Fail, "421", "smtp.relay.smtp"},
	{"another name", says(atSMTP, "", "220 home.lan ESMTP"), "smtp.answers", checks.Warn, "greets as home.lan", ""},
	{"no TLS", says(atSMTP, "EHLO", "250 mail.example.org"), "smtp.answers", checks.Warn, "offers no TLS", ""},
	{"TLS that is promised only", says(atSMTP, "STARTTLS", "454 4.7.0 TLS not available"), "smtp.answers", checks.Fail, "TLS not available", "smtp.relay.smtp"},
	{"EHLO is not known", says(atSMTP, "EHLO", "502 what?"), "smtp.answers", checks.Fail, "EHLO: 502", "smtp.relay.smtp"},
	{"a greeting that never ends", says(atSMTP, "", "220-"+strings.Repeat("mail.example.org\n220-", 20000)+"\n220 x"), "smtp.answers", checks.Fail, "nobody greets", "smtp.relay.smtp"},

	{"an open relay", says(atSMTP, "RCPT TO:", relayed), "smtp.relay.smtp", checks.Fail, "an open relay: from <> to <relaytest@example.com>: 250", ""},
	{"an open relay that hangs up on some", both(says(atSMTP, "RCPT TO:<relaytest@example.com>", relayed), says(atSMTP, "RCPT TO:<example.com!relaytest>", "")), "smtp.relay.smtp", checks.Fail, "an open relay: from <> to <relaytest@example.com>: 250", ""},
	{"hangs up on some", says(atSMTP, "RCPT TO:<example.com!relaytest>", ""), "smtp.relay.smtp", checks.Unknown, "not asked to the end: it hangs up at RCPT", ""},
	{"by percent", says(atSMTP, "RCPT TO:<relaytest%example.com@example.org>", relayed), "smtp.relay.smtp", checks.Fail, "relaytest%example.com@example.org", ""},
	{"by a bang", says(atSMTP, "RCPT TO:<example.com!relaytest@[203.0.113.10]>", relayed), "smtp.relay.smtp", checks.Fail, "example.com!relaytest@[203.0.113.10]", ""},
	{"by a source route", says(atSMTP, "RCPT TO:<@mail.example.org:relaytest@example.com>", relayed), "smtp.relay.smtp", checks.Fail, "@mail.example.org:relaytest", ""},
	{"quoted", says(atSMTP, `RCPT TO:<"relaytest@example.com">`, relayed), "smtp.relay.smtp", checks.Fail, `"relaytest@example.com"`, ""},
	{"for whom the proxy speaks", says(atInside, "RCPT TO:", relayed), "smtp.relay.inside", checks.Fail, "an open relay", ""},
	{"without a login", says(atSubmission, "RCPT TO:", relayed), "smtp.relay.submission", checks.Fail, "an open relay", ""},
	{"without a login, in TLS", says(atSubmissions, "RCPT TO:", relayed), "smtp.relay.submissions", checks.Fail, "an open relay", ""},
	{"a place on a block list", both(says(atSMTP, "RCPT TO:", "554 5.7.1 blocked using zen.example"), says(atSMTP, "RCPT TO:<postmaster@example.org>", "554 5.7.1 blocked using zen.example")),
		"smtp.relay.smtp", checks.Unknown, "refused whatever it asks: 554 5.7.1 blocked", ""},
	{"greylisted", says(atSMTP, "RCPT TO:", "450 4.2.0 Greylisted, come back"), "smtp.relay.smtp", checks.Unknown, "put off", ""},
	{"the sender is not liked", says(atSMTP, "MAIL FROM:", "550 5.7.1 go away"), "smtp.relay.smtp", checks.Unknown, "refused whatever it asks", ""},
	{"the mail host is away", both(haraka, says(atSMTP, "RCPT TO:<postmaster@example.org>", "450 the mail host does not answer"),
		says(atSMTP, "RCPT TO:<relaytest%example.com@example.org>", "450 the mail host does not answer")), "smtp.relay.smtp", checks.Unknown, "put off, not refused: from <antispam@example.com> to <relaytest%example.com@example.org>: 450 the mail host", ""},
	{"a listener of ours", says(atSMTP, "", "postern 198.51.100.20 40000"), "smtp.answers", checks.Fail, "refused", "smtp.relay.smtp"},
	{"senders are looked up", both(says(atSMTP, "MAIL FROM:<antispam@", "450 4.1.8 <x>: Sender address rejected: Domain not found"), says(atSMTP, "RCPT TO:", relayed)), "smtp.relay.smtp", checks.Fail, "an open relay", ""},
	{"fail2ban counts", told("mail", "jails", "sshd", "sshd, postfix"), "smtp.relay.smtp", checks.Unknown, "would ban the place", "smtp.relay.inside smtp.relay.submission smtp.relay.submissions"},

	{"fail2ban does not tell", told("mail", "jails", "== end\n", ""), "smtp.relay.smtp", checks.Unknown, "not asked, for it may get the place that asks banned", "smtp.relay.inside smtp.relay.submission smtp.relay.submissions"},
	{"a part of it is refused whatever it asks", func(w *world) {
		for _, f := range forms(w.env.Site, netip.MustParseAddr("203.0.113.10"))[:atOnce] {
			says(atSMTP, "RCPT TO:<"+f.to+">", "554 5.7.1 blocked")(w)
		}
		says(atSMTP, "RCPT TO:<postmaster@example.org>", "554 5.7.1 blocked")(w)
	}, "smtp.relay.smtp", checks.Unknown, "refused whatever it asks: 554", ""},

	{"no submission", func(w *world) { delete(w.servers, atSubmission) }, "smtp.submission.submission", checks.Fail, "refused", "smtp.relay.submission"},
	{"another check's listener at submission", standsIn(atSubmission), "smtp.submission.submission", checks.Fail, "refused", "smtp.relay.submission"},
	{"another check's listener at submissions", standsIn(atSubmissions), "smtp.submission.submissions", checks.Fail, "refused", "smtp.relay.submissions"},
	{"passwords in the clear", says(atSubmission, "EHLO", "250-mail.example.org\n250-STARTTLS\n250 AUTH PLAIN"), "smtp.submission.submission", checks.Fail, "a login before TLS", ""},
	{"no TLS for passwords", says(atSubmission, "EHLO", "250 mail.example.org"), "smtp.submission.submission", checks.Fail, "no TLS", ""},
	{"no login", says(atSubmissions, "tls EHLO", "250 mail.example.org"), "smtp.submission.submissions", checks.Fail, "no login", ""},
	{"no TLS on 465", func(w *world) { w.servers[atSubmissions].encrypted = false }, "smtp.submission.submissions", checks.Fail, "", "smtp.relay.submissions"},

	{"from home", says(atFirst, "EHLO", "250-mx.google.com at your service, [198.51.100.20]\n250 SMTPUTF8"), "smtp.leaves", checks.Fail, "sees 198.51.100.20", ""},
	{"over IPv6", says(atFirst, "EHLO", "250 mx.google.com at your service, [2001:db8:50::2]"), "smtp.leaves", checks.Fail, "sees 2001:db8:50::2", ""},
	{"the provider keeps it back", both(haraka, shut(os.ErrDeadlineExceeded)), "smtp.outbound", checks.Fail, "the provider keeps back outgoing port 25: all 3 mail servers: no answer", "smtp.leaves"},
	{"the provider keeps it back, whom it sees", shut(os.ErrDeadlineExceeded), "smtp.leaves", checks.Fail, "no answer", "smtp.outbound"},
	{"all ports of mail", both(haraka, shut(os.ErrDeadlineExceeded), silent("198.51.100.75:465", "198.51.100.75:587")), "smtp.outbound", checks.Fail, "those of submission too", "smtp.leaves"},
	{"prohibited", both(haraka, shut(syscall.EHOSTUNREACH)), "smtp.outbound", checks.Fail, "a filter on the way says that port 25 is prohibited", "smtp.leaves"},
	{"reset", both(haraka, shut(syscall.ECONNREFUSED)), "smtp.outbound", checks.Fail, "resets outgoing port 25", "smtp.leaves"},
	{"no internet", both(haraka, func(w *world) { shut(os.ErrDeadlineExceeded)(w); silent(atWeb)(w) }), "smtp.outbound", checks.Fail, "nothing of the internet answers", "smtp.leaves"},
	{"ufw deny out 25", both(haraka, shut(os.ErrDeadlineExceeded), told("proxy", "rules", ":OUTPUT ACCEPT [0:0]\n", ":OUTPUT ACCEPT [0:0]\n:ufw-user-output - [0:0]\n-A OUTPUT -j ufw-user-output\n-A ufw-user-output -p tcp -m tcp --dport 25 -j DROP\n")),
		"smtp.outbound", checks.Fail, `drops outgoing port 25: "-A ufw-user-output -p tcp -m tcp --dport 25 -j DROP"`, "smtp.leaves"},
	{"a reject of the host's own", both(haraka, shut(syscall.ECONNREFUSED), told("proxy", "rules", ":OUTPUT ACCEPT [0:0]\n", ":OUTPUT ACCEPT [0:0]\n-A OUTPUT -p tcp -m tcp --dport 25 -j REJECT\n")), "smtp.outbound", checks.Fail, "rejects outgoing port 25", "smtp.leaves"},
	{"one is away", silent(atSecond), "smtp.outbound", checks.Warn, "outlook-com.olc.protection.outlook.com: no answer", ""},
	{"one declines", says(atThird, "", "554 5.7.1 blocked, see https://bl.example"), "smtp.outbound", checks.Warn, "554 5.7.1 blocked, see https://bl.example", ""},
	{"all decline", both(says(atFirst, "", "554 5.7.1 no"), both(says(atSecond, "", "554 5.7.1 no"), says(atThird, "", "421 4.7.0 no"))), "smtp.outbound", checks.Fail, "declines this address", "smtp.leaves"},
	{"one answers for all", both(says(atSecond, "", "220 mx.google.com"), says(atThird, "", "220 mx.google.com")), "smtp.outbound", checks.Fail, "answers for mail servers that are not theirs", ""},
	{"somebody is where nobody is", func(w *world) { w.servers["192.0.2.1:25"] = large("proxy.isp.example") }, "smtp.outbound", checks.Fail, "answers for mail servers", ""},
	{"somebody seemed to be where nobody is", func(w *world) { w.once.Store("192.0.2.1:25", large("proxy.isp.example")) }, "smtp.outbound", checks.OK, "all 3 mail servers: open", ""},
	{"painted over", says(atThird, "", "220 **********************"), "smtp.outbound", checks.Fail, "answers for mail servers", ""},
	{"no resolver", func(w *world) { clear(w.names) }, "smtp.outbound", checks.Unknown, "no mail server's name could be looked up", "smtp.leaves"},
	{"the mail host's way is shut", func(w *world) { w.shut = "mail" }, "smtp.outbound", checks.Fail, "what this host sends through it does not", "smtp.leaves"},
	{"nobody says whom it sees", says(atFirst, "EHLO", "250 mx.google.com"), "smtp.leaves", checks.Unknown, "does not say whom it sees", ""},
	{"no rule keeps it", told("mail", "routing", "20723:\tfrom all ipproto tcp dport 25 prohibit\n", ""), "smtp.leaves.kept", checks.Fail, "over IPv4 mail leaves by the default route", ""},
	{"the rule is for another port", told("mail", "routing", "dport 25 prohibit", "dport 26 prohibit"), "smtp.leaves.kept", checks.Fail, "over IPv6 mail leaves", ""},
	{"another VPN takes it", told("mail", "routing", "20721:\tfrom all ipproto tcp dport 25 lookup main suppress_prefixlength 0\n20722", "100:\tnot from all fwmark 0xca6c lookup 51820\n20722"),
		"smtp.leaves.kept", checks.Fail, "a rule takes mail to tun0 first", ""},
	{"it ends with the next boot", told("mail", "units wg0", "enabled", "disabled"), "smtp.leaves.kept", checks.Fail, "after a reboot", ""},

	{"haraka is stopped", both(haraka, told("proxy", "units wg0", "ActiveState=active\nSubState=running", "ActiveState=inactive\nSubState=dead")), "smtp.haraka", checks.Fail, "haraka-in.service does not run (dead); haraka-out.service does not run (dead)", ""},
	{"haraka ends again and again", both(haraka, told("proxy", "units wg0", "active\nSubState=running", "activating\nSubState=auto-restart")), "smtp.haraka", checks.Fail, "does not run (auto-restart)", ""},
	{"haraka ended a moment ago", both(haraka, told("proxy", "units wg0", "NRestarts=0\nActiveEnterTimestampMonotonic=1000000000", "NRestarts=3\nActiveEnterTimestampMonotonic=4999000000")), "smtp.haraka", checks.Warn, "haraka-in.service ended and was started anew, 3 times by now, 1s ago the last", ""},
	{"haraka ends with the next boot", both(haraka, told("proxy", "units wg0", "UnitFileState=enabled", "UnitFileState=disabled")), "smtp.haraka", checks.Fail, "haraka-in.service does not start at boot", ""},
	{"haraka is not there", both(haraka, told("proxy", "units wg0", "Id=haraka-out.service\nLoadState=loaded", "Id=haraka-out.service\nLoadState=not-found")), "smtp.haraka", checks.Fail, "there is no haraka-out.service", ""},
	{"an older haraka", both(haraka, told("proxy", "units wg0", "/opt/postern/haraka/"+seen.HarakaVersion, "/opt/postern/haraka/3.3.3")), "smtp.haraka", checks.Warn, "haraka-in.service starts version 3.3.3, and " + seen.HarakaVersion + " is there since", ""},
	{"a newer haraka", both(haraka, told("proxy", "units wg0", "/opt/postern/haraka/"+seen.HarakaVersion, "/opt/postern/haraka/3.10.0")), "smtp.haraka", checks.Warn, "a newer version of this program", ""},
	{"another haraka", both(haraka, told("proxy", "units wg0", "/opt/postern/haraka/"+seen.HarakaVersion, "/usr/lib")), "smtp.haraka", checks.Warn, "another Haraka", ""},

	{"the tunnel is believed", told("mail", "postfix", "[::1]/128", "[::1]/128 10.0.0.0/24"), "smtp.server", checks.Fail, "mynetworks holds 10.0.0.0/24", ""},
	{"everybody is believed", told("mail", "postfix", "[::1]/128", "[::1]/128, 0.0.0.0/0"), "smtp.server", checks.Fail, "mynetworks holds 0.0.0.0/0", ""},
	{"a table is believed", told("mail", "postfix", "[::1]/128", "[::1]/128 hash:/etc/postfix/friends"), "smtp.server", checks.Warn, "hash:/etc/postfix/friends", ""},
	{"its name is another", told("mail", "postfix", "myhostname = mail.example.org", "myhostname = nas.lan"), "smtp.server", checks.Fail, "calls itself nas.lan", ""},
	{"nobody takes what it sends", told("mail", "postfix", "relayhost =", "relayhost = [10.0.0.1]:2526"), "smtp.server", checks.Fail, "where nobody takes it", ""},
	{"haraka, no relayhost", both(haraka, told("mail", "postfix", "relayhost = [10.0.0.1]:2526", "relayhost =")), "smtp.server", checks.Fail, "mail leaves from home", ""},
	{"haraka, in a container", both(haraka, told("mail", "postfix", "== active\nactive", "== container\nmailcow-1"), told("mail", "postfix", "relayhost = [10.0.0.1]:2526", "relayhost =")), "smtp.server", checks.Fail, "mail leaves from home", ""},
	{"haraka, another relayhost", both(haraka, told("mail", "postfix", "relayhost = [10.0.0.1]:2526", "relayhost = smtp.isp.example")), "smtp.server", checks.Fail, "smtp.isp.example", ""},
	{"haraka, XCLIENT not believed", both(haraka, told("mail", "postfix", "xclient_hosts = 10.0.0.1", "xclient_hosts =")), "smtp.server", checks.Fail, "XCLIENT", ""},
	{"haraka, IPv4 only", both(haraka, told("mail", "postfix", "inet_protocols = all", "inet_protocols = ipv4")), "smtp.server", checks.Fail, "inet_protocols is ipv4", ""},

	{"a smart host that is not there", both(smarthost, func(w *world) { delete(w.servers, atRelay) }), "smtp.leaves", checks.Fail, "refused", ""},
	{"a smart host that is kept back", both(smarthost, silent(atRelay)), "smtp.leaves", checks.Fail, "no answer", ""},
	{"a smart host without a name", by(func(m *site.Smarthost) { m.Host = "nowhere.example.net" }), "smtp.leaves", checks.Fail, "no IPv4 address", "smtp.smarthost"},
	{"a smart host without TLS", both(smarthost, says(atRelay, "EHLO", "250-relay.example.net\n250 AUTH PLAIN")), "smtp.leaves", checks.Fail, "offers no TLS", ""},
	{"a smart host that promises TLS", both(smarthost, says(atRelay, "STARTTLS", "454 4.7.0 TLS not available")), "smtp.leaves", checks.Fail, "TLS not available", ""},
	{"a smart host nobody vouches for", both(smarthost, func(w *world) { w.roots = others() }), "smtp.leaves", checks.Fail, "proves nothing", ""},
	{"a proxy that trusts nobody", both(smarthost, func(w *world) { w.roots = "" }), "smtp.leaves", checks.Unknown, "trusts nobody", ""},
	{"a smart host without logins", both(smarthost, says(atRelay, "tls EHLO", "250 relay.example.net")), "smtp.leaves", checks.Fail, "takes no login", ""},
	{"no password", sent("", "", "2"), "smtp.smarthost", checks.Fail, "it is not there; 2 mails wait", ""},
	{"a wrong password", sent("yes", "refuses the login: 535 5.7.8 no", "0"), "smtp.smarthost", checks.Fail, "535 5.7.8 no; 0 mails wait", ""},
	{"nothing sent yet", sent("yes", "", "0"), "smtp.smarthost", checks.OK, "nothing was sent since", ""},
	{"mail that waits", sent("yes", "does not get the mail: certificate has expired", "3"), "smtp.smarthost", checks.Fail, "certificate has expired; 3 mails wait", ""},
	{"mail that waited", sent("yes", "does not get the mail: timeout", "0"), "smtp.smarthost", checks.Warn, "timeout", ""},
}

// Each story is told by one result, and by no other.
func TestStories(t *testing.T) {
	for _, c := range stories {
		t.Run(c.name, bubble(func(t *testing.T) {
			w := newWorld(t)
			c.spoil(w)
			results := w.ask()
			if _, told := results[c.id]; !told {
				t.Errorf("%s is not asked", c.id)
			}
			for id, r := range results {
				switch fine := r.Outcome == checks.OK || r.Outcome == checks.Skip; {
				case id == c.id:
					if r.Outcome != c.want || !strings.Contains(text(r), c.words) {
						t.Errorf("%s is %s, want %s with %q: %s", id, r.Outcome, c.want, c.words, text(r))
					}
					if strings.Contains(c.name, "in a container") != strings.Contains(r.Fix, "in the container mailcow-1") || strings.Contains(text(r), "an open relay:") != r.Grave {
						t.Errorf("%s: it is mended by %q, grave: %t", id, r.Fix, r.Grave)
					}
					if r.Want == "" || !fine && (r.Likely == "" || r.Fix == "") {
						t.Errorf("it does not say what was wanted, what is likely and what mends it: %+v", r)
					}
				case !fine && !strings.Contains(c.also, id):
					t.Errorf("%s is %s, too: %s", id, r.Outcome, r.Saw)
				}
			}
		}))
	}
}

// text is all that a result says of what it saw.
func text(r checks.Result) string { return r.Saw.String() + "\n" + r.Evidence.String() }

// bubble is a test whose time passes when all wait.
func bubble(test func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) { synctest.Test(t, test) }
}

// A server lets who errs often wait at every word: nobody is asked so often.
func TestRelayErrsSeldom(t *testing.T) {
	bubble(func(t *testing.T) {
		w := newWorld(t)
		for _, at := range []string{atSMTP, atInside} {
			says(at, "MAIL FROM:<antispam@example.com>", "450 4.1.8 <x>: Sender address rejected: Domain not found")(w)
		}
		began := time.Now()
		if r := w.ask()["smtp.relay.inside"]; r.Outcome != checks.OK || time.Since(began) > time.Second {
			t.Errorf("%s after %s: %s", r.Outcome, time.Since(began), r.Saw)
		}
	})(t)
}

// A place of which nothing is known yet is asked nothing.
func TestWithoutNames(t *testing.T) {
	w := newWorld(t)
	w.env.Site.Hostname = ""
	w.servers = nil
	for id, r := range w.ask() {
		if r.Outcome != checks.Skip {
			t.Errorf("%s is %s: %s", id, r.Outcome, r.Saw)
		}
	}
}

// Whatever a server says, nobody is told "ok" about what it does not do.
func FuzzServer(f *testing.F) {
	for _, s := range []string{"220 x\r\n250 x\r\n", "220-x\r\n220 y\r\n250-z\r\n250 STARTTLS\r\n", "\x00\xff", "220 x\r\n250-AUTH\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, said string) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.servers[atSMTP] = &server{says: map[string]string{"": said}}
			w.servers[atFirst] = w.servers[atSMTP]
			for id, r := range w.ask() {
				if id == "smtp.outbound" && r.Outcome == checks.OK && !strings.HasPrefix(said, "2") || id == "smtp.answers" && r.Outcome == checks.OK || id == "smtp.relay.smtp" && r.Outcome == checks.OK {
					t.Errorf("%s is ok: %s", id, r.Saw)
				}
			}
		})
	})
}

// What does not run is told with its last words.
func TestLastWords(t *testing.T) {
	w := newWorld(t)
	both(haraka, told("proxy", "units wg0", "SubState=running", "SubState=dead"))(w)
	if r := w.ask()["smtp.haraka"]; !strings.Contains(r.Likely, "[CRIT] no space left on device") || !strings.Contains(r.Evidence.String(), "[NOTICE] starts") {
		t.Errorf("%+v", r)
	}
}

// Whatever rules a kernel has, walking them ends, and without one that keeps mail back it is never said to be kept.
func FuzzEscapes(f *testing.F) {
	f.Add("from all ipproto tcp dport 25 prohibit", "wg0")
	f.Add("not from all fwmark 0xca6c lookup 51820", "tun0")
	f.Fuzz(func(t *testing.T, text, device string) {
		p := seen.Policies{Rules: []seen.PolicyRule{{Preference: "1", Text: text}, {Preference: "2", Text: "from all lookup main"}}, Routes: []seen.PolicyRoute{{Table: "51820", Device: device}}}
		wrong, unsure := escapes(p, false, "wg0")
		if len(wrong)+len(unsure) == 0 && !strings.Contains(text, "prohibit") && !strings.Contains(text, "unreachable") && !strings.Contains(text, "blackhole") {
			t.Errorf("%q keeps mail back", text)
		}
	})
}
