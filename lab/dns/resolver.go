package dns

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Resolver finds answers for its clients, from the root down, and remembers them as long as they say.
type Resolver struct {
	Root  netip.Addr
	Dial  func(ctx context.Context, network, address string) (net.Conn, error)
	Clock func() time.Time

	mu    sync.Mutex
	cache map[dns.Question]kept
}

type kept struct {
	answer *dns.Msg
	since  time.Time
	until  time.Time
}

var _ Handler = (*Resolver)(nil)

// ServeDNS answers one question of a client.
func (r *Resolver) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg).SetReply(q)
	m.RecursionAvailable = true
	if len(q.Question) != 1 || !q.RecursionDesired {
		m.Rcode = dns.RcodeRefused
		reply(w, q, m)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	found, err := r.find(ctx, q.Question[0], 0)
	if err != nil {
		m.Rcode = dns.RcodeServerFailure
	} else {
		m.Rcode, m.Answer, m.Ns = found.Rcode, found.Answer, found.Ns
	}
	reply(w, q, m)
}

// find is an answer that is remembered, or asked for.
func (r *Resolver) find(ctx context.Context, q dns.Question, depth int) (*dns.Msg, error) {
	q.Name = dns.CanonicalName(q.Name)
	if m := r.remembered(q); m != nil {
		return m, nil
	}
	if depth > 8 {
		return nil, errors.New("names lead to each other")
	}
	m, err := r.walk(ctx, q, depth)
	if err != nil {
		return nil, err
	}
	if len(m.Answer) > 0 {
		if last, ok := m.Answer[len(m.Answer)-1].(*dns.CNAME); ok && q.Qtype != dns.TypeCNAME {
			rest, err := r.find(ctx, dns.Question{Name: last.Target, Qtype: q.Qtype, Qclass: q.Qclass}, depth+1)
			if err != nil {
				return nil, err
			}
			m.Answer, m.Ns, m.Rcode = append(m.Answer, rest.Answer...), rest.Ns, rest.Rcode
		}
	}
	r.remember(q, m)
	return m, nil
}

// walk asks one server after the other, each nearer to the name.
func (r *Resolver) walk(ctx context.Context, q dns.Question, depth int) (*dns.Msg, error) {
	servers := []string{r.Root.String()}
	for range 16 {
		m, err := r.ask(ctx, servers, q)
		if err != nil {
			return nil, err
		}
		if m.Authoritative || len(m.Ns) == 0 {
			return m, nil
		}
		glue := map[string][]string{}
		for _, rr := range m.Extra {
			if a, ok := rr.(*dns.A); ok {
				glue[dns.CanonicalName(a.Hdr.Name)] = append(glue[dns.CanonicalName(a.Hdr.Name)], a.A.String())
			}
		}
		servers = nil
		for _, rr := range m.Ns {
			ns, ok := rr.(*dns.NS)
			if !ok {
				continue
			}
			at := glue[dns.CanonicalName(ns.Ns)]
			if at == nil {
				a, err := r.find(ctx, dns.Question{Name: ns.Ns, Qtype: dns.TypeA, Qclass: dns.ClassINET}, depth+1)
				for i := 0; err == nil && i < len(a.Answer); i++ {
					if is, ok := a.Answer[i].(*dns.A); ok {
						at = append(at, is.A.String())
					}
				}
			}
			servers = append(servers, at...)
		}
	}
	return nil, errors.New("servers lead to each other")
}

// ask is the first whole answer that one of the servers has.
func (r *Resolver) ask(ctx context.Context, servers []string, q dns.Question) (*dns.Msg, error) {
	err := errors.New("nobody to ask")
	for _, s := range servers {
		var m *dns.Msg
		if m, err = r.exchange(ctx, s, q); err == nil {
			return m, nil
		}
	}
	return nil, err
}

// exchange asks over TCP, which is never cut.
func (r *Resolver) exchange(ctx context.Context, server string, q dns.Question) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	conn, err := r.Dial(ctx, "tcp", net.JoinHostPort(server, "53"))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Id: dns.Id()}, Question: []dns.Question{q}}
	c := dns.Client{Net: "tcp"}
	answer, _, err := c.ExchangeWithConnContext(ctx, m, &dns.Conn{Conn: conn})
	if err == nil && answer.Rcode != dns.RcodeSuccess && answer.Rcode != dns.RcodeNameError {
		err = errors.New(server + " says " + dns.RcodeToString[answer.Rcode])
	}
	return answer, err
}

func (r *Resolver) remembered(q dns.Question) *dns.Msg {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, is := r.cache[q]
	now := r.Clock()
	if !is || !now.Before(k.until) {
		return nil
	}
	m := k.answer.Copy()
	gone := uint32(now.Sub(k.since) / time.Second)
	for _, rr := range append(append([]dns.RR(nil), m.Answer...), m.Ns...) {
		rr.Header().Ttl -= min(rr.Header().Ttl, gone)
	}
	return m
}

// remember keeps an answer as long as its shortest record, and that there is none as the SOA record says (RFC 2308, 5).
func (r *Resolver) remember(q dns.Question, m *dns.Msg) {
	ttl := uint32(60)
	for i, rr := range append(append([]dns.RR(nil), m.Answer...), m.Ns...) {
		is := rr.Header().Ttl
		if soa, ok := rr.(*dns.SOA); ok {
			is = min(is, soa.Minttl)
		}
		if i == 0 || is < ttl {
			ttl = is
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cache == nil {
		r.cache = map[dns.Question]kept{}
	}
	now := r.Clock()
	r.cache[q] = kept{m.Copy(), now, now.Add(time.Duration(ttl) * time.Second)}
}
