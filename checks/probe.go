package checks

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"strings"
	"syscall"

	"postern/remote"
	"postern/seen"
	"postern/site"
)

// Probe is one dial to a port, with what was listening behind it.
type Probe struct {
	Reached
	Real       bool             // something of the host's own listens where it arrives
	Process    string           // what, where known
	Ours       bool             // a throw-away listener was there
	NoListener error            // why there was none, when nothing listened
	Peers      []netip.AddrPort // who our listener saw while we dialled
}

// probeKey tells one probe from another; a port of a host is what a listener is needed for.
type (
	probeKey struct {
		from string
		to   netip.AddrPort
		at   portOf
	}
	portOf struct {
		host string
		at   netip.AddrPort
	}
)

// Probe dials to from a place, once per Run. arrive says where on the host at it should come out; when nothing listens there,
// a throw-away listener does meanwhile. at nil means a plain dial.
func (e *Env) Probe(ctx context.Context, from *Vantage, to netip.AddrPort, at *site.Host, arrive netip.AddrPort) Probe {
	key := probeKey{from.Name, to, portOf{at: arrive}}
	if at != nil {
		key.at.host = at.Name
	}
	p, err := once(ctx, &e.asked, key, func(run context.Context) Probe { return e.probe(run, from, to, at, arrive) })
	if err != nil {
		return Probe{Reached: Reached{Answer: Stopped, Err: err}}
	}
	return p
}

func (e *Env) probe(ctx context.Context, from *Vantage, to netip.AddrPort, at *site.Host, arrive netip.AddrPort) (p Probe) {
	if at == nil {
		if h, v := e.sshd(to); h != nil && v.Login != nil {
			p.Reached = e.askSSHD(ctx, from, to, h, v)
		} else {
			p.Reached = e.dialSilence(ctx, from, to)
		}
		return p
	}
	v, err := e.Look(at)
	if err != nil {
		p.NoListener, p.Reached = err, e.dialOnce(ctx, from, to)
		return p
	}
	all, _ := listenersOf(v.Facts)
	for _, l := range all {
		if l.at(arrive) {
			p.Real, p.Process = true, l.Process
		}
	}
	if p.Real {
		p.Reached = e.dialOnce(ctx, from, to)
		return p
	}
	return e.probeOurs(ctx, v, from, to, arrive)
}

// ProbeService dials a public port of a proxy, with what it should reach as the place to listen at: the proxy itself, or
// the mail host behind the tunnel.
func (e *Env) ProbeService(ctx context.Context, from *Vantage, h *site.Host, v *Vantage, s site.Service, to netip.AddrPort) Probe {
	if s.Forwarded {
		for _, m := range e.Site.HostsOf(site.Mail) {
			inside := e.Site.TunnelAddress(m)
			if to.Addr().Is6() {
				inside = e.Site.TunnelAddress6(m)
			}
			if inside.IsValid() {
				return e.Probe(ctx, from, to, m, netip.AddrPortFrom(inside, uint16(s.Port)))
			}
		}
	}
	if s.Forwarded || s.Name == "ssh" { // one dial of SSH for all checks: ufw limit and sshguard count them
		p := e.Probe(ctx, from, to, nil, netip.AddrPort{})
		p.Real, p.Process = s.Name == "ssh", "sshd"
		return p
	}
	if n, err := seen.Addresses.Of(v.Facts); err == nil {
		if arrive, _ := n.Arrives(to.Addr()); arrive.IsValid() {
			return e.Probe(ctx, from, to, h, netip.AddrPortFrom(arrive, to.Port()))
		}
	}
	return e.Probe(ctx, from, to, nil, netip.AddrPort{})
}

// Judge turns a probe of a port that must be open into a result.
func (q Question) Judge(p Probe, likely string) Result {
	switch {
	case p.Mute():
		return q.Unknown(p.Said(), "this place cannot ask: "+Why(p.Err))
	case p.Answer == Open && p.Ours && len(p.Peers) == 0:
		return q.Fail("something answered, but not the host: a listener there saw nobody", "a proxy in between answers for it", p.Evidence())
	case p.Answer == Open && !p.Real && !p.Ours:
		return q.Warn("something answers, and what it is could not be told", "nothing was seen listening on the host: "+p.noListener(), p.Evidence())
	case p.Answer == Open && p.Ours:
		r := q.OK("open; nothing listens there yet, a throw-away listener answered")
		r.Vacant = true
		return r
	case p.Answer == Open:
		return q.OK("open; %s answered", cmp.Or(p.Process, "the host"))
	case p.Answer == Refused && !p.Real && !p.Ours:
		return q.Unknown("refused: the port is reached, or rejected; nothing listens there and no listener could be made: "+p.noListener(), "")
	case errors.Is(p.NoListener, syscall.EADDRNOTAVAIL) && !p.Real:
		return q.Unknown(p.Said()+"; the address it should reach is not there: "+p.noListener(), likely)
	}
	return q.Fail(p.Said(), likely, p.Evidence())
}

// noListener is why there was no listener of ours.
func (p Probe) noListener() string {
	if p.NoListener == nil {
		return "it was not known where to listen"
	}
	return Why(p.NoListener)
}

// Evidence is what was met, one line for each thing.
func (p Probe) Evidence() string {
	var lines []string
	if p.Err != nil {
		lines = append(lines, Why(p.Err))
	}
	switch {
	case p.Real:
		lines = append(lines, "on the host listens: "+cmp.Or(p.Process, "a process without a name"))
	case p.Ours:
		lines = append(lines, "nothing listens on the host; a throw-away listener did")
	default:
		lines = append(lines, "no listener: "+p.noListener())
	}
	for _, peer := range p.Peers {
		lines = append(lines, "the listener saw "+peer.String())
	}
	return strings.Join(lines, "\n")
}

// Why is an error in a line that may be shown.
func Why(err error) string {
	if err == nil {
		return "no reason given"
	}
	return cmp.Or(remote.Clean(strings.TrimSpace(remote.Words(err))).Line(160), "no reason given")
}
