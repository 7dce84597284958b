package path

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

// Reads lists what must be known of a host.
var Reads = checks.Join(seen.Rules.Reads, seen.SSH.Reads, seen.Addresses.Reads, seen.Listeners.Reads, seen.Docker.Reads, seen.Tunnels.Reads,
	seen.Sysctl.Reads, seen.Routing.Reads, seen.UnitsOf.Reads, checks.Files(seen.UfwUser, seen.UfwUser6),
	func(s *site.Site, _ *site.Host) []remote.Query { return []remote.Query{remote.ReadFile(fileTunnel(s))} })

func fileTunnel(s *site.Site) string { return "/etc/wireguard/" + s.Tunnel.Interface + ".conf" }

// Ask follows a port over each family that the world has for it, and says how far its packets come. The env's hosts were asked Reads.
func Ask(ctx context.Context, e *checks.Env, p site.Service) ([]Diagnosis, error) {
	proxies, mails := e.Site.HostsOf(site.Proxy), e.Site.HostsOf(site.Mail)
	if len(proxies) == 0 || len(mails) == 0 {
		return nil, fmt.Errorf("this needs a proxy and a mail host")
	}
	for _, h := range []*site.Host{proxies[0], mails[0]} {
		if h.BSD() {
			return nil, fmt.Errorf("%s runs FreeBSD, where packets are not followed yet: 'postern check firewall tunnel' asks what can be asked there", h.Name)
		}
	}
	a := asking{e: e, p: p, proxy: proxies[0], mail: mails[0]}
	if v, err := e.Look(a.proxy); err == nil { // SSH is never knocked at, whatever its port
		if via, err := seen.SSH.Of(v.Facts); err == nil && (p.Name == "ssh" || p.Proto == "tcp" && slices.Contains(via.Ports, p.Port)) {
			a.p.Name, a.p.Port = "ssh", int(via.Server.Port())
		}
	}
	a.signals()
	if len(a.all) == 0 {
		return nil, fmt.Errorf("%s's public address is not known: give it with --set host.%s.public4=ADDRESS", a.proxy.Name, a.proxy.Name)
	}
	if a.p.Name != "ssh" {
		a.measure(ctx)
	}
	var found []Diagnosis
	for i := range a.all {
		a.read(ctx, &a.all[i])
		found = append(found, Diagnose(a.all[i]))
	}
	return found, ctx.Err()
}

// asking is one run of it.
type asking struct {
	e           *checks.Env
	p           site.Service
	proxy, mail *site.Host
	from        *checks.Vantage
	all         []Signals // one for each family
}

// signals begins with what is wanted.
func (a *asking) signals() {
	e, s := a.e, Signals{At: a.e.Now, Service: a.p.Name, Proto: a.p.Proto, From: checks.Here, Forwarded: a.p.Forwarded, Sources: a.p.From,
		Interface: a.e.Site.Tunnel.Interface, UDP: a.e.Site.Tunnel.Port, Proxy: Side{Host: a.proxy.Name}, Mail: Side{Host: a.mail.Name}}
	a.from, _ = e.Outside(a.proxy)
	if a.from != nil {
		s.From = a.from.Name
	}
	if a.p.Proto == "udp" {
		s.From = a.mail.Name
	}
	only4 := len(a.p.From) > 0 && !slices.ContainsFunc(a.p.From, func(one netip.Prefix) bool { return one.Addr().Is6() })
	for _, public := range []netip.Addr{a.proxy.Public4, a.proxy.Public6} {
		if !public.IsValid() || public.Is6() && (!a.p.Over6 || only4 || a.from == nil) {
			continue
		}
		one := s
		if a.from != nil && a.p.Proto == "tcp" {
			one.Blind = e.Blind(a.from, netip.AddrPortFrom(public, uint16(a.p.Port)))
		}
		one.Dial = Dial{To: public.String(), Answer: checks.NoPlace, Why: "there is no place to ask from"}
		one.Public, one.Target = netip.AddrPortFrom(public, uint16(a.p.Port)), netip.AddrPortFrom(public, uint16(a.p.Port))
		if v, err := e.Look(a.proxy); err == nil {
			via, _ := seen.SSH.Of(v.Facts)
			if n, err := seen.Addresses.Of(v.Facts); err == nil {
				at, _ := n.Arrives(public)
				one.Target = netip.AddrPortFrom(cmp.Or(at, public), uint16(a.p.Port))
			}
			c := via.Client.Addr().Unmap()
			switch direct := s.From == checks.Here && e.Direct(via) && c.IsValid(); {
			case direct && c.Is6() == public.Is6():
				if one.Client = c; a.p.Name == "ssh" { // the login is the proof
					one.Dial.Answer = checks.Open
				}
			case direct && a.p.Name == "ssh":
				continue
			case a.p.Name == "ssh":
				one.Dial.Why = "the login came through another host"
			}
		} else {
			one.Proxy.Error = checks.Why(err)
		}
		if a.p.Forwarded {
			to := e.Site.TunnelAddress(a.mail)
			if public.Is6() {
				to = e.Site.TunnelAddress6(a.mail)
			}
			if one.Target = netip.AddrPortFrom(to, uint16(a.p.Port)); !to.IsValid() {
				continue
			}
		}
		if a.all = append(a.all, one); a.p.Proto == "udp" {
			break
		}
	}
}

// measure sends, and sees what passes on both hosts meanwhile.
func (a *asking) measure(ctx context.Context) {
	a.ends(0)
	for i := range a.all {
		if s := &a.all[i]; !s.Client.IsValid() && a.from != nil {
			s.Client = a.speaks(ctx, s.Public)
		}
	}
	sides := []*Side{&a.all[0].Proxy, &a.all[0].Mail}
	a.captured(ctx, sides, a.send)
	proxy, mail := sides[0].Captured, sides[1].Captured
	for i := range a.all {
		s, people := &a.all[i], []netip.Addr(nil)
		if s.Client.IsValid() { // whatever others do at the port meanwhile is nobody's business
			people = []netip.Addr{s.Client, a.e.Site.TunnelAddress(a.proxy), a.e.Site.TunnelAddress6(a.proxy)}
		}
		if s.Dial.Answer == checks.Open && !slices.ContainsFunc(proxy.of(s.Public.Addr(), people...).Packets, func(p Packet) bool { return p.Kind == SYN }) {
			s.Client, people = netip.Addr{}, nil // it came from another address than the login
		}
		s.Proxy.Captured, s.Proxy.Error = proxy.of(s.Public.Addr(), people...), a.all[0].Proxy.Error
		s.Mail.Captured, s.Mail.Error = mail.of(s.Public.Addr(), people...), a.all[0].Mail.Error
	}
	a.again(ctx)
}

// speaks is the address that the proxy sees who asks, where nothing stands between that would change it; nothing is sent for it.
func (a *asking) speaks(ctx context.Context, to netip.AddrPort) netip.Addr {
	if h := a.e.Site.Host(a.from.Name); h != nil && to.Addr().Is4() {
		return a.e.Public4(h, a.from)
	}
	if a.from.Name != checks.Here || a.from.Dial == nil || to.Addr().Is4() {
		return netip.Addr{}
	}
	conn, err := a.from.Dial.DialContext(ctx, "udp6", to.String())
	if err != nil {
		return netip.Addr{}
	}
	defer conn.Close()
	own, _ := netip.ParseAddrPort(conn.LocalAddr().String())
	return own.Addr().WithZone("")
}

// captured has all hosts tell what passes while something is done.
func (a *asking) captured(ctx context.Context, sides []*Side, do func(context.Context)) {
	if len(sides) == 0 {
		do(ctx)
		return
	}
	done, side := false, sides[0]
	rest := func(ctx context.Context) { done = true; a.captured(ctx, sides[1:], do) }
	v, err := a.e.Look(a.e.Site.Host(side.Host))
	if err == nil {
		side.Captured, err = Capture(ctx, v, []int{a.p.Port, a.e.Site.Tunnel.Port}, rest)
	}
	if err == nil && (side.Captured.Late || side.Captured.Cut) {
		err = errors.New("there was more than could be looked at")
	}
	if side.Error = ""; err != nil {
		side.Error = checks.Why(err)
	}
	if !done {
		rest(ctx)
	}
}

// send dials, and has something go through the tunnel.
func (a *asking) send(ctx context.Context) {
	var all sync.WaitGroup
	if v, err := a.e.Look(a.mail); err == nil && (a.p.Forwarded || a.p.Proto == "udp") {
		all.Go(func() {
			if came, err := checks.Ask(ctx, a.e.Site, v, seen.Through(a.e.Site.TunnelAddress(a.proxy), []int{leastPacket})); err == nil && came.Reply > 0 {
				return
			}
			select { // a handshake that is not answered is begun anew after five seconds and up to a third of one (WireGuard, 6.1 and 6.4)
			case <-time.After(6 * time.Second):
			case <-ctx.Done():
			}
		})
	}
	for i := range a.all {
		if s := &a.all[i]; a.p.Proto == "tcp" && a.from != nil && s.Blind == "" {
			all.Go(func() { s.Dial = a.dial(ctx, s.Public) })
		}
	}
	all.Wait()
}

// leastPacket is a packet, in bytes, that gets through every path.
const leastPacket = 128

func (a *asking) dial(ctx context.Context, to netip.AddrPort) Dial {
	conn, r := a.e.Dial(ctx, a.from, to)
	if conn != nil {
		conn.Close()
	}
	d := Dial{To: to.String(), Answer: r.Answer, MS: r.Took.Milliseconds()}
	if r.Err != nil {
		d.Why = checks.Why(r.Err)
	}
	return d
}

// again reads the tunnel's counters once more, and dials others where nothing came to the proxy.
func (a *asking) again(ctx context.Context) {
	for _, h := range []*site.Host{a.proxy, a.mail} {
		v, err := a.e.Look(h)
		if err != nil || v.Run == nil {
			continue
		}
		q := seen.Tunnels.Query(a.e.Site, h)
		if answer, err := v.Run(ctx, q); err == nil {
			a.end(1, h, remote.Facts{Answers: map[string]remote.Answer{q.ID: answer}})
		}
	}
	for i := range a.all {
		s := &a.all[i]
		if a.p.Proto != "tcp" || a.from == nil || s.Blind != "" || s.Dial.Answer == checks.Open || s.Dial.Answer == checks.NoRoute || s.arrived() > 0 {
			continue
		}
		names := witnesses(a.p)
		s.Others = make([]Dial, len(names))
		checks.AtOnce(len(names), func(n int) { s.Others[n] = a.other(ctx, names[n], s.Public) })
	}
}

// other dials a server of others in the family of an address.
func (a *asking) other(ctx context.Context, name string, like netip.AddrPort) Dial {
	v, d := a.from, Dial{To: fmt.Sprintf("%s:%d", name, like.Port()), Answer: checks.NoPlace}
	addresses := []netip.Addr{}
	if v.Name != checks.Here {
		addresses, _ = checks.Ask(ctx, a.e.Site, v, seen.Lookup(name))
	} else if a.e.Names != nil {
		addresses, _ = a.e.Names.LookupNetIP(ctx, "ip", name)
	}
	at := slices.IndexFunc(addresses, func(one netip.Addr) bool { return one.Unmap().Is4() == like.Addr().Is4() })
	if at < 0 {
		d.Why = "no such name from there, or none in this family"
		return d
	}
	d = a.dial(ctx, netip.AddrPortFrom(addresses[at].Unmap(), like.Port()))
	d.To = fmt.Sprintf("%s (%s)", name, d.To)
	return d
}

// ends reads both ends of the tunnel, before or after.
func (a *asking) ends(when int) {
	for _, h := range []*site.Host{a.proxy, a.mail} {
		v, err := a.e.Look(h)
		if err != nil {
			a.side(h, func(s *Side) { s.End.Error = checks.Why(err) })
			continue
		}
		a.end(when, h, v.Facts)
	}
}

func (a *asking) side(h *site.Host, do func(*Side)) {
	for i := range a.all {
		if h == a.proxy {
			do(&a.all[i].Proxy)
		} else {
			do(&a.all[i].Mail)
		}
	}
}

// end takes in what one end of the tunnel tells.
func (a *asking) end(when int, h *site.Host, f remote.Facts) {
	w, err := seen.Tunnels.Of(f)
	if err != nil {
		a.side(h, func(s *Side) { s.End.Error = checks.Why(err) })
		return
	}
	other := a.mail
	if h == a.mail {
		other = a.proxy
	}
	key, peer := w.To(a.e.Site.TunnelAddress(other))
	for i := range a.all {
		client := a.all[i].Client
		a.side(h, func(s *Side) {
			one := &s.End
			one.Set, one.Runs, one.Key, one.Port, one.Now, one.Peer = !w.Unset, w.Runs(), w.Key, w.Port, w.Now, key
			if peer != nil {
				one.Shared, one.Endpoint, one.Handshake = peer.Shared, peer.Endpoint, peer.Handshake
				one.Rx[when], one.Tx[when] = peer.Rx, peer.Tx
				one.Allows = h == a.proxy || !client.IsValid() || a.e.Site.Clients.Addresses == "masquerade" || seen.Inside(peer.Allowed, client)
			}
		})
	}
}
