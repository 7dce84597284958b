package checks

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"postern/remote"
	"postern/seen"
	"postern/site"
)

// sshd is the host whose sshd waits at an address, as far as the hosts were looked at.
func (e *Env) sshd(to netip.AddrPort) (*site.Host, *Vantage) {
	for _, h := range e.Site.Hosts {
		v, err := e.Look(h)
		if err != nil {
			continue
		}
		via, err := seen.SSH.Of(v.Facts)
		if err == nil && slices.Contains(via.Ports, int(to.Port())) && (e.inTunnel(h, to.Addr()) || e.holds(h, v, to.Addr())) {
			return h, v
		}
	}
	return nil, nil
}

func (e *Env) inTunnel(h *site.Host, a netip.Addr) bool {
	return a == e.Site.TunnelAddress(h) || a.IsValid() && a == e.Site.TunnelAddress6(h)
}

// errUnasked is why a way to sshd is not tried.
var errUnasked = errors.New("a connection to SSH without a login looks like an attack, and none is made")

// askSSHD asks whether sshd answers, and never knocks without logging in: fail2ban counts who does, ufw's limit and sshd's own
// penalties too. The login that this run began with is an answer; each other way gets one login of its own.
func (e *Env) askSSHD(ctx context.Context, from *Vantage, to netip.AddrPort, h *site.Host, v *Vantage) Reached {
	switch {
	case e.cameBy(from, to, h, v):
		took, _ := e.answers(ctx, v)
		return Reached{Answer: Open, Took: took}
	case h.Role == site.Mail && from.Name != Here && !e.inTunnel(h, to.Addr()):
		return Reached{Answer: NoPlace, Err: errUnasked} // at the address of a home another host may answer
	case e.inTunnel(h, to.Addr()) && e.Unset(e.Site.Hosts...) != "":
		return Reached{Answer: NoRoute, Err: errors.New("the tunnel is not set up")} // its addresses may be another network's there
	}
	began := e.clock()
	dialled := &timed{Dialer: from.Dial, clock: e.clock, limit: dialTimeout}
	if e.Hasty {
		dialled.limit = hastyTimeout
	}
	err := v.Login(ctx, dialled, to)
	r := Reached{Answer: Open, Took: dialled.took}
	switch {
	case err == nil:
	case dialled.err != nil:
		r = Reached{classify(ctx, dialled.err), dialled.err, dialled.took}
	default: // something answered, and let nobody in
		r = Reached{NoPlace, err, e.clock().Sub(began)}
	}
	return r
}

// cameBy says whether the login that this run uses came this very way.
func (e *Env) cameBy(from *Vantage, to netip.AddrPort, h *site.Host, v *Vantage) bool {
	via, err := seen.SSH.Of(v.Facts)
	if err != nil || from.Name != Here || h.Local || !e.Direct(via) || to.Port() != via.Server.Port() {
		return false
	}
	n, _ := seen.Addresses.Of(v.Facts)
	arrive, _ := n.Arrives(to.Addr())
	return arrive == via.Server.Addr()
}

// timed is a dialer that knows how its last dial went.
type timed struct {
	remote.Dialer
	clock func() time.Time
	limit time.Duration
	took  time.Duration
	err   error
}

// DialContext dials, and remembers how long it took.
func (d *timed) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	began := d.clock()
	ctx, cancel := context.WithTimeout(ctx, d.limit)
	defer cancel()
	conn, err := d.Dialer.DialContext(ctx, network, address)
	d.took, d.err = d.clock().Sub(began), err
	return conn, err
}
