// Package tunnel asks whether the hosts reach each other through the tunnel. It does not know how one is made.
package tunnel

import (
	"context"
	"fmt"
	"time"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

// handshakeAge is the age at which WireGuard gives a session up (REJECT_AFTER_TIME); a living one is renewed every 120 s.
const handshakeAge = 180 * time.Second

// leastPacket is a packet, in bytes, that gets through every path.
const leastPacket = 128

func init() {
	checks.Register(checks.Check{
		ID: "tunnel.handshake", Rests: []string{"tunnel.unit", "firewall.rules"}, Step: "wireguard", Title: "The two ends of the tunnel have shaken hands",
		Page: checks.Page{
			Asks:  "Have the two ends proven their keys to each other lately? Both are asked; where it is too long ago their counters are compared, which tells who hears nothing.",
			OK:    "They have.",
			Warn:  "The last one lies in the future: a clock was set back.",
			Fail:  "There was none, or it is too old: the tunnel is down, or the other host's key is not the one in the file.",
			Mends: "The chapter WireGuard; if both have the right keys, open the tunnel's UDP port in the provider's panel.",
		},
		Guide: "wireguard, Testing the Connection",
		Reads: checks.Join(seen.Tunnels.Reads, seen.Listeners.Reads, seen.Rules.Reads, seen.PFRules.Reads, seen.Addresses.Reads), Ask: checks.Linux(askHandshake),
	})
	checks.Register(checks.Check{
		ID: "tunnel.bytes", Rests: []string{"tunnel.handshake"}, Step: "wireguard", Title: "Bytes have gone both ways through the tunnel",
		Page: checks.Page{
			Asks:  "Have bytes gone both ways through the tunnel? Both ends are asked for their counters.",
			OK:    "Both ends sent and received.",
			Fail:  "Only one way works, or none: the counters of both ends say which packets are lost.",
			Mends: "The chapter WireGuard; if the keys are right, a firewall drops the tunnel's UDP port, often the provider's.",
		},
		Guide: "wireguard, Testing the Connection",
		Reads: checks.Join(seen.Tunnels.Reads, seen.Listeners.Reads), Ask: checks.Linux(askBytes),
	})
}

// end is one end of a tunnel with what wg says of it and of the other end.
type end struct {
	q           checks.Question
	host, other *site.Host
	w           seen.WireGuard
	peer        *seen.Peer
	peerKey     string
	grew        bool // it was asked twice, and received something in between
	err         error
}

// askHandshake asks both ends; when one is stale it compares them, because the counters of both tell which layer fails.
func askHandshake(ctx context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "a handshake younger than " + handshakeAge.String(), Fix: "wireguard"}
	return askEnds(ctx, e, q, func(one, far end) checks.Result {
		old := age(one.w, one.peer)
		switch {
		case one.peer.Handshake.IsZero():
			return one.q.Fail("no handshake yet", cause(one, far), counters(one, far))
		case old < -5*time.Second:
			return one.q.Warn(fmt.Sprintf("the last handshake is %s in the future", -old), "the host's clock was set back", counters(one, far))
		case old > handshakeAge:
			return one.q.Fail(fmt.Sprintf("the last handshake is %s old", old), cause(one, far), counters(one, far))
		}
		return one.q.OK("the last handshake is %s old", old)
	})
}

func askBytes(ctx context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "bytes received and sent", Fix: "wireguard", Rests: []string{"tunnel.handshake"}}
	return askEnds(ctx, e, q, func(one, far end) checks.Result {
		if one.peer.Rx == 0 || one.peer.Tx == 0 {
			return one.q.Fail(fmt.Sprintf("received %d, sent %d", one.peer.Rx, one.peer.Tx), cause(one, far), counters(one, far))
		}
		return one.q.OK("received %d, sent %d", one.peer.Rx, one.peer.Tx)
	})
}

// refuses says whether the proxy's own rules refuse what the mail host dials, as far as they can be told.
func refuses(e *checks.Env, proxy end) bool {
	v, err := e.Look(proxy.host)
	if err != nil {
		return false
	}
	rules, _ := seen.Rules.Of(v.Facts)
	gate, err := seen.GateOf(v.Facts)
	n, _ := seen.Addresses.Of(v.Facts)
	stranger := rules.Strangers()[0]
	return err == nil && gate(seen.Packet{Proto: "udp", Src: stranger, Dst: n.Meets(stranger, n.Device), Port: proxy.w.Port, In: n.Device}).Verdict != "ACCEPT"
}

// askEnds asks about each end of each tunnel. An interface or a peer that is not there is a failure for every question.
func askEnds(ctx context.Context, e *checks.Env, q checks.Question, ask func(one, far end) checks.Result) []checks.Result {
	var results []checks.Result
	for _, t := range tunnels(e) {
		mail, proxy := endOf(e, q, t.mail, t.proxy), endOf(e, q, t.proxy, t.mail)
		if mail.stale() || proxy.stale() {
			mail, proxy = again(ctx, e, mail), again(ctx, e, proxy) // the mail host first: it is the one that dials
		}
		for _, pair := range [][2]end{{proxy, mail}, {mail, proxy}} {
			one, far := pair[0], pair[1]
			one.q.Suffix = checks.Named(e.Site, one.other)
			if one.q.Rests == nil && !refuses(e, proxy) {
				one.q.Rests = []string{"tunnel.unit"}
			}
			switch {
			case one.err != nil:
				results = append(results, one.q.Cannot(one.err))
			case one.w.Absent:
				results = append(results, one.q.Fail("WireGuard is not installed", "the chapter was not done yet", ""))
			case !one.w.Link:
				results = append(results, one.q.Fail("there is no interface "+e.Site.Tunnel.Interface, "wg-quick did not start it: a configuration for wg alone, or an error in it", ""))
			case one.peer == nil:
				results = append(results, one.q.Fail(fmt.Sprintf("no peer leads to %s", e.Site.TunnelAddress(one.other)), "the other host's key or AllowedIPs is not in the configuration", ""))
			default:
				results = append(results, ask(one, far))
			}
		}
	}
	return results
}

// endOf reads one end from the facts.
func endOf(e *checks.Env, q checks.Question, h, other *site.Host) end {
	one := end{q: q, host: h, other: other}
	one.q.From = h.Name
	v, err := e.Look(h)
	if err != nil {
		one.err = err
		return one
	}
	if one.w, one.err = runs(v.Facts); one.err == nil {
		one.peerKey, one.peer = one.w.To(e.Site.TunnelAddress(other))
	}
	return one
}

func (one end) stale() bool {
	return one.peer != nil && (age(one.w, one.peer) > handshakeAge || one.peer.Rx == 0 || one.peer.Tx == 0)
}

// again sends something through the tunnel and reads the end anew, because an idle tunnel without keepalive is not a
// broken one, and because what grows meanwhile tells which way is blocked.
func again(ctx context.Context, e *checks.Env, one end) end {
	v, err := e.Look(one.host)
	if err != nil || one.peer == nil || v.Run == nil {
		return one
	}
	to := e.Site.TunnelAddress(one.other)
	if _, err := checks.Ask(ctx, e.Site, v, seen.Through(to, []int{leastPacket})); err != nil {
		return one
	}
	w, err := checks.Ask(ctx, e.Site, v, seen.Tunnels)
	if err != nil || !w.Runs() {
		return one
	}
	before := one.peer.Rx
	one.w = w
	if one.peerKey, one.peer = w.To(to); one.peer != nil {
		one.grew = one.peer.Rx > before
	}
	return one
}

// cause tells from the counters of both ends which layer fails.
func cause(one, far end) string {
	if far.err != nil {
		return "the other end could not be looked at, so the cause is open: a blocked port, a wrong key or a wrong endpoint"
	}
	if !far.w.Runs() || far.peer == nil {
		return "the other end is not set up: see its result"
	}
	if one.peerKey != far.w.Key || far.peerKey != one.w.Key {
		return "the keys do not fit: one end does not hold the other's public key"
	}
	mail, proxy := one, far
	if one.host.Role == site.Proxy {
		mail, proxy = far, one
	}
	switch {
	case !mail.peer.Endpoint.IsValid():
		return "the mail host has no endpoint for the proxy: it does not know where to dial"
	case proxy.w.Port != 0 && int(mail.peer.Endpoint.Port()) != proxy.w.Port:
		return fmt.Sprintf("the mail host dials port %d, and the proxy listens on %d", mail.peer.Endpoint.Port(), proxy.w.Port)
	case proxy.host.Public4.IsValid() && mail.peer.Endpoint.Addr().Is4() && mail.peer.Endpoint.Addr() != proxy.host.Public4:
		return fmt.Sprintf("the mail host dials %s, and the proxy is %s", mail.peer.Endpoint.Addr(), proxy.host.Public4)
	case !proxy.grew && mail.peer.Tx > 0 && mail.peer.Rx == 0:
		return fmt.Sprintf("udp port %d does not reach the proxy: its firewall or the provider's drops it", proxy.w.Port)
	case proxy.peer.Rx > 0 && proxy.peer.Handshake.IsZero():
		return "packets reach the proxy and no handshake comes of them: the keys do not fit, or the mail host's clock was set back"
	case proxy.grew && proxy.peer.Tx > 0 && !mail.grew:
		return "the proxy's answers do not reach the mail host: the firewall in front of it drops them"
	case mail.peer.Tx == 0:
		return "the mail host sends nothing: no keepalive, or its own firewall stops it"
	case mail.peer.Keepalive == 0:
		return "the mail host sends no keepalive, so the NAT in front of it forgets the way back"
	}
	return "the link between the hosts is down, or the mail host's address changed just now"
}

// age is how long ago the last handshake was, by the host's own clock.
func age(w seen.WireGuard, p *seen.Peer) time.Duration { return w.Now.Sub(p.Handshake) }

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func counters(one, far end) string {
	text := ""
	for _, x := range []end{one, far} {
		if x.err != nil || x.peer == nil {
			continue
		}
		text += fmt.Sprintf("%s: received %d, sent %d, last handshake %d, its clock %d, endpoint %s, keepalive %d\n", x.host.Name, x.peer.Rx, x.peer.Tx,
			unix(x.peer.Handshake), unix(x.w.Now), x.peer.Endpoint, x.peer.Keepalive)
	}
	return text
}
