package tunnel

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{ID: "tunnel.routing", Rests: []string{"tunnel.unit@"}, Step: "wireguard", Title: "Answers to clients leave through the tunnel", Guide: "wireguard, Setting Up WireGuard",
		Page: checks.Page{
			Asks:    "Which rule of the mail host's policy routing decides where the answers go that it sends from its address in the tunnel? The rules are walked in their order, over IPv6 where the tunnel has it. On FreeBSD it is pf that sends answers back (reply-to), and its rules are asked.",
			OK:      "One that leads into the tunnel.",
			Fail:    "A rule of something else comes first, such as another VPN that was started later: answers leave by that way, and clients hear nothing.",
			Unknown: "The host could not be read, or a rule comes first that some of the answers fit: it is quoted.",
			Skip:    "The proxy masks the clients (clients.addresses is masquerade): answers need no rule.",
			Mends:   "The chapter WireGuard, which gives the tunnel's rules a preference that comes first. It stays so when the other VPN starts before the tunnel.",
		}, Reads: checks.Join(seen.Systems.Reads, seen.PFRules.Reads, seen.Addresses.Reads, seen.Routing.Reads, seen.Tunnels.Reads), Ask: checks.Linux(askRouting)})
}

func askRouting(_ context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "a rule that leads into the tunnel comes first", Fix: "wireguard", Likely: "another VPN was started after the tunnel, and its rules came before"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		if e.Site.Clients.Addresses != "preserve" {
			return q.Skip("the proxy masks the clients: clients.addresses is %s", e.Site.Clients.Addresses)
		}
		if h.BSD() {
			return askReplyTo(e, q, h, v)
		}
		policies, err := seen.Routing.Of(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		if w, err := runs(v.Facts); err != nil {
			return q.Cannot(err)
		} else if !w.Runs() {
			return q.Fail("there is no interface "+e.Site.Tunnel.Interface, "the tunnel is not set up", "")
		}
		var wrong, unsure []string
		for _, own := range []netip.Addr{e.Site.TunnelAddress(h), e.Site.TunnelAddress6(h)} {
			if !own.IsValid() {
				continue
			}
			r, before := policies.Decides(seen.Packet{Src: own})
			for _, one := range before {
				unsure = append(unsure, remote.Clean(one.Preference+": "+one.Text).Line(120))
			}
			if !slices.ContainsFunc(policies.Routes, func(route seen.PolicyRoute) bool {
				return route.Table == r.Lookup() && route.Six == r.Six && route.Device == e.Site.Tunnel.Interface
			}) {
				wrong = append(wrong, remote.Clean("what is sent from "+own.String()+" is caught by the rule "+r.Preference+": "+r.Text).Line(160))
			}
		}
		if len(wrong) == 0 && len(unsure) > 0 {
			return q.Unknown("some answers may be caught by the rule "+checks.Few(unsure), "another program made it")
		}
		return q.None(wrong, "what is sent from %s goes through %s", e.Site.TunnelAddress(h), e.Site.Tunnel.Interface)
	}, site.Mail)
}

// askReplyTo asks pf of a FreeBSD mail host: the rule that lets a client in from the tunnel sends the answers back into it.
func askReplyTo(e *checks.Env, q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
	q.Want, q.Fix, q.Likely = "rules of pf that let clients in from the tunnel with reply-to", "firewall", "the rules were made by hand, or loaded without ours"
	gate, err := seen.GateOf(v.Facts)
	if err != nil {
		return q.Cannot(err)
	}
	var wrong, unsure []string
	for _, s := range site.Services(e.Site) {
		if !s.Forwarded {
			continue
		}
		src := netip.MustParseAddr("233.252.0.77")
		if len(s.From) > 0 {
			src = s.From[0].Addr().Next()
		}
		if to := e.Site.TunnelAddress(h); src.Is4() {
			f := gate(seen.Packet{Proto: s.Proto, Src: src, Dst: to, Port: s.Port, In: e.Site.Tunnel.Interface})
			switch {
			case f.Unsure:
				unsure = append(unsure, fmt.Sprintf("%d/%s: %s", s.Port, s.Proto, remote.Clean(f.Doubt.Rule).Line(120)))
			case f.Verdict == "ACCEPT" && !strings.Contains(f.Rule, "reply-to ("+e.Site.Tunnel.Interface+" "):
				wrong = append(wrong, fmt.Sprintf("answers of %d/%s leave by the default route: %s", s.Port, s.Proto, remote.Clean(f.Rule).Line(120)))
			}
		}
	}
	if len(wrong) == 0 && len(unsure) > 0 {
		return q.Unknown("it cannot be told what lets clients in: "+checks.Few(unsure), "a rule of somebody else is not understood")
	}
	return q.None(wrong, "pf sends answers to clients back into %s", e.Site.Tunnel.Interface)
}
