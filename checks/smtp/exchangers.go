package smtp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"syscall"

	"postern/checks"
	"postern/checks/path"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

// signals measures one family from one host, once per Run.
func signals(ctx context.Context, e *checks.Env, h *site.Host, v *checks.Vantage, six bool) (Signals, error) {
	type key struct {
		host string
		six  bool
	}
	return checks.Once(ctx, e, key{v.Name, six}, func(ctx context.Context) Signals { return measure(ctx, e, h, v, six) })
}

func measure(ctx context.Context, e *checks.Env, h *site.Host, v *checks.Vantage, six bool) Signals {
	s := Signals{At: e.Now, From: h.Name, Family: families[six]}
	if a := map[bool]netip.Addr{false: h.Public4, true: h.Public6}[six]; a.IsValid() && h.Role == site.Proxy {
		s.From = a.String()
	}
	names := e.Site.Port25.Exchangers
	dials, why := make([]Dial, len(names)), make([]string, len(names))
	checks.AtOnce(len(names)+1, func(i int) {
		if i == len(names) {
			nobody := netip.AddrPortFrom(unowned[six], uint16(site.WorldSMTP))
			if s.Canary = reach(ctx, e, v, nobody); s.Canary == checks.Open { // nobody is accused by one connection: a busy host's sshd may tell of one that a router refused
				s.Canary = reach(ctx, e, v, nobody)
			}
			return
		}
		at, err := lookup(ctx, e, v, names[i])
		if at = only(six, at); len(at) > 0 {
			dials[i] = hear(ctx, e, v, names[i], at[0]).Dial
		} else if err != nil {
			why[i] = checks.Why(err)
		}
	})
	s.Dials = slices.DeleteFunc(dials, func(d Dial) bool { return d.Name == "" })
	if len(s.Dials) == 0 {
		if i := slices.IndexFunc(why, func(w string) bool { return w != "" }); i >= 0 {
			s.Lookup = why[i]
		}
		return s
	}
	s.follow(e.Site.Tunnel, h, v, s.Dials[0].At)
	if s.opens() == 0 {
		s.Control, s.Submission = otherPorts(ctx, e, v, six)
		if e.Packet {
			s.Counted = counted(ctx, e, v, s.Dials)
		}
	}
	return s
}

// lookup is where a name leads, as the host sees it, or the address that it is; asked once.
func lookup(ctx context.Context, e *checks.Env, v *checks.Vantage, name string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(name); err == nil {
		return []netip.Addr{a}, nil
	}
	type told struct {
		at  []netip.Addr
		err error
	}
	t, err := checks.Once(ctx, e, "lookup "+v.Name+" "+name, func(ctx context.Context) told {
		at, err := checks.Ask(ctx, e.Site, v, seen.Lookup(name))
		return told{at, err}
	})
	if err == nil {
		err = t.err
	}
	if err == nil && len(t.at) == 0 {
		err = fmt.Errorf("%s cannot look up %s", v.Name, name)
	}
	return t.at, err
}

// heard is what a mail server of others said to who greets it; whom it sees is in its answer to EHLO.
type heard struct {
	Dial
	reached checks.Reached
	offers  []string
}

// hear holds a conversation with a mail server of others up to STARTTLS, once per Run: whoever wants to know shares it.
func hear(ctx context.Context, e *checks.Env, v *checks.Vantage, name string, at netip.Addr) heard {
	to := netip.AddrPortFrom(at, uint16(site.WorldSMTP))
	h, err := checks.Once(ctx, e, "greet "+v.Name+" "+name+" "+at.String(), func(ctx context.Context) heard {
		h := heard{Dial: Dial{Name: name, At: to}}
		t, r, err := callAs(ctx, e, v, to, name, false)
		h.reached = r
		h.Answer, h.Said, h.MS = r.Answer, r.Said(), r.Took.Milliseconds()
		switch {
		case errors.Is(r.Err, syscall.ENETUNREACH): // the host heard that, or knows no route
			h.Answer, h.Said = checks.NoRoute, checks.Reached{Answer: checks.NoRoute}.Said()
		case r.Answer == checks.NoPlace:
			h.Said, h.Detail = "no connection", checks.Why(r.Err)
		}
		if err != nil {
			h.Declined = remote.Clean(remote.Words(err)).Line(140)
		}
		if t == nil {
			return h
		}
		h.Greeted, h.offers = remote.Clean(t.server).Line(80), t.offers
		if t.offersTo("STARTTLS") && t.startTLS(ctx) == nil {
			h.Paper, h.Names = t.paper()
		}
		t.bye()
		return h
	})
	if err != nil {
		h.reached = checks.Reached{Answer: checks.Stopped, Err: err}
		h.Dial = Dial{Name: name, At: to, Answer: checks.Stopped, Said: h.reached.Said()}
	}
	return h
}

// counted dials once more, and is what passed the host meanwhile; nil where it does not tell.
func counted(ctx context.Context, e *checks.Env, v *checks.Vantage, dials []Dial) *Counted {
	c := &Counted{}
	got, err := path.Capture(ctx, v, []int{site.WorldSMTP}, func(ctx context.Context) {
		checks.AtOnce(len(dials), func(i int) { reach(ctx, e, v, dials[i].At) })
	})
	if err != nil || got.Late || got.Cut {
		return nil
	}
	of := func(p path.Packet, far netip.AddrPort) bool {
		return p.Device != "lo" && slices.ContainsFunc(dials, func(d Dial) bool { return d.At == far })
	}
	c.SYN = got.Count(func(p path.Packet) bool { return p.Kind == path.SYN && p.Out && of(p, p.Dst) })
	c.SYNACK = got.Count(func(p path.Packet) bool { return p.Kind == path.SYNACK && !p.Out && of(p, p.Src) })
	c.RST = got.Count(func(p path.Packet) bool { return p.Kind == path.RST && !p.Out && of(p, p.Src) })
	c.ICMP = got.Count(func(p path.Packet) bool {
		is := p.Kind == path.ICMP && !p.Out && of(p, p.Dst)
		if is && !slices.Contains(c.By, p.By) {
			c.By = append(c.By, p.By)
		}
		return is
	})
	return c
}

func only(six bool, all []netip.Addr) []netip.Addr {
	return slices.DeleteFunc(slices.Clone(all), func(a netip.Addr) bool { return a.Is6() != six })
}

func reach(ctx context.Context, e *checks.Env, v *checks.Vantage, to netip.AddrPort) checks.Answer {
	conn, r := e.Dial(ctx, v, to)
	if conn != nil {
		conn.Close()
	}
	return r.Answer
}

// otherPorts dials ports of others that are not 25, to know what else is closed. One that opens is enough.
func otherPorts(ctx context.Context, e *checks.Env, v *checks.Vantage, six bool) (web, submission checks.Answer) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for name, ports := range controls {
		all.Go(func() {
			at, _ := lookup(ctx, e, v, name)
			if at = only(six, at); len(at) == 0 {
				return
			}
			for _, port := range ports {
				got, of := reach(ctx, e, v, netip.AddrPortFrom(at[0], uint16(port))), &submission
				if port == usual.HTTPS {
					of = &web
				}
				mu.Lock()
				if *of != checks.Open {
					*of = got
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return web, submission
}

// follow says what the host's own rules make of the first packet, and of its answer.
func (s *Signals) follow(tunnel site.Tunnel, h *site.Host, v *checks.Vantage, to netip.AddrPort) {
	rules, err := seen.Rules.Of(v.Facts)
	net, err2 := seen.Addresses.Of(v.Facts)
	if err != nil || err2 != nil || h.BSD() { // pf's are not followed on their way out
		return
	}
	device := net.Device
	if to.Addr().Is6() {
		device = net.Device6
	}
	own := net.Meets(to.Addr(), device)
	if h.Role == site.Mail { // its mail leaves through the tunnel
		device, own = tunnel.Interface, tunnel.Mail
	}
	s.Goes = rules.Leaves(seen.Packet{Proto: "tcp", Src: own, Dst: to.Addr(), Port: int(to.Port()), Out: device, Beyond: true})
	s.Comes = rules.Enters(seen.Packet{Proto: "tcp", Src: to.Addr(), Dst: own, From: int(to.Port()), Port: seen.Unnamed, In: device, Answer: true})
}
