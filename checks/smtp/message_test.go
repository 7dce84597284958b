package smtp

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern/checks"
	"postern/site"
)

// The logs of hosts where three messages, tagged T0, went their way: in, bounced and out. As real hosts of the lab wrote them.
const (
	comesIn = "Nov 29 19:44:09 postfix/smtpd[2691]: 4A01A: client=unknown[198.51.100.20]\n" +
		"Nov 29 19:44:09 postfix/cleanup[2701]: 4A01A: message-id=<postern-T0.1@probe.invalid>\n" +
		"Nov 29 19:44:09 postfix/qmgr[2257]: 4A01A: from=<>, size=1079, nrcpt=1 (queue active)\n" +
		"Nov 29 19:44:09 postfix/lmtp[3078]: 4A01A: to=<ann@example.org>, relay=mail.example.org[private/dovecot-lmtp], delay=0.08, delays=0.06/0.01/0.01/0, dsn=2.0.0, status=sent (250 2.0.0 <ann@example.org> 3IZs Saved)\n"
	handedIn = "Nov 29 19:44:10 postfix/cleanup[2696]: 4B01B: message-id=<postern-T0.2@mail.example.org>\n" +
		"Nov 29 19:44:10 postfix/cleanup[2695]: 4C01C: message-id=<postern-T0.3@mail.example.org>\n"
	notice = "Nov 29 19:44:11 postfix/cleanup[2695]: 4D01D: message-id=<13718721-54A6@mail.example.org>\n" +
		"Nov 29 19:44:11 postfix/qmgr[2257]: 4D01D: from=<>, size=3079, nrcpt=1 (queue active)\n" +
		"Nov 29 19:44:11 postfix/lmtp[3078]: 4D01D: to=<ann@example.org>, relay=mail.example.org[private/dovecot-lmtp], delay=0.08, delays=0.06/0.01/0.01/0, dsn=2.0.0, status=sent (250 2.0.0 <ann@example.org> 3IZt Saved)"
	mailLog = comesIn + handedIn +
		"Nov 29 19:44:10 postfix/smtp[3077]: 4B01B: to=<nobody@postern-T0.invalid>, relay=none, delay=0.1, delays=0/0/0.1/0, dsn=5.4.4, status=bounced (Host or domain name not found. Name service error for name=postern-T0.invalid type=AAAA: Host not found)\n" +
		"Nov 29 19:44:10 postfix/smtp[3076]: 4C01C: to=<bob@external.test>, relay=mx.external.test[198.51.100.77]:25, delay=0.1, delays=0/0/0.1/0, dsn=2.0.0, status=sent (250 2.0.0 OK: queued)\n" + notice
	harakaMailLog = comesIn + handedIn +
		"Nov 29 19:44:10 postfix/smtp[3077]: 4B01B: to=<nobody@postern-T0.invalid>, relay=10.0.0.1[10.0.0.1]:2526, delay=0.1, delays=0/0/0.1/0, dsn=2.0.0, status=sent (250 Message Queued (C52B1506-F7C0-44A0-9C78-33C048D05B28.1))\n" +
		"Nov 29 19:44:10 postfix/smtp[3076]: 4C01C: to=<bob@external.test>, relay=10.0.0.1[10.0.0.1]:2526, delay=0.1, delays=0/0/0.1/0, dsn=2.0.0, status=sent (250 Message Queued (1E911B93-FE86-4E11-AF1F-99EC051A2870.1))\n" + notice
	harakaLog = `Nov 29 19:44:10 env[7256]: [NOTICE] [C52B1506-F7C0-44A0-9C78-33C048D05B28.1] [core] message mid=<postern-T0.2@mail.example.org> size=1293 rcpts=1/0/0 delay=0 code=CONT msg=""
Nov 29 19:44:10 env[7256]: [NOTICE] [1E911B93-FE86-4E11-AF1F-99EC051A2870.1] [core] message mid=<postern-T0.3@mail.example.org> size=1319 rcpts=1/0/0 delay=0 code=CONT msg=""
Nov 29 19:44:10 env[7256]: [NOTICE] [1E911B93-FE86-4E11-AF1F-99EC051A2870.1.1] [outbound]  delivered file=1795981117442_1795981117442_0_7256_529S1v_1_proxy domain=external.test host=mx.external.test ip=198.51.100.77 port=25 mode=SMTP tls=Y auth=N response="OK: queued" delay=0.089 fails=0 rcpts=1/0/0`
)

// sends has the operator agree to messages to a mailbox here, and to one elsewhere.
func (w *world) sends() {
	w.env.SendTo, w.env.Word = []string{"ann@example.org", "bob@external.test"}, "T0"
}

// logs changes a host's log, line by line; a line that becomes empty is none.
func logs(host, old, new string) func(*world) {
	return func(w *world) {
		text := strings.Join(w.logs[host], "\n")
		if !strings.Contains(text, old) {
			w.t.Fatalf("the log of %s has no %q", host, old)
		}
		w.logs[host] = slices.DeleteFunc(strings.Split(strings.ReplaceAll(text, old, new), "\n"), func(line string) bool { return line == "" })
	}
}

const (
	saved    = "status=sent (250 2.0.0 <ann@example.org> 3IZs Saved)"
	fullBox  = "status=bounced (host mail.example.org[private/dovecot-lmtp] said: 552 5.2.2 <ann@example.org> Quota exceeded (mailbox for user is full) (in reply to end of DATA command))"
	toRelay  = "relay=10.0.0.1[10.0.0.1]:2526, delay=0.1, delays=0/0/0.1/0, dsn=2.0.0, status=sent (250 Message Queued (1E911B93-FE86-4E11-AF1F-99EC051A2870.1))"
	outGoing = `delivered file=1795981117442_1795981117442_0_7256_529S1v_1_proxy domain=external.test host=mx.external.test ip=198.51.100.77 port=25 mode=SMTP tls=Y auth=N response="OK: queued" delay=0.089 fails=0 rcpts=1/0/0`
)

// journeys break one hop each, and say what is told of it.
var journeys = []struct {
	name  string
	spoil func(*world)
	id    string
	want  checks.Outcome
	words string
	also  string
}{
	{"nobody here", says(atSMTP, "RCPT TO:<ann@example.org>", "550 5.1.1 <ann@example.org>: User unknown"), "smtp.message.in", checks.Fail, "refused by the mail host at RCPT TO: 550", ""},
	{"asked for its quota first", says(atSMTP, "RCPT TO:<ann@example.org>", "552 5.2.2 Mailbox is over quota"), "smtp.message.in", checks.Fail, "which is over its quota", ""},
	{"greylisted", says(atSMTP, "RCPT TO:<ann@example.org>", "450 4.2.0 Greylisted, see you"), "smtp.message.in", checks.Unknown, "put off at RCPT TO", ""},
	{"spam", says(atSMTP, ".", "554 5.7.1 Spam message rejected"), "smtp.message.in", checks.Fail, "at the end of the message: 554", ""},
	{"the mailbox is full", logs("mail", saved, fullBox), "smtp.message.in", checks.Fail, "bounced at the mailbox, which is over its quota: 552 5.2.2 <ann@example.org> Quota exceeded (mailbox for user is full)", ""},
	{"Dovecot is away", logs("mail", saved, "status=deferred (connect to mail.example.org[private/dovecot-lmtp]: Connection refused)"), "smtp.message.in", checks.Fail, "deferred at the mailbox: connect to", ""},
	{"every stranger is the proxy", logs("mail", "client=unknown[198.51.100.20]", "client=unknown[10.0.0.1]"), "smtp.message.in", checks.Fail, "from unknown[10.0.0.1], which is no address of the world", ""},
	{"every stranger is Docker", logs("mail", "client=unknown[198.51.100.20]", "client=unknown[172.22.1.1]"), "smtp.message.in", checks.Fail, "which is no address of the world", ""},
	{"another address", logs("mail", "client=unknown[198.51.100.20]", "client=unknown[198.51.100.21]"), "smtp.message.in", checks.Warn, "SSH from 198.51.100.20", ""},
	{"another server took it", logs("mail", comesIn, ""), "smtp.message.in", checks.Unknown, "knows nothing of it", ""},
	{"a filter takes its time", logs("mail", saved, ""), "smtp.message.in", checks.Unknown, "not delivered within 1m0s", ""},
	{"no log", func(w *world) { w.unread["mail"] = true }, "smtp.message.in", checks.Unknown, "cannot be read", "smtp.message.bounce smtp.message.out smtp.mailboxes"},
	{"nothing is logged at once", func(w *world) { w.late = 40 * time.Second }, "smtp.message.out", checks.OK, "taken by mx.external.test", ""},
	{"nothing is ever logged", func(w *world) { w.late = time.Hour }, "smtp.message.out", checks.Unknown, "knows nothing of it", "smtp.message.in smtp.message.bounce"},
	{"home is turned away", logs("mail", "relay=mx.external.test[198.51.100.77]:25, delay=0.1, delays=0/0/0.1/0, dsn=2.0.0, status=sent (250 2.0.0 OK: queued)",
		"relay=mx.external.test[198.51.100.77]:25, delay=0.1, delays=0/0/0.1/0, dsn=5.7.1, status=bounced (host mx.external.test[198.51.100.77] said: 550 5.7.1 no reverse name (in reply to MAIL FROM command))"),
		"smtp.message.out", checks.Fail, "bounced on the way into the world: 550 5.7.1 no reverse name", ""},
	{"no bounce", logs("mail", notice, ""), "smtp.message.bounce", checks.Fail, "given up there, and no word of it came home", ""},
	{"a bounce of somebody else's", logs("mail", "<13718721-54A6@mail.example.org>", "<13718721-54A6@mail.example.net>"), "smtp.message.bounce", checks.Fail, "no word of it came home", ""},
	{"the bounce finds a full mailbox", logs("mail", "status=sent (250 2.0.0 <ann@example.org> 3IZt Saved)", fullBox), "smtp.message.bounce", checks.Fail, "which is over its quota", "smtp.mailboxes"},
	{"haraka, no tunnel", both(haraka, says(atSMTP, "RCPT TO:<ann@example.org>", "450 plugin timeout")), "smtp.message.in", checks.Fail, "no answer from the mail host behind it", ""},
	{"haraka, no relayhost", both(haraka, logs("mail", toRelay, "relay=mx.external.test[198.51.100.77]:25, delay=0.1, delays=0/0/0.1/0, dsn=2.0.0, status=sent (250 2.0.0 OK: queued)")),
		"smtp.message.out", checks.Fail, "left by mx.external.test[198.51.100.77]:25, and not by the proxy", ""},
	{"haraka, nobody sends", both(haraka, logs("mail", toRelay, "relay=none, delay=0.1, delays=0/0/0.1/0, dsn=4.4.1, status=deferred (connect to 10.0.0.1[10.0.0.1]:2526: Connection refused)")),
		"smtp.message.out", checks.Fail, "deferred on the way to the proxy: connect to 10.0.0.1", ""},
	{"haraka, refused out there", both(haraka, logs("proxy", " delivered file=1795981117442_1795981117442_0_7256_529S1v_1_proxy domain=external.test host=mx.external.test ip=198.51.100.77 port=25 mode=SMTP tls=Y auth=N response=\"OK: queued\" delay=0.089 fails=0 rcpts=1/0/0",
		" recipient <bob@external.test> rejected: 550 5.7.1 SPF says no")), "smtp.message.out", checks.Fail, "by the receiver's server: 550 5.7.1 SPF says no", ""},
	{"haraka, nobody out there", both(haraka, logs("proxy", outGoing, "Ongoing connection failed to 198.51.100.77:25 : Error: connect ETIMEDOUT")), "smtp.message.out", checks.Fail, "taken by proxy; not delivered yet: [outbound]", ""},
	{"haraka, on its way", both(haraka, logs("proxy", outGoing, "")), "smtp.message.out", checks.Unknown, "not delivered within 2m0s", ""},
	{"haraka, no way home", both(haraka, logs("mail", notice, "")), "smtp.message.bounce", checks.Fail, "taken by proxy, and no word of it came home within 1m0s", ""},
	{"haraka, no resolver", both(haraka, logs("mail", notice, ""), logs("proxy", "Nov 29 19:44:10 env[7256]: [NOTICE] [1E91", "Nov 29 19:44:10 env[7256]: [NOTICE] [C52B1506-F7C0-44A0-9C78-33C048D05B28.1.1] [outbound]  MX Lookup for x.invalid failed: ESERVFAIL\nNov 29 19:44:10 env[7256]: [NOTICE] [1E91")),
		"smtp.message.bounce", checks.Unknown, "which still tries", ""},
	{"no server of which one knows", told("mail", "postfix", "== active\nactive", "== active\ninactive"), "smtp.message.out", checks.Unknown, "no Postfix runs on mail", "smtp.message.bounce"},
	{"one waits for long", func(w *world) {
		w.queues["mail"] = "== postfix\n{\"queue_id\": \"4A\", \"arrival_time\": 1795247490, \"recipients\": [{\"address\": \"x\", \"delay_reason\": \"connect to 10.0.0.1: timed out\"}]}\n1 1795247490\n"
	}, "smtp.queues", checks.Warn, "1 waiting, the oldest for 2h0m0s: connect to 10.0.0.1: timed out", ""},
}

func TestJourneys(t *testing.T) {
	for _, c := range journeys {
		t.Run(c.name, bubble(func(t *testing.T) {
			w := newWorld(t)
			w.sends()
			c.spoil(w)
			results := w.ask()
			if _, told := results[c.id]; !told {
				t.Errorf("%s is not asked", c.id)
			}
			for id, r := range results {
				fine := r.Outcome == checks.OK || r.Outcome == checks.Skip
				switch text := r.Saw.String(); {
				case !strings.HasPrefix(id, "smtp.message") && !strings.HasPrefix(id, "smtp.queues") && id != "smtp.mailboxes":
				case id == c.id:
					if r.Outcome != c.want || !strings.Contains(text, c.words) {
						t.Errorf("%s is %s, want %s with %q: %s", id, r.Outcome, c.want, c.words, text)
					}
					if r.Want == "" || !fine && (r.Likely == "" || r.Fix == "") {
						t.Errorf("it does not say what was wanted, what is likely and what mends it: %+v", r)
					}
				case !fine && !strings.Contains(c.also, id) && !(id == "smtp.mailboxes" && strings.Contains(text, "did not take") || strings.Contains(text, "over its quota")):
					t.Errorf("%s is %s, too: %s", id, r.Outcome, text)
				}
			}
		}))
	}
}

// Nothing is sent where nobody said to whom, and nothing but what was told before.
func TestNothingIsSentUnasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.servers[atSMTP].says["DATA"] = "" // it would hang up
		if r := w.ask()["smtp.message"]; r.Outcome != checks.Skip {
			t.Errorf("%s: %s", r.Outcome, r.Saw)
		}
	})
	s := site.Default()
	s.Domain, s.Hostname = "example.org", "mail.example.org"
	var ways []string
	for _, l := range Letters(s, []string{"bob@external.test", "ann@EXAMPLE.org"}, "T0") {
		ways = append(ways, l.way+" "+l.from+" "+l.to)
	}
	if want := []string{"out ann@EXAMPLE.org bob@external.test", "in  ann@EXAMPLE.org", "bounce ann@EXAMPLE.org nobody@postern-T0.invalid"}; !slices.Equal(ways, want) {
		t.Errorf("%q, want %q", ways, want)
	}
}

// What goes to a server or a shell is an address and no more.
func FuzzAddressable(f *testing.F) {
	for _, s := range []string{"ann@example.org", "a>@b.c", "a@b.c\r\nDATA", "-f@x.org", "a b@c.org", "\"x\"@y.org", "ann@[10.0.0.1]", "a@b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if Addressable(s) == nil && (strings.ContainsAny(s, " <>\"'\\\r\n;$`|&[]()") || strings.HasPrefix(s, "-") || strings.Count(s, "@") != 1) {
			t.Errorf("%q", s)
		}
	})
}

// Whatever stands in a log, it is read without harm, and no message is well that is not said to be.
func FuzzLog(f *testing.F) {
	f.Add(mailLog)
	f.Add(harakaMailLog + "\n" + harakaLog)
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Split(text, "\n")
		tr := trail{words: []string{"postern-T0.1@probe.invalid"}, lines: lines}
		if d, is := tr.last(); is && d.status == "sent" && !strings.Contains(text, "status=sent") {
			t.Errorf("%+v", d)
		}
		tr.sender()
		s := site.Default()
		s.Domain = "example.org"
		lastOf(s, lines)
		for id, d := range comers(lines, Letter{from: "ann@example.org", id: "postern-T0.2@mail.example.org"}) {
			if !strings.Contains(text, id+": from=<>,") || d.status == "" {
				t.Errorf("%s: %+v", id, d)
			}
		}
	})
}
