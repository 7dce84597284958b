// Package dns asks the DNS what the world is told of a site's names: every server of their zones, and what a resolver remembers. It
// asks from the proxy, over TCP, and does not know who publishes what.
package dns

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"postern/remote"
)

// question is one thing to ask of a server. The name is in lower case, with its last dot.
type question struct {
	name string
	kind uint16
}

// reply is what one server says to one question.
type reply struct {
	code      int // dns.RcodeSuccess, dns.RcodeNameError …
	answer    []dns.RR
	authority []dns.RR
	err       error // why it says nothing
}

// patience is how long one connection to a server may take.
const patience = 5 * time.Second

// party is one server to ask, and how.
type party struct {
	from      remote.Dialer
	at        netip.AddrPort
	recurse   bool // it finds what it does not hold
	unchecked bool // without looking at signatures (RFC 4035, 3.2.2)
}

// ask asks everything at once, over as few connections as it takes: some servers answer one question over each. Each question has
// a reply, or why there is none.
func (p party) ask(ctx context.Context, asks []question) map[question]reply {
	replies, err := map[question]reply{}, error(nil)
	open := slices.Compact(slices.SortedFunc(slices.Values(asks), compareQuestions))
	for was := -1; len(open) > 0 && len(replies) > was && ctx.Err() == nil; {
		was = len(replies)
		err = p.over(ctx, open, replies)
		open = slices.DeleteFunc(open, func(q question) bool { _, is := replies[q]; return is })
	}
	for _, q := range open {
		replies[q] = reply{err: cmp.Or(err, ctx.Err(), errNoAnswer)}
	}
	return replies
}

func compareQuestions(a, b question) int {
	return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.kind, b.kind))
}

var errNoAnswer = errors.New("it hangs up without an answer")

// over asks over one connection, and keeps the replies that come before it ends.
func (p party) over(ctx context.Context, asks []question, replies map[question]reply) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("it does not answer"))
	defer cancel()
	conn, err := p.from.DialContext(ctx, "tcp", p.at.String())
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	c, sent := dns.Conn{Conn: conn}, map[uint16]question{}
	var messages []*dns.Msg
	for _, q := range asks {
		m := new(dns.Msg).SetQuestion(q.name, q.kind)
		m.RecursionDesired, m.CheckingDisabled = p.recurse, p.unchecked
		for sent[m.Id].name != "" {
			m.Id = dns.Id()
		}
		sent[m.Id] = q
		messages = append(messages, m)
	}
	go func() { // a server may want its first answers read before it reads on
		for _, m := range messages {
			if c.WriteMsg(m) != nil {
				return // the reader sees it end
			}
		}
	}()
	for range asks {
		m, err := c.ReadMsg()
		if err != nil {
			return cmp.Or(context.Cause(ctx), errNoAnswer)
		}
		q, is := sent[m.Id]
		if !is || len(m.Question) != 1 || dns.CanonicalName(m.Question[0].Name) != q.name || m.Question[0].Qtype != q.kind {
			return errors.New("it answers something else than what was asked")
		}
		replies[q] = reply{code: m.Rcode, answer: m.Answer, authority: m.Ns}
	}
	return nil
}
