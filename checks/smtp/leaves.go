package smtp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/zone"
)

func init() {
	checks.Register(checks.Check{
		ID: "smtp.leaves", Rests: []string{"smtp.outbound", "smtp.haraka", "tunnel.tcp"}, Step: "haraka", Title: "Mail leaves by the proxy's address, and by no other",
		Page: checks.Page{
			Asks: "Which address do others see when mail leaves? Large mail servers (the answer port25.exchangers) are greeted from the host that sends, until one says whom it sees; no mail is sent. " +
				"With mail.path = direct the mail host sends, and its routing is asked too, where mail would go were the tunnel down. " +
				"Where it goes by a smart host (smarthost.host), that is greeted from the proxy instead: TLS, a certificate that proves its name, and that it takes a login; none is tried.",
			OK:      "They see the proxy, or the smart host is there; with the tunnel down nothing would leave at all.",
			Fail:    "They see another address, such as the one at home: it stands in every message then, and most receivers refuse it. Or none of them answers, and smtp.outbound tells why. Or no mail can go by the smart host, and the result says why.",
			Unknown: "None of them could be asked, or none said whom it sees.",
			Skip:    "The site has no names yet, or the way waits for the tunnel.",
			Mends:   "The chapters Firewall, WireGuard and Haraka. Where the provider keeps it back, the letter of chapter Network; where it never opens the port, a smart host (smarthost.host).",
		},
		Guide: "haraka, Email Flow", Reads: checks.Join(seen.Tunnels.Reads, seen.Routing.Reads, seen.UnitsOf.Reads), Ask: named(askLeaves),
	})
}

func askLeaves(ctx context.Context, e *checks.Env) []checks.Result {
	sender := site.Proxy
	if e.Site.Mail.Path == "direct" {
		sender = site.Mail
	}
	q := checks.Question{Want: "others see the proxy's address", Fix: "haraka"}
	all := checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		q.Suffix = checks.Named(e.Site, h)
		if name := e.Unset(e.Site.Hosts...); sender == site.Mail && name != "" {
			return q.Skip(notYet, name)
		}
		if e.Site.Smarthost.Host != "" {
			return askSmarthost(ctx, e, q, v)
		}
		return askWitnesses(ctx, e, q, v)
	}, sender)
	if sender != site.Mail {
		return all
	}
	q.Want, q.Likely = "mail for the world goes into the tunnel, or nowhere", "its rules were taken away, or another program's come first"
	return append(all, checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		q.Suffix = ".kept" + checks.Named(e.Site, h)
		policies, err := seen.Routing.Of(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		var wrong, unsure []string
		for _, six := range []bool{false, true} {
			bad, odd := escapes(policies, six, e.Site.Tunnel.Interface)
			wrong, unsure = append(wrong, bad...), append(unsure, odd...)
		}
		if len(wrong) == 0 && len(unsure) > 0 {
			return q.Unknown("rules of others may decide first: "+checks.Few(unsure), "another VPN, or rules made by hand")
		}
		if units, err := checks.UnitsOf(v.Facts); err != nil {
			return q.Cannot(err)
		} else if !units.Armed && !units.By[seen.SMTPUnit].Enabled() {
			wrong = append(wrong, "after a reboot it would leave by the default route: "+seen.SMTPUnit+" does not start then")
		}
		return q.None(wrong, "it would go nowhere were the tunnel down, over IPv4 and IPv6")
	}, sender)...)
}

// askWitnesses has the first that answers say whom it sees.
func askWitnesses(ctx context.Context, e *checks.Env, q checks.Question, v *checks.Vantage) checks.Result {
	var said []string
	silent := true
	for _, name := range e.Site.Port25.Exchangers {
		saw, r, err := seenBy(ctx, e, v, name)
		switch {
		case len(saw) > 0:
			return judgeSeen(e, q, name, saw)
		case err != nil:
			said = append(said, fmt.Sprintf("%s: %s", name, remote.Clean(remote.Words(err)).Line(100)))
		default:
			said = append(said, name+": "+r.Said())
		}
		silent = silent && (r.Answer == checks.Dropped || r.Answer == checks.Rejected || r.Answer == checks.Refused)
	}
	if silent {
		return q.Fail(strings.Join(said, "; "), "outgoing port 25 is kept back: smtp.outbound tells where", "")
	}
	return q.Unknown("nobody said whom it sees: "+said[0], "names cannot be looked up there, or these servers turn this address away")
}

var address = regexp.MustCompile(`[0-9A-Fa-f:.]{7,}`)

// seenBy is which public addresses a mail server names in its answer to EHLO.
func seenBy(ctx context.Context, e *checks.Env, v *checks.Vantage, name string) (saw []netip.Addr, r checks.Reached, err error) {
	at, err := lookup(ctx, e, v, name)
	if at = only(false, at); len(at) == 0 {
		return nil, checks.Reached{Answer: checks.NoPlace}, cmp.Or(err, errors.New("it has no IPv4 address"))
	}
	h := hear(ctx, e, v, name, at[0])
	for _, word := range address.FindAllString(strings.Join(h.offers, " "), -1) {
		if a, err := netip.ParseAddr(strings.TrimPrefix(strings.Trim(word, "."), "IPv6:")); err == nil {
			saw = append(saw, a)
		}
	}
	switch {
	case h.Declined != "":
		err = errors.New(h.Declined)
	case len(saw) == 0 && h.offers != nil:
		err = fmt.Errorf("it answers, and does not say whom it sees: %s", remote.Clean(h.offers[0]).Line(80))
	}
	return saw, h.reached, err
}

func judgeSeen(e *checks.Env, q checks.Question, name string, seen []netip.Addr) checks.Result {
	for _, p := range e.Site.HostsOf(site.Proxy) {
		for _, a := range zone.Senders(e.Site, p) {
			if slices.Contains(seen, a) {
				return q.OK("%s sees %s", name, a)
			}
		}
		if !p.Public4.IsValid() {
			return q.Unknown(p.Name+"'s public address is not known", "it was neither answered nor detected")
		}
	}
	return q.Fail(fmt.Sprintf("%s sees %s", name, seen[0]), "mail leaves by another line, or over IPv6, of which no record tells", "")
}

// escapes says how mail of a host would leave by another way than the tunnel were that down, by the kernel's rules in their order; unsure are
// rules that may take it first. What has a nearer way than the default route does not count.
func escapes(p seen.Policies, six bool, tunnel string) (wrong, unsure []string) {
	packet := seen.Packet{Proto: "tcp", Port: site.WorldSMTP, Src: netip.IPv4Unspecified()}
	family := "IPv4"
	if six {
		packet.Src, family = netip.IPv6Unspecified(), "IPv6"
	}
	p = p.Without(tunnel)
	r, before := p.Decides(packet)
	if r.Lookup() == "" && !r.Ends() && r.Text != "" {
		before = append(before, r)
	}
	for _, one := range before {
		unsure = append(unsure, remote.Clean(one.Preference+": "+one.Text).Line(100))
	}
	switch table := r.Lookup(); table {
	case "": // it ends there, or no rule has a way for it
	case "main":
		wrong = append(wrong, "over "+family+" mail leaves by the default route where the tunnel is down: no rule keeps it back")
	default:
		by := slices.IndexFunc(p.Routes, func(route seen.PolicyRoute) bool { return route.Table == table && route.Six == six })
		wrong = append(wrong, fmt.Sprintf("over %s a rule takes mail to %s first: %s", family, remote.Clean(p.Routes[by].Device).Line(20), remote.Clean(r.Preference+": "+r.Text).Line(100)))
	}
	return wrong, unsure
}
