package mailcow

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

// reads is what must be seen of a host to tell who at home reaches Mailcow.
var reads = checks.Join(seen.OfMailcow.Reads, seen.Docker.Reads, seen.Rules.Reads, seen.Addresses.Reads, seen.SSH.Reads, seen.UnitsOf.Reads)

// house is a mail host as a neighbour at home finds it: its rules, its doors, and what Mailcow publishes.
type house struct {
	e     *checks.Env
	v     *checks.Vantage
	rules seen.Ruleset
	at    seen.Network
	runs  []seen.Published // of Mailcow's, over TCP
	found
}

// found is what the walks through the rules met, each once.
type found struct {
	wrong, unsure []string
	undo          string // takes a rule of somebody else's away that lets in past all of Docker's
}

func houseOf(e *checks.Env, v *checks.Vantage, now seen.Mailcow) (k house, err error) {
	k = house{e: e, v: v}
	if k.rules, err = seen.Rules.Of(v.Facts); err == nil && k.rules.Absent {
		err = fmt.Errorf("there is no iptables on the host")
	}
	if err != nil {
		return k, err
	}
	if k.at, err = seen.Addresses.Of(v.Facts); err != nil {
		return k, err
	}
	docker, err := seen.Docker.Of(v.Facts)
	for _, p := range publishedBy(now, docker) {
		if p.Proto == "tcp" {
			k.runs = append(k.runs, p)
		}
	}
	return k, err
}

// neighbours are who may come by a door: somebody of its own network, and somebody of none, of whom the answers admit nobody (mail.lan).
func (k *house) neighbours(door seen.Interface) (all []netip.Addr) {
	admitted := append([]netip.Prefix{}, k.e.Site.Mail.LAN...)
	for _, a := range k.at.On(door.Name) {
		if network := a.Masked(); a.Addr().Is4() && !network.IsSingleIP() {
			if who := someone(network, append(admitted, netip.PrefixFrom(a.Addr(), a.Addr().BitLen()))); who.IsValid() {
				all = append(all, who)
			}
		}
	}
	if stranger := k.rules.Strangers()[0]; !seen.Inside(admitted, stranger) {
		all = append(all, stranger)
	}
	return all
}

// someone is an address of a network, not its first ones, that lies in none of those to be avoided.
func someone(in netip.Prefix, avoid []netip.Prefix) netip.Addr {
	at := in.Masked().Addr()
	for range 3 {
		if next := at.Next(); in.Contains(next) {
			at = next
		}
	}
	if slices.ContainsFunc(avoid, func(p netip.Prefix) bool { return p.Bits() <= in.Bits() && p.Contains(at) }) {
		return netip.Addr{}
	}
	return seen.Someone(in, at, avoid)
}

// ways are the addresses and ports at which Mailcow is published; those on the loopback, to which nobody else can send, where they are asked for.
func (k *house) ways(loopback bool) (all []netip.AddrPort) {
	for _, p := range k.runs {
		to := []netip.Addr{p.Addr}
		if p.Addr.IsLoopback() && !loopback {
			continue
		}
		if p.Addr.IsUnspecified() {
			to = nil
			for _, door := range k.at.Doors(k.e.Site.Tunnel.Interface) {
				to = append(to, k.at.Meets(p.Addr, door.Name))
			}
		}
		for _, a := range to {
			if at := netip.AddrPortFrom(a, uint16(p.First)); a.IsValid() && !slices.Contains(all, at) {
				all = append(all, at)
			}
		}
	}
	return all
}

// judge notes what becomes of somebody's connection, which must not be let on.
func (k *house) judge(f seen.Fate, src netip.Addr, what string) {
	quoted := func(rule string) string { return remote.Clean(rule).Line(120) }
	once := func(list *[]string, rule, text string) {
		if !slices.ContainsFunc(*list, func(had string) bool { return strings.HasSuffix(had, "by "+rule) }) {
			*list = append(*list, text+", by "+rule)
		}
	}
	switch {
	case f.Unsure && (f.Verdict == "ACCEPT" || f.Doubt.Verdict == "ACCEPT" || f.Doubt.Verdict == "" || f.Doubt.Verdict == "DNAT"):
		once(&k.unsure, quoted(f.Doubt.Rule), what)
	case f.Verdict == "ACCEPT":
		once(&k.wrong, quoted(f.Rule), what)
		if command, foreign := seen.Removal(f.Rule, k.rules.TableOf(src, f.Rule), src.Is6()); foreign && !strings.HasPrefix(f.Rule, "-A DOCKER-USER ") && !strings.Contains(f.Rule, " -i "+seen.MailcowBridge) {
			k.undo = command // Docker's own rules in FORWARD are for its bridges
		}
	}
}

// each calls do with every neighbour at every door.
func (k *house) each(do func(door string, who netip.Addr)) {
	for _, door := range k.at.Doors(k.e.Site.Tunnel.Interface) {
		for _, who := range k.neighbours(door) {
			do(door.Name, who)
		}
	}
}

// dialled is what answers who dials from where the program runs.
func dialled(ctx context.Context, e *checks.Env, ports []netip.AddrPort) []checks.Probe {
	probes := make([]checks.Probe, len(ports))
	checks.AtOnce(len(ports), func(i int) { probes[i] = e.Probe(ctx, e.Here, ports[i], nil, netip.AddrPort{}) })
	return probes
}

// fromHere asks a question of every mail host in whose network the program runs.
func fromHere(e *checks.Env, q checks.Question, ask func(q checks.Question, v *checks.Vantage, now seen.Mailcow, who, met netip.Addr) checks.Result) (all []checks.Result) {
	if e.Site.Hostname == "" || e.Site.Mail.Kind != "mailcow" {
		return nil
	}
	for _, h := range e.Site.HostsOf(site.Mail) {
		v, err := e.Look(h)
		if err != nil {
			continue // the host's own result says so
		}
		now, err := seen.OfMailcow.Of(v.Facts)
		who, met, home := e.AtHome(h, v)
		if err != nil || !now.Begun() || !home || !met.Is4() {
			continue
		}
		q.From, q.Suffix = checks.Here, checks.Named(e.Site, h)
		all = append(all, ask(q, v, now, who, met))
	}
	return all
}
