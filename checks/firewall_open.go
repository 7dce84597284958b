package checks

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"

	"postern/seen"
	"postern/site"
)

func init() {
	register(Check{
		ID: "firewall.open", Step: "firewall", Title: "Each wanted port answers from outside",
		Page: Page{
			Asks:    "Does each port that the world needs answer, from here, over every address family of the proxy? Where nothing listens yet, a listener is put there for a moment, so that the way is proven and not the service.",
			OK:      "It answers: from a service, or from the listener that stood in for it.",
			Warn:    "Something answers, and what it is could not be told.",
			Fail:    "It is silent or refused. The host's own rules tell whether the host drops it; if they let it in, it is the provider's firewall, or the network you are in.",
			Unknown: "This place cannot ask. A silent port 25 is this too: many networks let nobody dial it.",
			Skip:    "The port is limited to sources that this place is not among, or it waits for the tunnel.",
			Mends:   "The chapter Firewall opens it on the host. A provider's own firewall is opened in its panel: the chapter's tasks say where.",
		},
		Guide: "firewall, Opening Required Ports; Opening Required Ports in IONOS Control Panel",
		Reads: reads(seen.Listeners.Reads, seen.Docker.Reads, seen.Addresses.Reads, seen.SSH.Reads, seen.Rules.Reads, seen.Tunnels.Reads), Ask: linux(askOpen),
	})
}

// askOpen dials every public port of every proxy, over each family it has. Where nothing listens yet, a throw-away
// listener does.
func askOpen(ctx context.Context, e *Env) []Result {
	var asks []func() Result
	for _, h := range e.Site.HostsOf(site.Proxy) {
		for _, t := range e.targets(h) {
			asks = append(asks, func() Result { return e.askPort(ctx, h, t) })
		}
	}
	return together(asks)
}

// target is one public port over one family.
type target struct {
	site.Service
	to     netip.Addr
	suffix string // of the ID
}

// targets lists the public ports of a proxy. What goes on to the mail host is expected over IPv6 only where the tunnel
// has it.
func (e *Env) targets(h *site.Host) []target {
	var all []target
	ssh := site.Service{NamedPort: site.NamedPort{Name: "ssh", Proto: "tcp"}, From: h.SSHFrom, Over6: true}
	for _, s := range append([]site.Service{ssh}, site.Services(e.Site)...) {
		all = append(all, target{s, h.Public4, "." + s.Name + named(e.Site, h)})
		if h.Public6.IsValid() && s.Over6 {
			all = append(all, target{s, h.Public6, "." + s.Name + named(e.Site, h) + ".v6"})
		}
	}
	return all
}

func (e *Env) askPort(ctx context.Context, h *site.Host, t target) Result {
	q := question{suffix: t.suffix, from: Here, want: t.Name + " answers", fix: "firewall"}
	from, err := e.outside(h)
	if err != nil {
		return q.cannot(err)
	}
	q.from = from.Name
	v, err := e.look(h)
	if err != nil {
		return q.cannot(err)
	}
	if !t.to.IsValid() {
		return q.unknown(h.Name+"'s public address is not known", "it was neither answered nor detected")
	}
	if name := e.unset(append(e.Site.HostsOf(site.Mail), h)...); t.Forwarded && name != "" {
		return q.skip(notYet, name)
	}
	via, err := seen.SSH.Of(v.Facts)
	if err != nil {
		return q.cannot(err)
	}
	if t.Name == "ssh" {
		if len(via.Ports) == 0 {
			return q.unknown("the port of its sshd is not known", "")
		}
		t.Port = via.Ports[0]
	}
	to := netip.AddrPortFrom(t.to, uint16(t.Port))
	q.want = fmt.Sprintf("%s answers at %s", t.Name, to)
	k := e.knockService(ctx, from, h, v, t.Service, to)
	if len(t.From) > 0 {
		return q.limited(k, t.to, t.From, from, via, e)
	}
	return q.judge(k, e.hint(h, v, t, k))
}

// knockService dials a public port, with what it should reach as the place to listen at: the proxy itself, or the mail
// host behind the tunnel.
func (e *Env) knockService(ctx context.Context, from *Vantage, h *site.Host, v *Vantage, s site.Service, to netip.AddrPort) *knock {
	if s.Forwarded {
		for _, m := range e.Site.HostsOf(site.Mail) {
			inside := e.Site.TunnelAddress(m)
			if to.Addr().Is6() {
				inside = e.Site.TunnelAddress6(m)
			}
			if inside.IsValid() {
				return e.knock(ctx, from, to, m, netip.AddrPortFrom(inside, uint16(s.Port)))
			}
		}
	}
	if s.Forwarded || s.Name == "ssh" { // one dial of SSH for all checks: ufw limit and sshguard count them
		k := *e.knock(ctx, from, to, nil, netip.AddrPort{})
		k.real, k.process = s.Name == "ssh", "sshd"
		return &k
	}
	if a, err := seen.Addresses.Of(v.Facts); err == nil {
		if arrive, ok := arrival(a, to.Addr()); ok {
			return e.knock(ctx, from, to, h, netip.AddrPortFrom(arrive, to.Port()))
		}
	}
	return e.knock(ctx, from, to, nil, netip.AddrPort{})
}

// hint is what is likely when the port does not answer. The host's own rules tell whether it is the host that drops it.
func (e *Env) hint(h *site.Host, v *Vantage, t target, k *knock) string {
	switch {
	case k.answer == rejected:
		return "a firewall on the way rejects it"
	case k.answer == refused:
		return "the firewall lets it through and nothing listens there, or a firewall rejects it"
	case t.Forwarded:
		return "the host's firewall or the provider's drops it, or it is not sent on, or the tunnel is down"
	}
	f, err := e.ownRule(h, v, t.Port, t.to.Is6())
	switch {
	case err != nil:
		return "the host's firewall or the provider's drops it"
	case f.Verdict != "ACCEPT":
		return ownDrop
	case t.Name == "smtp":
		return "the provider blocks incoming mail, or the network it was asked from blocks outgoing port " + fmt.Sprint(t.Port) +
			", as most homes' do: which of the two cannot be told from here"
	}
	return "the host lets it in: the provider's firewall drops it, or the network it was asked from"
}

const ownDrop = "the host's own firewall drops it"

// judge turns a knock at a port that must be open into a result.
func (q question) judge(k *knock, likely string) Result {
	switch {
	case k.mute():
		return q.unknown(k.said(), "this place cannot ask: "+k.why())
	case k.answer == open && k.ours && len(k.peers) == 0:
		return q.fail("something answered, but not the host: a listener there saw nobody", "a proxy in between answers for it", k.evidence())
	case k.answer == open && !k.real && !k.ours:
		return q.warn("something answers, and what it is could not be told", "nothing was seen listening on the host: "+k.deaf(), k.evidence())
	case k.answer == open && k.ours:
		r := q.ok("open; nothing listens there yet, a throw-away listener answered")
		r.Vacant = true
		return r
	case k.answer == open:
		return q.ok("open; %s answered", blank(k.process, "the host"))
	case k.answer == refused && !k.real && !k.ours:
		return q.unknown("refused: the port is reached, or rejected; nothing listens there and no listener could be made: "+k.deaf(), "")
	case k.answer == dropped && strings.HasPrefix(q.suffix, ".smtp") && likely != ownDrop:
		return q.unknown("no answer", likely)
	case k.noEar != nil && !k.real && errors.Is(k.noEar, syscall.EADDRNOTAVAIL):
		return q.unknown(k.said()+"; the address it should reach is not there: "+k.deaf(), likely)
	}
	return q.fail(k.said(), likely, k.evidence())
}

// deaf is why there was no listener of ours.
func (k *knock) deaf() string {
	if k.noEar == nil {
		return "it was not known where to listen"
	}
	return blank(reached{err: k.noEar}.why(), "no reason given")
}

func (k *knock) evidence() string {
	var lines []string
	if k.err != nil {
		lines = append(lines, k.why())
	}
	switch {
	case k.real:
		lines = append(lines, "on the host listens: "+blank(k.process, "a process without a name"))
	case k.ours:
		lines = append(lines, "nothing listens on the host; a throw-away listener did")
	default:
		lines = append(lines, "no listener: "+k.deaf())
	}
	for _, p := range k.peers {
		lines = append(lines, "the listener saw "+p.String())
	}
	return strings.Join(lines, "\n")
}

// limited judges a port that is open to some sources only: from others it must not answer.
func (q question) limited(k *knock, to netip.Addr, sources []netip.Prefix, from *Vantage, via seen.Access, e *Env) Result {
	if !via.Client.IsValid() || from.Name != Here || !direct(e, via) {
		return q.skip("limited to %s, and it is not known whether %s is among them", prefixes(sources), from.Name)
	}
	if via.Client.Addr().Is6() != to.Is6() {
		return q.skip("limited to %s, and this place's address in that family is not known", prefixes(sources))
	}
	if inside(sources, via.Client.Addr()) {
		return q.judge(k, "the host's firewall does not know this source, or the provider's drops it")
	}
	q.want = "no answer to " + via.Client.Addr().String() + ": it is limited to " + prefixes(sources)
	if k.answer == open {
		return q.fail("it answers all the same", "a wider rule lets everyone in", k.evidence())
	}
	return q.skip("%s, as it should: limited to %s, which this place is not", k.said(), prefixes(sources))
}

// together asks all at once and keeps the order.
func together(asks []func() Result) []Result {
	results := make([]Result, len(asks))
	done := make(chan struct{})
	for i, ask := range asks {
		go func() {
			defer func() {
				if p := recover(); p != nil {
					results[i] = question{from: Here}.unknown(fmt.Sprintf("the check itself broke: %v", p), "a defect of this program")
				}
				done <- struct{}{}
			}()
			results[i] = ask()
		}()
	}
	for range asks {
		<-done
	}
	return results
}
