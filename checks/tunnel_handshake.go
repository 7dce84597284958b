package checks

import (
	"context"
	"fmt"
	"time"

	"postern/remote"
	"postern/site"
)

// handshakeAge is the age at which WireGuard gives a session up (REJECT_AFTER_TIME); a living one is renewed every 120 s.
const handshakeAge = 180 * time.Second

func init() {
	register(Check{
		ID: "tunnel.handshake", Step: "wireguard", Title: "The two ends of the tunnel have shaken hands",
		Guide: "wireguard, Testing the Connection",
		Reads: reads(readTunnel, readListen), Ask: linux(askHandshake),
	})
	register(Check{
		ID: "tunnel.bytes", Step: "wireguard", Title: "Bytes have gone both ways through the tunnel",
		Guide: "wireguard, Testing the Connection",
		Reads: reads(readTunnel, readListen), Ask: linux(askBytes),
	})
}

// end is one end of a tunnel with what wg says of it and of the other end.
type end struct {
	q           question
	host, other *site.Host
	w           wg
	peer        *peer
	peerKey     string
	grew        bool // it was asked twice, and received something in between
	err         error
}

// askHandshake asks both ends; when one is stale it compares them, because the counters of both tell which layer fails.
func askHandshake(ctx context.Context, e *Env) []Result {
	q := question{want: "a handshake younger than " + handshakeAge.String(), fix: "wireguard"}
	return e.askEnds(ctx, q, func(one, far end) Result {
		age := one.w.age(one.peer)
		switch {
		case one.peer.handshake == 0:
			return one.q.fail("no handshake yet", cause(one, far), counters(one, far))
		case age < -5*time.Second:
			return one.q.warn(fmt.Sprintf("the last handshake is %s in the future", -age), "the host's clock was set back", counters(one, far))
		case age > handshakeAge:
			return one.q.fail(fmt.Sprintf("the last handshake is %s old", age), cause(one, far), counters(one, far))
		}
		return one.q.ok("the last handshake is %s old", age)
	})
}

func askBytes(ctx context.Context, e *Env) []Result {
	q := question{want: "bytes received and sent", fix: "wireguard"}
	return e.askEnds(ctx, q, func(one, far end) Result {
		if one.peer.rx == 0 || one.peer.tx == 0 {
			return one.q.fail(fmt.Sprintf("received %d, sent %d", one.peer.rx, one.peer.tx), cause(one, far), counters(one, far))
		}
		return one.q.ok("received %d, sent %d", one.peer.rx, one.peer.tx)
	})
}

// askEnds asks about each end of each tunnel. An interface or a peer that is not there is a failure for every question.
func (e *Env) askEnds(ctx context.Context, q question, ask func(one, far end) Result) []Result {
	var results []Result
	for _, t := range e.tunnels() {
		mail, proxy := e.endOf(q, t.mail, t.proxy), e.endOf(q, t.proxy, t.mail)
		if mail.stale() || proxy.stale() {
			mail, proxy = e.again(ctx, mail), e.again(ctx, proxy) // the mail host first: it is the one that dials
		}
		for _, pair := range [][2]end{{proxy, mail}, {mail, proxy}} {
			one, far := pair[0], pair[1]
			one.q.suffix = named(e.Site, one.other)
			switch {
			case one.err != nil:
				results = append(results, one.q.cannot(one.err))
			case one.w.absent:
				results = append(results, one.q.fail("WireGuard is not installed", "the chapter was not done yet", ""))
			case one.w.down:
				results = append(results, one.q.fail("there is no interface "+e.Site.Tunnel.Interface, "wg-quick did not start it: a configuration for wg alone, or an error in it", ""))
			case one.peer == nil:
				results = append(results, one.q.fail(fmt.Sprintf("no peer leads to %s", e.Site.TunnelAddress(one.other)), "the other host's key or AllowedIPs is not in the configuration", ""))
			default:
				results = append(results, ask(one, far))
			}
		}
	}
	return results
}

// endOf reads one end from the facts.
func (e *Env) endOf(q question, h, other *site.Host) end {
	one := end{q: q, host: h, other: other}
	one.q.from = h.Name
	v, err := e.look(h)
	if err != nil {
		one.err = err
		return one
	}
	if one.w, one.err = wgOf(v.Facts); one.err == nil {
		one.peerKey, one.peer = one.w.to(e.Site.TunnelAddress(other))
	}
	return one
}

func (one end) stale() bool {
	return one.peer != nil && (one.w.age(one.peer) > handshakeAge || one.peer.rx == 0 || one.peer.tx == 0)
}

// again sends something through the tunnel and reads the end anew, because an idle tunnel without keepalive is not a
// broken one, and because what grows meanwhile tells which way is blocked.
func (e *Env) again(ctx context.Context, one end) end {
	v, err := e.look(one.host)
	if err != nil || one.peer == nil || v.Run == nil {
		return one
	}
	to := e.Site.TunnelAddress(one.other)
	a, err := v.Run(ctx, "ping -c 1 -W 2 "+remote.Quote(to.String())+" >/dev/null 2>&1\n"+render(e.Site, scripts[readTunnel]))
	if err != nil {
		return one
	}
	w, err := wgOf(remote.Facts{Answers: map[string]remote.Answer{readTunnel: a}})
	if err != nil || w.absent || w.down {
		return one
	}
	before := one.peer.rx
	one.w = w
	if one.peerKey, one.peer = w.to(to); one.peer != nil {
		one.grew = one.peer.rx > before
	}
	return one
}

// cause tells from the counters of both ends which layer fails.
func cause(one, far end) string {
	if far.err != nil {
		return "the other end could not be looked at, so the cause is open: a blocked port, a wrong key or a wrong endpoint"
	}
	if far.w.absent || far.w.down || far.peer == nil {
		return "the other end is not set up: see its result"
	}
	if one.peerKey != far.w.key || far.peerKey != one.w.key {
		return "the keys do not fit: one end does not hold the other's public key"
	}
	mail, proxy := one, far
	if one.host.Role == site.Proxy {
		mail, proxy = far, one
	}
	switch {
	case !mail.peer.endpoint.IsValid():
		return "the mail host has no endpoint for the proxy: it does not know where to dial"
	case proxy.w.port != 0 && int(mail.peer.endpoint.Port()) != proxy.w.port:
		return fmt.Sprintf("the mail host dials port %d, and the proxy listens on %d", mail.peer.endpoint.Port(), proxy.w.port)
	case proxy.host.Public4.IsValid() && mail.peer.endpoint.Addr().Is4() && mail.peer.endpoint.Addr() != proxy.host.Public4:
		return fmt.Sprintf("the mail host dials %s, and the proxy is %s", mail.peer.endpoint.Addr(), proxy.host.Public4)
	case !proxy.grew && mail.peer.tx > 0 && mail.peer.rx == 0:
		return fmt.Sprintf("udp port %d does not reach the proxy: its firewall or the provider's drops it", proxy.w.port)
	case proxy.peer.rx > 0 && proxy.peer.handshake == 0:
		return "packets reach the proxy and no handshake comes of them: the keys do not fit, or the mail host's clock was set back"
	case proxy.grew && proxy.peer.tx > 0 && !mail.grew:
		return "the proxy's answers do not reach the mail host: the firewall in front of it drops them"
	case mail.peer.tx == 0:
		return "the mail host sends nothing: no keepalive, or its own firewall stops it"
	case mail.peer.keepalive == 0:
		return "the mail host sends no keepalive, so the NAT in front of it forgets the way back"
	}
	return "the link between the hosts is down, or the mail host's address changed just now"
}

func counters(one, far end) string {
	text := ""
	for _, x := range []end{one, far} {
		if x.err != nil || x.peer == nil {
			continue
		}
		text += fmt.Sprintf("%s: received %d, sent %d, last handshake %d, its clock %d, endpoint %s, keepalive %d\n", x.host.Name, x.peer.rx, x.peer.tx,
			x.peer.handshake, x.w.now, x.peer.endpoint, x.peer.keepalive)
	}
	return text
}
