package path

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

// read fills in what the hosts' rules, listeners and routes make of the very packets that were seen.
func (a *asking) read(ctx context.Context, s *Signals) {
	src := s.came()
	if v, err := a.e.Look(a.proxy); err == nil {
		w, own := a.walk(&s.Proxy, v, a.proxy), s.Public
		if n, err := seen.Addresses.Of(v.Facts); err == nil {
			at, _ := n.Arrives(s.Public.Addr())
			own = netip.AddrPortFrom(cmp.Or(at, s.Public.Addr()), s.Public.Port())
		}
		switch {
		case a.p.Proto == "udp":
		case s.Forwarded:
			w.through(&s.Proxy, src, own, s.Target)
			_, _, s.Proxy.Docker = listening(v.Facts, own)
			setting := map[bool]string{true: "net.ipv4.ip_forward", false: "net.ipv6.conf.all.forwarding"}[own.Addr().Is4()]
			if now, err := seen.Sysctl.Of(v.Facts); err == nil && now.Live[setting] == "0" {
				s.Proxy.Stops = setting
			}
		default:
			w.local(&s.Proxy, src, own, w.device)
			s.Proxy.Listener, s.Proxy.Aside, s.Proxy.Docker = listening(v.Facts, own)
		}
		in := seen.Packet{Proto: "udp", Src: stranger(src), Dst: own.Addr(), Port: s.UDP, In: w.device}
		s.Proxy.Carrier = w.rule(w.rules.Enters(in), in)
		a.files(ctx, v, &s.Proxy)
	}
	v, err := a.e.Look(a.mail)
	if err != nil || !s.Forwarded && a.p.Proto != "udp" {
		return
	}
	w := a.walk(&s.Mail, v, a.mail)
	out := seen.Packet{Proto: "udp", Src: w.at.Meets(s.Public.Addr(), w.device), Dst: s.Public.Addr(), Port: s.UDP, Out: w.device, Beyond: true}
	s.Mail.Carrier = w.rule(w.rules.Leaves(out), out)
	if s.Forwarded {
		if a.e.Site.Clients.Addresses == "masquerade" {
			src = a.e.Site.TunnelAddress(a.proxy)
		}
		w.local(&s.Mail, src, s.Target, s.Interface)
		s.Mail.Listener, s.Mail.Aside, s.Mail.Docker = listening(v.Facts, s.Target)
		if policies, err := seen.Routing.Of(v.Facts); err == nil {
			if r, _ := policies.Decides(seen.Packet{Src: s.Target.Addr()}); r.Text != "" && !slices.ContainsFunc(policies.Routes, func(one seen.PolicyRoute) bool {
				return one.Table == r.Lookup() && one.Six == r.Six && one.Device == s.Interface
			}) {
				s.Mail.Routed = line(r.Preference + ": " + r.Text)
			}
		}
		if docker, err := seen.Docker.Of(v.Facts); s.Mail.Listener == "" && err == nil && !docker.Absent {
			idle, _ := checks.Ask(ctx, a.e.Site, v, seen.Idle(int(s.Target.Port())))
			s.Mail.Idle, s.Mail.IdleWhy = idle.Container, idle.Why.Line(120)
		}
		a.files(ctx, v, &s.Mail)
	}
	if check, ok := checks.Find("tunnel.mtu"); ok && (s.Dial.Answer == checks.Open && s.Forwarded || a.p.Proto == "udp" && s.Mail.End.heard() && s.Proxy.End.heard()) {
		for _, r := range check.Ask(ctx, a.e) {
			if r.Outcome == checks.Fail {
				s.Large, s.Answer = r.From+": "+r.Saw.Line(120), cmp.Or(r.Answer, s.Answer)
			}
		}
	}
}

// came is whom the proxy saw come: who is known to ask from there, or who came to the port meanwhile, or somebody of whom no rule speaks.
func (s Signals) came() netip.Addr {
	if s.Client.IsValid() {
		return s.Client
	}
	for _, p := range s.Proxy.Captured.Packets {
		if !p.Out && p.Kind == SYN && p.Dst.Port() == s.Public.Port() && p.Src.Addr().Is4() == s.Public.Addr().Is4() {
			return p.Src.Addr()
		}
	}
	return stranger(s.Public.Addr())
}

// stranger is somebody in the family of an address whom rules hardly name (RFC 5737, RFC 3849).
func stranger(like netip.Addr) netip.Addr {
	if like.Is6() {
		return netip.MustParseAddr("2001:db8:ffff::1")
	}
	return netip.MustParseAddr("192.0.2.77")
}

// walk makes ready to follow packets through the rules of a host.
func (a *asking) walk(side *Side, v *checks.Vantage, h *site.Host) walk {
	ufw, _ := seen.UfwRules(v.Facts)
	w := walk{tunnel: a.e.Site.Tunnel.Interface, ufw: ufw}
	w.rules, _ = seen.Rules.Of(v.Facts)
	w.at, _ = seen.Addresses.Of(v.Facts)
	w.device = cmp.Or(h.Interface, w.at.Device)
	side.Device = w.device
	if file, _ := v.Facts.File(fileTunnel(a.e.Site)); file != nil {
		side.End.Written = strings.Contains(file.Text, "\nEndpoint = "+netip.AddrPortFrom(a.proxy.Public4, uint16(a.e.Site.Tunnel.Port)).String()+"\n")
	}
	if units, err := checks.UnitsOf(v.Facts); err == nil {
		u := units.By[seen.TunnelUnit(w.tunnel)]
		side.End.Unit = strings.TrimSpace(map[bool]string{true: "active", false: "stopped"}[u.Active] + " " + u.AtBoot)
	}
	return w
}

// files finds what brings the rules of others back at boot, where they refuse something.
func (a *asking) files(ctx context.Context, v *checks.Vantage, side *Side) {
	for _, r := range []*Rule{&side.Begins, &side.Sent, &side.Lets, &side.Back, &side.Carrier} {
		text := cmp.Or(r.Doubt, r.Text)
		if r.Undo == "" || strings.HasPrefix(r.Undo, "ufw ") || strings.HasPrefix(r.Undo, "fail2ban") {
			continue
		}
		if set, _, ok := strings.Cut(text, ": "); ok {
			text = set
		}
		if kept, err := checks.Ask(ctx, a.e.Site, v, seen.Kept(text)); err == nil && len(kept) > 0 {
			r.File = kept[0]
		}
	}
}
