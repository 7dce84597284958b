// Package firewall asks what the firewalls let in and send on: by dialling from outside, and by walking packets through the
// rules that run. It works out by itself what is wanted, and does not know how rules are made.
package firewall

import (
	"cmp"
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
	checks.Register(checks.Check{
		ID: "firewall.rules", Step: "firewall",
		Title: "The rules that run let in what the site wants and no more of ours",
		Page: checks.Page{
			Asks:    "Do the rules that the kernels run let in what the site wants, and nothing more of ours? Every wanted and some unwanted packets are followed through the rules as they were read. Nothing is sent.",
			OK:      "The rules do what the site wants.",
			Warn:    "They do, and rules of somebody else let in more.",
			Fail:    "A packet that is wanted is dropped, or one that nobody wants is let in.",
			Unknown: "The rules could not be read.",
			Mends:   "The chapter Firewall. Rules of your own stay: what they let in is yours to decide.",
		},
		Guide: "firewall, Opening Required Ports; Restricting Access to Specific IPs; Port Forwarding Configuration",
		Reads: checks.Join(seen.Rules.Reads, seen.SSH.Reads, seen.Addresses.Reads, checks.Files(fileUfwUser, fileUfwUser6)),
		Ask:   checks.Linux(askRules),
	})
}

// Strangers: addresses that stand for anybody on the internet. They are reserved for documentation, so no rule is
// written for them.
var (
	stranger4 = netip.MustParseAddr("192.0.2.77")
	stranger6 = netip.MustParseAddr("2001:db8:ffff::77")
)

func askRules(ctx context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "exactly the ports of the site are let in", Fix: "firewall", Likely: "the firewall was changed by hand or by another program"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		if u, err := e.Ufw(ctx, v); err != nil {
			return q.Cannot(err)
		} else if !u.Active {
			return q.Fail("ufw is not active: nothing is filtered", "the firewall was switched off, or never set up", "")
		}
		k, err := knowledgeOf(e, h, v)
		if err != nil {
			return q.Cannot(err)
		}
		tuples, err := tuplesOf(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		wide, theirs := k.wide(tuples)
		extra, odd := extras(k, tuples)
		missing, refused := k.missing(tuples)
		wrong := slices.Concat(missing, wide, extra)
		if len(refused) > 0 {
			q.Likely = "rules of your own stand before ours, and stay until you type: " + strings.Join(refused, "; ")
		}
		odd = append(odd, theirs...)
		if h.Role == site.Proxy {
			wrong = append(wrong, k.forwards()...)
		}
		return verdict(q, k, tuples, wrong, odd)
	}, site.Proxy, site.Mail)
}

// verdict is the result of what was found wrong; the rules of other people are always shown.
func verdict(q checks.Question, k knowledge, tuples []tuple, wrong, odd []string) checks.Result {
	var foreign []string
	for _, t := range tuples {
		if !t.ours() {
			foreign = append(foreign, t.String())
		}
	}
	evidence := ""
	if len(foreign) > 0 {
		evidence = "rules of other people, which stay:\n" + strings.Join(foreign, "\n")
	}
	switch {
	case len(wrong) == 0 && len(odd) > 0:
		return q.Warn(checks.Few(odd), "somebody set the host up from another place, or made rules of their own", evidence)
	case len(wrong) == 0:
		r := q.OK("%d wanted, %d rules of ours, %d of other people; all let in as wanted", len(k.list), len(tuples)-len(foreign), len(foreign))
		r.Evidence = remote.Clean(evidence)
		return r
	}
	return q.Fail(checks.Few(wrong), "", strings.Join(wrong, "\n")+"\n"+evidence)
}

// knowledge is what is wanted of one host, and the rules that run there.
type knowledge struct {
	s       *site.Site
	h       *site.Host
	list    []want
	rules   seen.Ruleset
	network seen.Network
	client  netip.Addr // where the program's own SSH connection comes from
}

func knowledgeOf(e *checks.Env, h *site.Host, v *checks.Vantage) (knowledge, error) {
	k := knowledge{s: e.Site, h: h}
	via, err := seen.SSH.Of(v.Facts)
	if err != nil {
		return k, err
	}
	if k.network, err = seen.Addresses.Of(v.Facts); err != nil {
		return k, err
	}
	k.network.Device = cmp.Or(h.Interface, k.network.Device)
	if k.rules, err = rulesOf(v.Facts); err != nil {
		return k, err
	}
	k.client = via.Client.Addr()
	k.list = wanted(e.Site, h, via.Ports, k.network.Home())
	return k, nil
}

// packet is the first packet of a wanted connection from a source.
func (k knowledge) packet(w want, src netip.Addr) seen.Packet {
	p := seen.Packet{Proto: w.proto, Src: src, Dst: w.to, Port: w.port, In: w.iface}
	if p.In == "" {
		p.In = k.arrivesOn(src)
	}
	if !p.Dst.IsValid() {
		p.Dst = k.own(src)
	}
	return p
}

// arrivesOn is the interface that a packet from an address comes in on.
func (k knowledge) arrivesOn(src netip.Addr) string {
	switch {
	case k.s.Tunnel.Network.Contains(src), k.s.Tunnel.Network6.Contains(src):
		return k.s.Tunnel.Interface
	case src.Is6() && k.network.Device6 != "":
		return k.network.Device6
	}
	return k.network.Device
}

// own is an address of the host in the family of src.
func (k knowledge) own(src netip.Addr) netip.Addr {
	switch {
	case k.s.Tunnel.Network.Contains(src):
		return k.s.TunnelAddress(k.h)
	case k.s.Tunnel.Network6.Contains(src):
		return k.s.TunnelAddress6(k.h)
	}
	if at, _ := k.network.Arrives(k.h.Public4); src.Is4() && at.IsValid() {
		return at
	}
	for _, a := range append(k.network.On(k.network.Device), k.network.On(k.network.Device6)...) {
		if a.Addr().Is4() == src.Is4() {
			return a.Addr()
		}
	}
	return src.Prev() // it has none: one that no rule names
}

func (k knowledge) enters(p seen.Packet) seen.Fate {
	tables := k.rules.Four
	if p.Src.Is6() {
		tables = k.rules.Six
	}
	return tables["filter"].Lets("INPUT", p)
}

// sources are addresses that stand for those a want admits.
func (w want) sources() []netip.Addr {
	if len(w.from) == 0 && w.to.IsValid() && w.to.Is4() {
		return []netip.Addr{stranger4}
	}
	if len(w.from) == 0 {
		return []netip.Addr{stranger4, stranger6}
	}
	var all []netip.Addr
	for _, p := range w.from {
		a := p.Masked().Addr()
		if !p.IsSingleIP() {
			a = a.Next().Next().Next() // not the network's own address, nor one a host of the site is likely to have
		}
		all = append(all, a)
	}
	return all
}

// missing names what is wanted and does not come in, and the commands that take away the rules of other people which refuse it.
func (k knowledge) missing(tuples []tuple) (wrong, refused []string) {
	for _, w := range k.list {
		if w.may {
			continue
		}
		for _, src := range w.sources() {
			p := k.packet(w, src)
			f := k.enters(p)
			if f.Verdict == "ACCEPT" {
				continue
			}
			if at := slices.IndexFunc(tuples, func(t tuple) bool { return t.refuses(p) }); at >= 0 && !slices.Contains(refused, tuples[at].undoing) {
				refused = append(refused, tuples[at].undoing)
			}
			wrong = append(wrong, fmt.Sprintf("missing: %s: from %s it ends in %s by %q", w, src, cmp.Or(f.Verdict, "nothing"), remote.Clean(f.Rule).Line(120)))
			break
		}
	}
	return wrong, refused
}

// wide names what is wanted from some sources only and comes in from a stranger, over the interface it is wanted on or
// over the public one. On the mail host what comes out of the tunnel was let into it by the proxy. A rule by which other
// people let SSH in is theirs to keep: it is odd, not wrong.
func (k knowledge) wide(tuples []tuple) (wrong, odd []string) {
	for _, w := range k.list {
		if len(w.from) == 0 || w.may {
			continue
		}
		for _, src := range []netip.Addr{stranger4, stranger6} {
			public := k.packet(want{proto: w.proto, port: w.port}, src)
			asked := []seen.Packet{public}
			if !w.to.IsValid() || w.to.Is4() == src.Is4() && k.h.Role == site.Proxy {
				asked = append(asked, k.packet(w, src))
			}
			rule := k.comesIn(w, asked)
			if rule != "" && w.name == "ssh" && k.theirs(w, tuples) {
				odd = append(odd, fmt.Sprintf("wider than wanted: %s: %s comes in too by a rule of other people (%s): delete it where nobody needs it", w, src, rule))
				break
			}
			if rule != "" {
				wrong = append(wrong, fmt.Sprintf("wider than wanted: %s: %s comes in too by %q", w, src, rule))
				break
			}
		}
	}
	return wrong, odd
}

// theirs says whether a rule of other people lets in what is wanted, from anywhere.
func (k knowledge) theirs(w want, tuples []tuple) bool {
	w.from, w.iface = nil, ""
	return slices.ContainsFunc(tuples, func(t tuple) bool { return !t.ours() && t.within(w) && t.src.Bits() == 0 })
}

// comesIn is the rule that lets one of the packets in although nothing wanted does, or "".
func (k knowledge) comesIn(w want, asked []seen.Packet) string {
	for _, p := range asked {
		if f := k.enters(p); f.Verdict == "ACCEPT" && !k.admitted(w, p) {
			return remote.Clean(f.Rule).Line(120)
		}
	}
	return ""
}

// admitted says whether anything wanted lets in a packet to the port of w.
func (k knowledge) admitted(w want, p seen.Packet) bool {
	return slices.ContainsFunc(k.list, func(other want) bool {
		return other.port == w.port && other.proto == w.proto && (len(other.from) == 0 || seen.Inside(other.from, p.Src)) &&
			(other.iface == "" || other.iface == p.In)
	})
}

// extras names rules of ours that nothing asks for. A way in for SSH that was left for the place of an earlier operator
// is odd, not wrong.
func extras(k knowledge, tuples []tuple) (wrong, odd []string) {
	allowed := append([]want(nil), k.list...)
	if k.h.Role == site.Mail {
		allowed = append(allowed, want{iface: k.s.Tunnel.Interface})
	}
	for _, t := range tuples {
		if !t.ours() || k.asked(t, allowed) || k.sends(t) {
			continue
		}
		ssh := false
		for _, w := range k.list {
			w.from = nil
			ssh = ssh || w.name == "ssh" && k.h.Role == site.Mail && t.src.Bits() > 0 && t.within(w)
		}
		if ssh && len(k.h.SSHFrom) == 0 {
			if !t.src.Contains(k.client) && !(k.client.Is6() && t.src.Addr().Is6()) {
				odd = append(odd, "left over: "+t.String())
			}
			continue
		}
		wrong = append(wrong, "not wanted: "+t.String())
	}
	return wrong, odd
}

// sends says whether a rule of ours lets out what the host needs where all else is denied.
func (k knowledge) sends(t tuple) bool {
	return t.leaves && (t.out == k.s.Tunnel.Interface || t.out == "" && slices.ContainsFunc(site.Outgoing(k.s, k.h), func(p site.NamedPort) bool {
		return t.proto == p.Proto && slices.Equal(t.dports, []seen.Span{{First: p.Port, Last: p.Port}})
	}))
}

// asked says whether anything asks for a rule of ours.
func (k knowledge) asked(t tuple, allowed []want) bool {
	return slices.ContainsFunc(allowed, t.within) || slices.ContainsFunc(forwarded(k.s), func(f site.Service) bool {
		return k.h.Role == site.Proxy && t.route && t.action == "allow" && t.proto == f.Proto && t.dst.IsSingleIP() &&
			slices.Equal(t.dports, []seen.Span{{First: f.Port, Last: f.Port}})
	})
}
