package firewall

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "firewall.open", Rests: []string{"firewall.active", "firewall.rules", "firewall.forwarding", "tunnel.tcp", "tunnel.routing"}, Step: "firewall", Title: "Each wanted port answers from outside",
		Page: checks.Page{
			Asks:    "Does each port that the world needs answer, from here, over every address family of the proxy? Where nothing listens yet, a listener is put there for a moment, so that the way is proven and not the service.",
			OK:      "It answers: from a service, or from the listener that stood in for it.",
			Warn:    "Something answers, and what it is could not be told.",
			Fail:    "It is silent or refused. The host's own rules tell whether the host drops it; if they let it in, it is the provider's firewall, or the network you are in.",
			Unknown: "This place cannot ask. A silent port 25 is this too: many networks let nobody dial it.",
			Skip:    "The port is limited to sources that this place is not among, or it waits for the tunnel.",
			Mends:   "The chapter Firewall opens it on the host. A provider's own firewall is opened in its panel: the chapter's tasks say where.",
		},
		Guide: "firewall, Opening Required Ports; Opening Required Ports in IONOS Control Panel",
		Reads: checks.Join(checks.ListenReads, seen.Addresses.Reads, seen.SSH.Reads, pfReads, seen.Rules.Reads, seen.Tunnels.Reads), Ask: checks.Linux(askOpen),
	})
}

// askOpen dials every public port of every proxy, over each family it has. Where nothing listens yet, a throw-away
// listener does.
func askOpen(ctx context.Context, e *checks.Env) []checks.Result {
	var asks []func() checks.Result
	for _, h := range e.Site.HostsOf(site.Proxy) {
		for _, t := range targets(e, h) {
			asks = append(asks, func() checks.Result { return askPort(ctx, e, h, t) })
		}
	}
	return checks.Together(asks)
}

// target is one public port over one family.
type target struct {
	site.Service
	to     netip.Addr
	suffix string // of the ID
}

// targets lists the public ports of a proxy. What goes on to the mail host is expected over IPv6 only where the tunnel
// has it.
func targets(e *checks.Env, h *site.Host) []target {
	var all []target
	ssh := site.Service{NamedPort: site.NamedPort{Name: "ssh", Proto: "tcp"}, From: h.SSHFrom, Over6: true}
	for _, s := range append([]site.Service{ssh}, site.Services(e.Site)...) {
		all = append(all, target{s, h.Public4, "." + s.Name + checks.Named(e.Site, h)})
		if h.Public6.IsValid() && s.Over6 {
			all = append(all, target{s, h.Public6, "." + s.Name + checks.Named(e.Site, h) + ".v6"})
		}
	}
	return all
}

func askPort(ctx context.Context, e *checks.Env, h *site.Host, t target) checks.Result {
	q := checks.Question{Suffix: t.suffix, From: checks.Here, Want: t.Name + " answers", Fix: "firewall"}
	from, err := e.Outside(h)
	if err != nil {
		return q.Cannot(err)
	}
	q.From = from.Name
	v, err := e.Look(h)
	if err != nil {
		return q.Cannot(err)
	}
	if !t.to.IsValid() {
		return q.Unknown(h.Name+"'s public address is not known", "it was neither answered nor detected")
	}
	if name := e.Unset(append(e.Site.HostsOf(site.Mail), h)...); t.Forwarded && name != "" {
		return q.Skip(notYet, name)
	}
	via, err := seen.SSH.Of(v.Facts)
	if err != nil {
		return q.Cannot(err)
	}
	if t.Name == "ssh" {
		if len(via.Ports) == 0 {
			return q.Unknown("the port of its sshd is not known", "")
		}
		t.Port = via.Ports[0]
	}
	to := netip.AddrPortFrom(t.to, uint16(t.Port))
	q.Want = fmt.Sprintf("%s answers at %s", t.Name, to)
	if why := e.Blind(from, to); why != "" {
		return q.Skip("%s", why)
	}
	k := e.ProbeService(ctx, from, h, v, t.Service, to)
	if k.Answer != checks.Open {
		q.Rests = restsOn(e, h, v, t.Service, t.to.Is6())
	}
	if len(t.From) > 0 {
		return limited(e, q, k, t, from, via)
	}
	return judge(q, k, hint(e, h, v, t, k))
}

// restsOn is what a public port that does not answer rests on: the proxy's rules where they are what stops it, and the tunnel
// where it leads there.
func restsOn(e *checks.Env, h *site.Host, v *checks.Vantage, s site.Service, six bool) []string {
	on := []string{"firewall.active@" + h.Name}
	k, err := knowledgeOf(e, h, v)
	for _, m := range e.Site.HostsOf(site.Mail) {
		switch {
		case err != nil || !s.Forwarded:
		case six:
			k.forward(s, e.Site.TunnelAddress6(m), k.world[1].at)
		default:
			k.forward(s, e.Site.TunnelAddress(m), k.world[0].at)
		}
	}
	own, unsure := ownRule(e, h, v, s.Port, six)
	if err != nil || len(k.found.wrong)+len(k.found.unsure) > 0 || !s.Forwarded && (unsure != nil || own.Verdict != "ACCEPT") {
		on = append(on, "firewall.rules@"+h.Name)
	}
	if s.Forwarded {
		on = append(on, "firewall.forwarding@"+h.Name, "tunnel.tcp", "tunnel.routing")
	}
	return on
}

// hint is what is likely when the port does not answer. The host's own rules tell whether it is the host that drops it.
func hint(e *checks.Env, h *site.Host, v *checks.Vantage, t target, k checks.Probe) string {
	switch {
	case k.Answer == checks.Rejected:
		return "a firewall on the way rejects it"
	case k.Answer == checks.Refused:
		return "the firewall lets it through and nothing listens there, or a firewall rejects it"
	case t.Forwarded:
		return "the host's firewall or the provider's drops it, or it is not sent on, or the tunnel is down"
	}
	f, err := ownRule(e, h, v, t.Port, t.to.Is6())
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

// judge is the result of a probe of a port that must be open. Of mail's, a silence tells little: most homes' providers drop
// what goes out to it.
func judge(q checks.Question, k checks.Probe, likely string) checks.Result {
	if k.Answer == checks.Dropped && strings.HasPrefix(q.Suffix, ".smtp") && likely != ownDrop {
		return q.Unknown("no answer", likely)
	}
	return q.Judge(k, likely)
}

const ownDrop = "the host's own firewall drops it"

// limited judges a port that is open to some sources only: from others it must not answer.
func limited(e *checks.Env, q checks.Question, k checks.Probe, t target, from *checks.Vantage, via seen.Access) checks.Result {
	sources := t.From
	if !via.Client.IsValid() || from.Name != checks.Here || !e.Direct(via) {
		return q.Skip("limited to %s, and it is not known whether %s is among them", seen.Joined(sources), from.Name)
	}
	if via.Client.Addr().Is6() != t.to.Is6() {
		return q.Skip("limited to %s, and this place's address in that family is not known", seen.Joined(sources))
	}
	if seen.Inside(sources, via.Client.Addr()) {
		return judge(q, k, "the host's firewall does not know this source, or the provider's drops it")
	}
	q.Want = "no answer to " + via.Client.Addr().String() + ": it is limited to " + seen.Joined(sources)
	if k.Answer == checks.Open {
		return q.Fail("it answers all the same", "a wider rule lets everyone in", k.Evidence())
	}
	return q.Skip("%s, as it should: limited to %s, which this place is not", k.Said(), seen.Joined(sources))
}
