package firewall

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "firewall.closed", Rests: []string{"firewall.rules", "firewall.docker"}, Step: "firewall", Title: "Nothing else answers from outside",
		Page: checks.Page{
			Asks:    "Does nothing answer that should not? The ports that mail servers often leave open, and databases and Docker's own, are dialled from here and, for the mail host, from the proxy, over every address.",
			OK:      "None answers. A host that answers nothing at all is told from one that drops exactly these.",
			Warn:    "One answers, let in by a rule that is not ours: somebody chose it.",
			Fail:    "One answers or is let through: a service is open to everyone, or will be the moment it starts.",
			Unknown: "The place could not ask, or does not reach the host at all.",
			Skip:    "The host is behind NAT, and its public address is known only once the tunnel is up. Or the place has no IPv6 to ask from, and the host's own rules drop these ports.",
			Mends:   "The chapter Firewall. If a container publishes the port, see firewall.docker.",
		},
		Guide: "network, Port Requirements; firewall, Client Server Firewall Configuration",
		Reads: checks.Join(checks.ListenReads, seen.Addresses.Reads, seen.SSH.Reads, pfReads, seen.Rules.Reads, seen.Tunnels.Reads, checks.Files(seen.UfwUser, seen.UfwUser6)), Ask: checks.Linux(askClosed),
	})
}

// side is one address of a host, looked at from one place.
type side struct {
	h      *site.Host
	from   *checks.Vantage
	to     netip.Addr
	suffix string
}

// askClosed dials the unwanted ports at every address of every host, all at once. What is dropped is closed; what is
// refused came through a firewall that does not know it, and only lacks a listener.
func askClosed(ctx context.Context, e *checks.Env) []checks.Result {
	var asks []func() checks.Result
	for _, h := range e.Site.Hosts {
		q := checks.Question{Suffix: "." + h.Name, From: checks.Here, Want: "no answer on any port that nobody asked for", Fix: "firewall",
			Rests: []string{"firewall.rules@" + h.Name, "firewall.docker@" + h.Name}}
		from, err := e.Outside(h)
		var v *checks.Vantage
		if err == nil {
			q.From = from.Name
			v, err = e.Look(h)
		}
		if err != nil {
			asks = append(asks, func() checks.Result { return q.Cannot(err) })
			continue
		}
		for _, s := range sides(e, h, v, from) {
			q := q
			q.Suffix, q.From = s.suffix, s.from.Name
			asks = append(asks, func() checks.Result { return askSide(ctx, e, q, v, s) })
		}
	}
	return checks.Together(asks)
}

// sides are a host's addresses that somebody outside may reach: the public ones, each global IPv6 address that the host
// holds, as homes have today, and the address at home where the program runs there.
func sides(e *checks.Env, h *site.Host, v *checks.Vantage, from *checks.Vantage) []side {
	all := []side{{h, from, e.Public4(h, v), "." + h.Name}}
	sixth := h.Public6
	network, _ := seen.Addresses.Of(v.Facts)
	six := global6(network)
	if len(six) > 0 && !sixth.IsValid() {
		sixth = six[0]
	}
	if sixth.IsValid() {
		all = append(all, side{h, from, sixth, "." + h.Name + ".v6"})
	}
	for i, other := range six {
		if other != sixth && h.Role == site.Mail {
			all = append(all, side{h, from, other, fmt.Sprintf(".%s.v6.%d", h.Name, i+1)})
		}
	}
	if via, err := seen.SSH.Of(v.Facts); err == nil && h.Role == site.Mail && e.HereIs != h.Name && e.Here != nil && e.Here.Dial != nil &&
		e.Direct(via) && via.Server.Addr() != h.Public4 {
		all = append(all, side{h, e.Here, via.Server.Addr(), "." + h.Name + ".home"})
	}
	return all
}

func askSide(ctx context.Context, e *checks.Env, q checks.Question, v *checks.Vantage, s side) checks.Result {
	switch {
	case !s.to.IsValid() && s.h.Role == site.Mail && e.Unset(s.h) != "":
		return q.Skip("behind NAT, and its public address is known only once the tunnel is up")
	case !s.to.IsValid():
		return q.Unknown(s.h.Name+"'s public address is not known", "it was neither answered nor detected")
	}
	ports := s.unwanted(e, v)
	answers := make([]checks.Probe, len(ports))
	var t tally
	checks.AtOnce(len(ports)+1, func(i int) {
		if i == len(ports) {
			t.alive = alive(ctx, e, s, v)
			return
		}
		answers[i] = e.Probe(ctx, s.from, netip.AddrPortFrom(s.to, uint16(ports[i].Port)), nil, netip.AddrPort{})
	})
	for i, p := range ports {
		if answers[i].Answer == checks.Refused && rejects(e, s, v, p.Port) {
			answers[i].Answer = checks.Rejected
		}
		t.add(fmt.Sprintf("%d (%s)", p.Port, p.Name), answers[i], allowedByOthers(v, p.Port))
	}
	return judgeClosed(ctx, e, q, v, s, t)
}

// tally counts what the dials of closed ports met.
type tally struct {
	bad, chosen, odd, mute []string
	silent, total          int
	waited                 time.Duration // the shortest that a silent port was listened to
	alive                  string        // what else answers at the same address, "" when nothing does
}

func (t *tally) add(name string, k checks.Probe, chosen bool) {
	t.total++
	switch {
	case k.Mute():
		t.mute = append(t.mute, name+": "+k.Said())
	case k.Answer == checks.Dropped:
		if t.silent++; t.silent == 1 || k.Took < t.waited {
			t.waited = k.Took
		}
	case k.Answer == checks.Rejected:
		t.odd = append(t.odd, name+" is rejected")
	case chosen:
		t.chosen = append(t.chosen, name+" is "+string(k.Answer))
	default:
		t.bad = append(t.bad, name+" is "+string(k.Answer))
	}
}

func judgeClosed(ctx context.Context, e *checks.Env, q checks.Question, v *checks.Vantage, s side, t tally) checks.Result {
	likely := "the firewall lets these through; a service would be open to everyone the moment it starts, or is already"
	if s.to.Is6() {
		likely += "; IPv6 may not be filtered at all"
	}
	evidence := strings.Join(slices.Concat(t.bad, t.chosen, t.odd, t.mute), "\n")
	switch {
	case len(t.bad) > 0:
		return q.Fail(fmt.Sprintf("%s: %s", s.to, strings.Join(t.bad, ", ")), likely, evidence)
	case ctx.Err() != nil:
		return q.Unknown("stopped before it was answered", "")
	case len(t.mute) > 0 && e.Blind(s.from, netip.AddrPortFrom(s.to, 0)) != "":
		if err := denies(e, s, v); err != nil {
			return q.Unknown(fmt.Sprintf("%s: %s, and %s", s.to, checks.Without6(s.from.Name), err), "this place cannot ask, and the host's own rules do not tell")
		}
		return q.Skip("%s: %s; the host's own rules drop all %d ports", s.to, checks.Without6(s.from.Name), t.total)
	case len(t.mute) > 0:
		return q.Unknown(fmt.Sprintf("%s: %s", s.to, t.mute[0]), "this place cannot ask")
	case len(t.chosen) > 0:
		return q.Warn(fmt.Sprintf("%s: %s, by a rule that is not ours", s.to, strings.Join(t.chosen, ", ")), "somebody chose it", evidence)
	case len(t.odd) > 0:
		return q.OK("%s: closed; %s", s.to, strings.Join(t.odd, ", "))
	}
	if t.alive != "" {
		return q.OK("%s: %d ports give no answer in %.1f s, %s", s.to, t.total, t.waited.Seconds(), t.alive)
	}
	if err := denies(e, s, v); err != nil {
		return q.Unknown(fmt.Sprintf("%s: nothing answers at all, and %s", s.to, err), "the place it was asked from may not reach the host at all")
	}
	return q.OK("%s: %d ports give no answer in %.1f s, and the host's own rules drop them", s.to, t.total, t.waited.Seconds())
}

// unwanted are the ports that must not answer there: not those that the operator keeps open to that place.
func (s side) unwanted(e *checks.Env, v *checks.Vantage) []site.NamedPort {
	via, _ := seen.SSH.Of(v.Facts)
	from := via.Client.Addr()
	if s.from.Name != checks.Here {
		from = netip.Addr{}
	}
	return slices.DeleteFunc(e.Site.Unwanted(), func(p site.NamedPort) bool { return s.h.KeepsOpen(p.Proto, p.Port, from) })
}

// alive tells of a port at the same address, dialled from the same place, that does answer: so silence means closed.
func alive(ctx context.Context, e *checks.Env, s side, v *checks.Vantage) string {
	ssh, err := seen.SSH.Of(v.Facts)
	if err != nil || len(ssh.Ports) == 0 {
		return ""
	}
	k := e.Probe(ctx, s.from, netip.AddrPortFrom(s.to, uint16(ssh.Ports[0])), nil, netip.AddrPort{})
	if k.Answer == checks.Open || k.Answer == checks.Refused {
		return fmt.Sprintf("while %d is %s after %.2f s", ssh.Ports[0], k.Answer, k.Took.Seconds())
	}
	return ""
}

// denies says why it is not known that the host's own rules drop what nobody asked for.
func denies(e *checks.Env, s side, v *checks.Vantage) error {
	for _, p := range s.unwanted(e, v) {
		f, err := ownRule(e, s.h, v, p.Port, s.to.Is6())
		if err != nil {
			return err
		}
		if f.Verdict != "DROP" && f.Verdict != "REJECT" {
			return fmt.Errorf("its rules let %d in", p.Port)
		}
	}
	return nil
}

// rejects says that the host's own rules answer for a port with a refusal: that looks like a port without a listener.
func rejects(e *checks.Env, s side, v *checks.Vantage, port int) bool {
	f, err := ownRule(e, s.h, v, port, s.to.Is6())
	return err == nil && f.Verdict == "REJECT"
}

// ownRule is what the host's own rules do with anybody's connection to one of its TCP ports.
func ownRule(e *checks.Env, h *site.Host, v *checks.Vantage, port int, six bool) (seen.Fate, error) {
	k, err := knowledgeOf(e, h, v)
	if err != nil {
		return seen.Fate{}, err
	}
	src := k.world[0].at
	if six {
		src = k.world[1].at
	}
	p, decide := k.packet(want{proto: "tcp", port: port}, src), k.rules.Enters
	if k.pf != nil {
		decide = k.pf.decide
	}
	f := decide(p)
	if f.Unsure {
		return f, fmt.Errorf("it cannot be told what its rule %s does", quote(f.Doubt.Rule))
	}
	return f, nil
}

// allowedByOthers says whether a rule that is not ours lets the port in on purpose.
func allowedByOthers(v *checks.Vantage, port int) bool {
	tuples, _ := tuplesOf(v.Facts)
	return slices.ContainsFunc(tuples, func(t tuple) bool { return t.admitsAll("tcp", port) })
}

// global6 are the addresses over which the IPv6 internet may reach the host directly, at most two, lasting ones first.
func global6(n seen.Network) []netip.Addr {
	var found []netip.Addr
	for _, a := range n.On(n.Device6) {
		if a.Addr().Is6() && !a.Addr().IsPrivate() {
			found = append(found, a.Addr())
		}
	}
	return found[:min(len(found), 2)]
}
