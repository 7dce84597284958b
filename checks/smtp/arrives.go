package smtp

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

const (
	comesWithin = time.Minute     // what was taken in
	goesWithin  = 2 * time.Minute // what is to leave: a server out there may let others wait
)

// arrives sends a message from outside to one address of the proxy, and follows it to the mailbox.
func (l Letter) arrives(ctx context.Context, e *checks.Env, q checks.Question, d door) checks.Result {
	if d.to.Addr().Is6() {
		l.id = strings.Replace(l.id, "@", ".six@", 1)
	}
	t, r, err := call(ctx, e, d.from, d.to, false)
	if t == nil {
		return unheard(q, r, err)
	}
	defer t.bye()
	if t.offersTo("STARTTLS") {
		if err := t.startTLS(ctx); err != nil {
			return q.Fail(remote.Clean(remote.Words(err)).Line(200), "its certificate or key cannot be read", "")
		}
	}
	for _, line := range []string{"MAIL FROM:<" + l.from + ">", "RCPT TO:<" + l.to + ">", "DATA"} {
		r, err := t.say(line)
		if err != nil {
			return q.Fail(said(remote.Words(err)), "the server there breaks off", "")
		}
		if word, _, _ := strings.Cut(line, ":"); !r.ok() && r.code != 354 {
			return refused(e, q, word, r)
		}
	}
	if _, err = io.WriteString(t.conn, l.text(e.Now)); err == nil {
		var end reply
		if end, err = t.say("."); err == nil && !end.ok() {
			return refused(e, q, "the end of the message", end)
		}
	}
	if err != nil {
		return q.Fail(said(remote.Words(err)), "the server there breaks off", "")
	}
	v, err := e.Look(e.Site.HostsOf(site.Mail)[0])
	if err != nil {
		return q.Cannot(fmt.Errorf("it was taken, and what became of it cannot be told: %w", err))
	}
	return l.homeward(ctx, e, q, d, v)
}

// refused is the result where the server at the proxy does not take the message. On the path of Haraka it passes on what the mail host says.
func refused(e *checks.Env, q checks.Question, at string, r reply) checks.Result {
	proxied := e.Site.Mail.Path != "direct"
	switch {
	case proxied && r.code < 500 && noBackend.MatchString(r.text):
		q.Fix = "wireguard"
		return q.Fail(fmt.Sprintf("put off by the proxy at %s: no answer from the mail host behind it: %s", at, r), "the tunnel is down, or the mail host's server is", "")
	case r.code < 500 && putOff.MatchString(r.text):
		return q.Unknown(fmt.Sprintf("it is put off at %s: %s", at, r), "servers do so with who is new to them (greylisting): ask again in some minutes")
	}
	hops := "refused"
	if r.code < 500 {
		hops = "put off"
	}
	if hops += " by the mail host at " + at; proxied {
		hops += ", through the proxy"
	}
	return broken(q, hops, r.String(), "what the server says of it")
}

// noBackend is what Haraka says where the mail host behind it is away.
var noBackend = regexp.MustCompile(`mail host does not answer|plugin timeout`)

// homeward follows what was taken at the proxy's address.
func (l Letter) homeward(ctx context.Context, e *checks.Env, q checks.Question, d door, v *checks.Vantage) checks.Result {
	t := &trail{at: v, words: []string{l.id}}
	err := t.follow(ctx, e, comesWithin, (*trail).settled)
	hops := "taken at " + d.to.String()
	if err != nil {
		return q.Unknown(fmt.Sprintf("%s, and what %s made of it cannot be told: %s", hops, v.Name, remote.Words(err)), "its log is kept elsewhere")
	}
	if len(t.words) == 1 {
		return q.Unknown(fmt.Sprintf("%s, and the log of %s knows nothing of it", hops, v.Name), "another server took it, or the log is kept elsewhere")
	}
	by, from := t.sender()
	hops += fmt.Sprintf("; %s took it from %s", v.Name, remote.Clean(by).Line(120))
	if e.Site.Tunnel.Network.Contains(from) || from.IsPrivate() && !d.to.Addr().IsPrivate() || from.IsLoopback() {
		return q.Fail(hops+", which is no address of the world", "the proxy does not say who sends, or rewrites it: every stranger seems to be of the house then", "")
	}
	us := outside(e, d.proxy)
	switch last, is := t.last(); {
	case !is:
		return q.Unknown(fmt.Sprintf("%s, and not delivered within %s", hops, comesWithin), "a filter takes its time: smtp.queues tells what waits")
	case last.status != "sent":
		return broken(q, fmt.Sprintf("%s; %s at the mailbox", hops, remote.Clean(last.status).Line(20)), last.reason, "the mailbox's server does not take it")
	case d.from.Name == checks.Here && us.IsValid() && us.Is4() == from.Is4() && us != from:
		return q.Warn(fmt.Sprintf("%s; delivered. This place reached the proxy's SSH from %s", hops, us), "a network on the way puts another address on port 25, or this place has several", "")
	default:
		return q.OK("%s; delivered: %s", hops, said(last.reason))
	}
}

// sender is who brought the message, by name and address, as the server logged it.
func (t *trail) sender() (by string, from netip.Addr) {
	for _, line := range t.lines {
		if m := client.FindStringSubmatch(line); m != nil {
			from, _ = netip.ParseAddr(m[2])
			return m[1], from.Unmap()
		}
	}
	return "somebody of whom it logged nothing", from
}

// outside is the address by which this place reached the proxy's SSH, as far as it is known.
func outside(e *checks.Env, p *site.Host) netip.Addr {
	v, err := e.Look(p)
	if err != nil {
		return netip.Addr{}
	}
	via, err := seen.SSH.Of(v.Facts)
	if err != nil || !e.Direct(via) {
		return netip.Addr{}
	}
	return via.Client.Addr().Unmap()
}
