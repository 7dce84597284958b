package smtp

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "smtp.relay", Rests: []string{"firewall.open", "smtp.haraka", "tunnel.tcp", "mailcow.containers"}, Step: "haraka", Title: "Nobody relays mail through this site",
		Page: checks.Page{
			Asks: "Is mail for somebody elsewhere refused to who has no login? Every form of an address that is known to slip through is tried, from here on all ports that take mail, " +
				"and from the proxy at the mail host, as far as RCPT and never further: no message is sent.",
			OK:      "All of them are refused.",
			Fail:    "One is taken: spammers find that within hours, and the address is on every block list a day later.",
			Unknown: "It could not be told: this place is refused whatever it asks, or puts off; or asking would get it banned.",
			Skip:    "The site has no names yet, or the port waits for the tunnel.",
			Mends:   "Stop the mail server until it is mended. On the mail host mynetworks must hold nothing but the host itself, above all not the tunnel; then the chapter Haraka.",
		},
		Guide: "haraka, Email Flow",
		Reads: checks.Join(seen.Tunnels.Reads, seen.Jails.Reads), Outside: true, Ask: withNames(askRelay),
	})
}

// elsewhere is a domain of nobody's here; reserved, so that no person is behind it (RFC 2606).
const elsewhere = "example.com"

// nobody is an address that nobody has (RFC 5737): a port that is open to it alone is closed.
const nobody = "192.0.2.1"

// form is one way to write an address that should be refused. One that ends in a name of the site's own may be taken by a server that
// learns only later who has a mailbox.
type form struct {
	from, to string
	own      bool
}

// forms are those that nmap's smtp-open-relay tries, and a sender of our own.
func forms(s *site.Site, at netip.Addr) []form {
	literal, who := "["+at.String()+"]", "relaytest"
	if at.Is6() {
		literal = "[IPv6:" + at.String() + "]"
	}
	plain, percent, bang, sender := who+"@"+elsewhere, who+"%"+elsewhere, elsewhere+"!"+who, "antispam@"+elsewhere
	return []form{
		{"", plain, false}, {sender, plain, false}, {"antispam@" + s.Hostname, plain, false}, {"antispam@" + literal, plain, false}, {"postmaster@" + s.Domain, plain, false},
		{sender, percent + "@" + literal, true}, {sender, percent + "@" + s.Hostname, true}, {sender, percent + "@" + s.Domain, true},
		{sender, `"` + plain + `"`, true}, {sender, `"` + percent + `"`, true}, {sender, plain + "@" + literal, true}, {sender, `"` + plain + `"@` + literal, true},
		{sender, plain + "@" + s.Hostname, true}, {sender, "@" + literal + ":" + plain, false}, {sender, "@" + s.Hostname + ":" + plain, false},
		{sender, bang, true}, {sender, bang + "@" + literal, true}, {sender, bang + "@" + s.Hostname, true},
	}
}

// atOnce is how many are tried in one conversation: servers slow down, and then hang up on, who errs often.
const atOnce = 6

func askRelay(ctx context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "no mail for others is taken at %s", Fix: "take the tunnel and all that is not the host itself out of mynetworks, then ask again"}
	var all []checks.Result
	for _, service := range []string{"smtp", "submissions", "submission"} {
		all = append(all, doors(e, service, "."+service, q, func(q checks.Question, d door) checks.Result {
			r := tryAll(ctx, e, q, d.from, d.to, service)
			if r.Grave && e.Site.Layout == "proxy" {
				r.Answer = "from." + service + "=" + nobody
			}
			return r
		})...)
	}
	return append(all, askInside(ctx, e, q)...)
}

// askInside asks the mail host from the proxy, through the tunnel: what the proxy may do, whatever gets past it may.
func askInside(ctx context.Context, e *checks.Env, q checks.Question) []checks.Result {
	var asks []func() checks.Result
	for _, p := range e.Site.HostsOf(site.Proxy) {
		for _, m := range e.Site.HostsOf(site.Mail) {
			to := netip.AddrPortFrom(e.Site.TunnelAddress(m), uint16(e.Site.Ports.SMTP))
			q := q
			q.Suffix, q.From, q.Want = ".inside"+checks.Named(e.Site, p)+checks.Named(e.Site, m), p.Name, strings.ReplaceAll(q.Want, "%s", to.String()+" on "+m.Name)
			q.Rests = []string{"tunnel.tcp", "mailcow.containers"}
			asks = append(asks, func() checks.Result {
				v, err := e.Look(p)
				if err == nil {
					_, err = e.Look(m)
				}
				if err != nil {
					return q.Cannot(err)
				}
				if name := e.Unset(p, m); name != "" {
					return q.Skip(notYet, name)
				}
				return tryAll(ctx, e, q, v, to, "inside")
			})
		}
	}
	return checks.Together(asks)
}

// tried is what came of some forms.
type tried struct {
	taken, refused, off []string // off: neither taken nor refused
	common              string   // how this place is refused whatever it asks; "" when it is not
	reached             checks.Reached
	err                 error
}

func tryAll(ctx context.Context, e *checks.Env, q checks.Question, from *checks.Vantage, to netip.AddrPort, service string) checks.Result {
	if who, err := jailer(e); err != nil {
		return q.Unknown("not asked, for it may get the place that asks banned: "+remote.Words(err), "the mail host does not tell who bans there: make it possible to look at it, then ask again")
	} else if who != "" {
		return q.Unknown("not asked: "+who+", and would ban the place that asks", "stop that jail for a moment, then ask again")
	}
	list := slices.Collect(slices.Chunk(forms(e.Site, to.Addr()), atOnce))
	got := make([]tried, len(list))
	checks.AtOnce(len(list), func(i int) { got[i] = try(ctx, e, from, to, service, list[i]) })
	var sum tried
	for _, one := range got {
		sum.taken, sum.refused, sum.off = append(sum.taken, one.taken...), append(sum.refused, one.refused...), append(sum.off, one.off...)
		sum.common = cmp.Or(sum.common, one.common) // what was asked there tells nothing, whatever the others heard
	}
	for _, one := range got {
		switch heard := len(sum.taken) + len(sum.refused) + len(sum.off); {
		case one.err == nil && one.reached.Answer == checks.Open, len(sum.taken) > 0: // what was taken counts, whatever became of the rest
		case heard > 0 && one.err != nil:
			return q.Unknown("it was not asked to the end: "+remote.Clean(remote.Words(one.err)).Line(120), "a server that is slow, or that hangs up on who errs often: ask again in some minutes")
		case one.reached.Answer == checks.Refused, one.reached.Answer == checks.Open:
			return q.Skip("nobody takes mail there; %s", teller(service))
		default:
			return unheard(q, one.reached, one.err)
		}
	}
	evidence := strings.Join(slices.Concat(sum.taken, sum.off, sum.refused), "\n")
	switch {
	case len(sum.taken) > 0:
		r := q.Fail("an open relay: "+checks.Few(sum.taken), "mynetworks, or what else the server believes, is too wide", evidence)
		r.Grave = true
		return r
	case sum.common != "":
		return q.Unknown("this place is refused whatever it asks: "+sum.common, "a block list, or a rule about names or addresses: nothing is told of what others may do")
	case len(sum.off) > 0:
		return q.Unknown("put off, not refused: "+checks.Few(sum.off), "a list of strangers (greylisting), or a lookup that fails there: ask again in some minutes")
	}
	return q.OK("all %d forms of an address are refused", len(sum.refused))
}

// teller is the check that says whether somebody should.
func teller(service string) string {
	if service == "submission" || service == "submissions" {
		return "smtp.submission tells why"
	}
	return "smtp.answers tells why"
}

// jailer says who on a mail host bans those that are refused often, "" when nobody does. An error says that it could not be seen.
func jailer(e *checks.Env) (string, error) {
	for _, h := range e.Site.HostsOf(site.Mail) {
		v, err := e.Look(h)
		if err != nil {
			return "", err
		}
		jails, err := seen.Jails.Of(v.Facts)
		if err != nil {
			return "", err
		}
		if i := slices.IndexFunc(jails, func(name string) bool {
			return strings.HasPrefix(name, "postfix") || strings.HasPrefix(name, "recidive")
		}); i >= 0 {
			return "fail2ban on " + h.Name + " counts who is refused (jail " + jails[i] + ")", nil
		}
	}
	return "", nil
}

// try tries some forms in one conversation. Where mail is for logins only, that all is refused is what is wanted; elsewhere it tells
// nothing when a recipient of the site's own is refused, too.
func try(ctx context.Context, e *checks.Env, from *checks.Vantage, to netip.AddrPort, service string, list []form) (got tried) {
	var t *talk
	if t, got.reached, got.err = call(ctx, e, from, to, service == "submissions"); t == nil {
		return got
	}
	defer t.bye()
	if t.offersTo("STARTTLS") {
		if got.err = t.startTLS(ctx); got.err != nil {
			return got
		}
	}
	anybody, control := false, 0 // it takes any name of its own; how one of its own is refused
	if service == "smtp" || service == "inside" {
		r, err := t.recipient("", "postmaster@"+e.Site.Domain)
		if got.err = err; err != nil {
			return got
		}
		if !r.ok() && !aboutRecipient(r) {
			got.common, control = r.String(), r.code
		}
		r, err = t.recipient("", "nobody-"+ownName+"@"+e.Site.Domain)
		if got.err = err; err != nil {
			return got
		}
		anybody = r.ok()
	}
	for _, f := range list {
		r, err := t.recipient(f.from, f.to)
		if got.err = err; err != nil {
			return got
		}
		line := fmt.Sprintf("from <%s> to <%s>: %s", f.from, f.to, r)
		if r.code != control { // so it is refused for another reason
			got.common = ""
		}
		switch {
		case r.ok() && f.own && anybody:
			got.refused = append(got.refused, line+" (as any name of its own is: whether there is a mailbox is found out later)")
		case r.ok():
			got.taken = append(got.taken, line)
		case r.code >= 500 || denied(r):
			got.refused = append(got.refused, line)
		default:
			got.off = append(got.off, line)
		}
	}
	return got
}

// recipient begins a message and asks whether a recipient is taken; nothing is ever sent to it. Where the sender is what is not liked,
// nobody is one, from then on: a server lets who errs often wait at every word.
func (t *talk) recipient(from, to string) (reply, error) {
	if slices.Contains(t.disliked, from) {
		from = ""
	}
	r, err := t.envelope(from, to)
	if err == nil && from != "" && aboutSender(r) {
		t.disliked = append(t.disliked, from)
		return t.envelope("", to)
	}
	return r, err
}

func (t *talk) envelope(from, to string) (reply, error) {
	r, err := t.say("MAIL FROM:<" + from + ">")
	if err == nil && r.ok() {
		if r, err = t.say("RCPT TO:<" + to + ">"); err != nil {
			return r, err
		}
	}
	if err == nil {
		_, err = t.say("RSET")
	}
	return r, err
}

// aboutRecipient says whether a refusal is for want of that mailbox (RFC 3463, 3.2), so that others are not refused by it.
func aboutRecipient(r reply) bool {
	return strings.HasPrefix(r.text, "5.1.") || strings.HasPrefix(r.text, "4.1.") || strings.HasPrefix(r.text, "4.2.") || strings.HasPrefix(r.text, "5.2.")
}

// aboutSender says whether a refusal is for the sender's address (RFC 3463, 3.2), which hides what is said of recipients.
func aboutSender(r reply) bool {
	code, _, _ := strings.Cut(r.text, " ")
	return !r.ok() && (strings.HasSuffix(code, ".1.7") || strings.HasSuffix(code, ".1.8") || strings.Contains(strings.ToLower(r.text), "sender address rejected"))
}

// denied says whether something is put off in words only: Postfix says 454 for what it never relays.
func denied(r reply) bool {
	return strings.HasPrefix(r.text, "4.7.1 ") && strings.Contains(strings.ToLower(r.text), "relay access denied")
}
