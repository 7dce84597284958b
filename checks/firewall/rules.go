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
		ID: "firewall.rules", Rests: []string{"firewall.active@"}, Step: "firewall",
		Title: "The rules that run let in what the site wants and no more of ours",
		Page: checks.Page{
			Asks: "Do the rules that the kernels run let in what the site wants, and nothing more? Packets are followed through every table " +
				"of iptables, of its other rule set and of nft, as they were read: each that is wanted, the answers, and one for each border " +
				"of sources and ports that the rules themselves draw. On FreeBSD these are the rules of pf, with its anchors and tables. Nothing is sent.",
			OK:      "The rules do what the site wants.",
			Warn:    "They do, and rules of somebody else let in more, or refuse some; each is quoted.",
			Fail:    "A packet that is wanted is dropped, or one that nobody wants is let in.",
			Unknown: "The rules could not be read, or one that might decide has a match that is not understood; it is quoted.",
			Mends:   "The chapter Firewall. Rules of your own stay: what they let in is yours to decide.",
		},
		Guide: "firewall, Opening Required Ports; Restricting Access to Specific IPs; Port Forwarding Configuration",
		Reads: checks.Join(pfReads, seen.UfwStatus.Reads, seen.Rules.Reads, seen.SSH.Reads, seen.Addresses.Reads, checks.Files(seen.UfwUser, seen.UfwUser6)),
		Ask:   checks.Linux(askRules),
	})
}

func askRules(_ context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "exactly the ports of the site are let in", Fix: "firewall", Likely: "the firewall was changed by hand or by another program"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		if h.BSD() {
			return askPFRules(e, q, h, v)
		}
		if u, err := seen.UfwStatus.Of(v.Facts); err != nil {
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
		k.missing(tuples)
		k.wide(tuples)
		k.extras(tuples)
		k.leaving()
		if h.Role == site.Proxy {
			k.forwards()
		}
		k.other()
		k.open(tuples)
		r := verdict(q, k, tuples)
		if r.Outcome == checks.Fail && len(k.found.first) > 0 {
			for _, kept := range h.First {
				note(&k.found.first, "%s", kept)
			}
			r.Answer, r.Type = "host."+h.Name+".first="+strings.Join(k.found.first, ","), strings.Join(k.found.refused, "; ")
		}
		if r.Outcome == checks.Fail && r.Type == "" {
			r.Type = strings.Join(k.found.typed, "; ")
		}
		return r
	}, site.Proxy, site.Mail)
}

// verdict is the result of what was found; the rules of other people are always shown.
func verdict(q checks.Question, k knowledge, tuples []tuple) checks.Result {
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
	wrong, odd, unsure := k.found.wrong, k.found.odd, k.found.unsure
	if len(k.found.refused) > 0 {
		q.Likely = "rules of your own stand before ours, and stay until you type: " + strings.Join(k.found.refused, "; ")
	}
	switch {
	case len(wrong) > 0:
		return q.Fail(checks.Few(wrong), "", strings.Join(slices.Concat(wrong, unsure, odd), "\n")+"\n"+evidence)
	case len(unsure) > 0:
		return q.Unknown(checks.Few(slices.Concat(unsure, odd)), "a rule of somebody else has a match that this program does not understand")
	case len(odd) > 0:
		return q.Warn(checks.Few(odd), "somebody set the host up from another place, or made rules of their own", strings.Join(odd, "\n")+"\n"+evidence)
	}
	r := q.OK("%d wanted, %d rules of ours, %d of other people; all let in as wanted", len(k.list), len(tuples)-len(foreign), len(foreign))
	r.Evidence = remote.Clean(evidence)
	return r
}

// stopper notes the command that takes away a rule of another program's which stops what is wanted; ufw's own files bring ufw's.
func (k knowledge) stopper(src netip.Addr, f seen.Fate) {
	if command, _ := seen.Removal(f.Rule, k.rules.TableOf(src, f.Rule), src.Is6()); command != "" {
		note(&k.found.typed, "%s", command)
	}
}

// findings are what the rules do that they should not, each once.
type findings struct {
	wrong, odd, unsure []string
	refused            []string // commands that take away rules of other people which refuse what is wanted
	first              []string // the ports that they refuse
	typed              []string // commands that take away rules of other programs which do
}

func note(list *[]string, format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(*list, text) {
		*list = append(*list, text)
	}
}

// quote is a rule in one line.
func quote(rule string) string { return fmt.Sprintf("%q", remote.Clean(rule).Line(160)) }

// doubt notes a rule that may or may not decide about a packet. Lists of banned addresses are everywhere, and are told as such.
func (k knowledge) doubt(what string, f seen.Fate) {
	if refuses := f.Doubt.Verdict == "DROP" || f.Doubt.Verdict == "REJECT"; refuses && (strings.Contains(f.Doubt.Rule, "--match-set ") || strings.Contains(f.Doubt.Rule, "saddr @")) {
		note(&k.found.odd, "a list of addresses may refuse some of what is wanted: %s", quote(f.Doubt.Rule))
		return
	}
	note(&k.found.unsure, "it cannot be told what becomes of %s: %s", what, quote(f.Doubt.Rule))
}

// knowledge is what is wanted of one host, and the rules that run there.
type knowledge struct {
	s       *site.Site
	h       *site.Host
	list    []want
	rules   seen.Ruleset
	pf      *filter // of a FreeBSD host, which has no others; else nil
	network seen.Network
	client  netip.Addr // where the program's own SSH connection comes from
	world   [2]world   // over IPv4, over IPv6
	found   *findings
}

func knowledgeOf(e *checks.Env, h *site.Host, v *checks.Vantage) (knowledge, error) {
	k := knowledge{s: e.Site, h: h, found: &findings{}}
	via, err := seen.SSH.Of(v.Facts)
	if err != nil {
		return k, err
	}
	if k.network, err = seen.Addresses.Of(v.Facts); err != nil {
		return k, err
	}
	k.network.Device = cmp.Or(h.Interface, k.network.Device)
	if h.BSD() {
		k.pf, err = filterOf(v, k.network)
	} else {
		k.rules, err = rulesOf(v.Facts)
	}
	if err != nil {
		return k, err
	}
	for i, stranger := range k.rules.Strangers() {
		if k.world[i] = worldOf(k.rules, stranger); k.pf != nil {
			k.world[i] = world{at: k.pf.stranger(stranger), named: k.pf.set.Names(k.pf.host)}
		}
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
	return cmp.Or(k.met(src), src.Prev()) // it has none: one that no rule names
}

// sources are addresses that stand for those a want admits.
func (k knowledge) sources(w want) []netip.Addr {
	if len(w.from) == 0 && w.to.IsValid() {
		return []netip.Addr{k.anybody(w.to).at}
	}
	if len(w.from) == 0 {
		return []netip.Addr{k.world[0].at, k.world[1].at}
	}
	var all []netip.Addr
	for _, p := range w.from {
		all = append(all, k.someone(p))
	}
	return all
}

// missing names what is wanted and does not come in, and the commands that take away the rules of other people which refuse it.
func (k knowledge) missing(tuples []tuple) {
	for _, w := range k.list {
		if w.may {
			continue
		}
		for _, src := range k.sources(w) {
			p := k.packet(w, src)
			f := k.rules.Enters(p)
			if sent := k.rules.Translates(p, "PREROUTING"); sent.Verdict != "ACCEPT" && !strings.HasPrefix(sent.Rule, "-A DOCKER ") {
				note(&k.found.odd, "%s is sent elsewhere: %s", w, quote(sent.Rule))
			}
			if f.Unsure {
				k.doubt(fmt.Sprintf("%s from %s", w, src), f)
			} else if f.Verdict != "ACCEPT" {
				if at := slices.IndexFunc(tuples, func(t tuple) bool { return t.refuses(p) }); at >= 0 && strings.HasPrefix(f.Rule, "-A ufw") {
					note(&k.found.refused, "%s", tuples[at].Delete())
					if w.port != 0 {
						note(&k.found.first, "%d/%s", w.port, w.proto)
					}
				}
				k.stopper(src, f)
				note(&k.found.wrong, "missing: %s: from %s it ends in %s by %s", w, src, cmp.Or(f.Verdict, "nothing"), quote(f.Rule))
				break
			}
		}
		for _, some := range slices.Concat(k.world[0].parts, k.world[1].parts) {
			if f := k.rules.Enters(k.packet(w, some)); len(w.from) == 0 && !w.to.IsValid() && !f.Unsure && f.Verdict != "ACCEPT" {
				note(&k.found.odd, "a large part of the world is refused: %s: from %s it ends in %s by %s", w, some, f.Verdict, quote(f.Rule))
			}
		}
	}
}

// wide names what is wanted from some sources only and comes in from a stranger, over the interface it is wanted on or
// over the public one. On the mail host what comes out of the tunnel was let into it by the proxy. A rule by which other
// people let SSH in is theirs to keep: it is odd, not wrong.
func (k knowledge) wide(tuples []tuple) {
	for _, w := range k.list {
		if len(w.from) == 0 || w.may {
			continue
		}
		for _, src := range slices.Concat([]netip.Addr{k.world[0].at, k.world[1].at}, k.world[0].parts, k.world[1].parts) {
			public := k.packet(want{proto: w.proto, port: w.port}, src)
			asked := []seen.Packet{public}
			if !w.to.IsValid() || w.to.Is4() == src.Is4() && k.h.Role == site.Proxy {
				asked = append(asked, k.packet(w, src))
			}
			rule := k.comesIn(asked)
			if rule != "" && w.name == "ssh" && k.theirs(w, tuples) {
				note(&k.found.odd, "wider than wanted: %s: %s comes in too by a rule of other people (%s): delete it where nobody needs it", w, src, rule)
				break
			}
			if rule != "" {
				note(&k.found.wrong, "wider than wanted: %s: %s comes in too by %s", w, src, rule)
				break
			}
		}
	}
}

// theirs says whether a rule of other people lets in what is wanted, from anywhere.
func (k knowledge) theirs(w want, tuples []tuple) bool {
	return slices.ContainsFunc(tuples, func(t tuple) bool { return t.admitsAll(w.proto, w.port) })
}

// comesIn is the rule that lets one of the packets in although nothing wanted does, or "".
func (k knowledge) comesIn(asked []seen.Packet) string {
	for _, p := range asked {
		if f := k.rules.Enters(p); f.Verdict == "ACCEPT" && !k.admitted(p) {
			return quote(f.Rule)
		}
	}
	return ""
}

// admitted says whether anything wanted lets in a packet.
func (k knowledge) admitted(p seen.Packet) bool {
	return slices.ContainsFunc(k.list, func(w want) bool {
		return w.port == p.Port && w.proto == p.Proto && (len(w.from) == 0 || seen.Inside(w.from, p.Src)) && (w.iface == "" || w.iface == p.In)
	})
}

// extras names rules of ours that nothing asks for. A way in for SSH that was left for the place of an earlier operator
// is odd, not wrong.
func (k knowledge) extras(tuples []tuple) {
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
				note(&k.found.odd, "left over: %s", t)
			}
			continue
		}
		note(&k.found.wrong, "not wanted: %s", t)
	}
}

// sends says whether a rule of ours lets out what the host needs where all else is denied.
func (k knowledge) sends(t tuple) bool {
	return t.Leaves() && (t.Out == k.s.Tunnel.Interface || t.Out == "" && slices.ContainsFunc(site.Outgoing(k.s, k.h), func(p site.NamedPort) bool {
		return t.Proto == p.Proto && slices.Equal(t.dports, []seen.Span{{First: p.Port, Last: p.Port}})
	}))
}

// asked says whether anything asks for a rule of ours.
func (k knowledge) asked(t tuple, allowed []want) bool {
	out := k.s.Mail.Path == "direct" && k.h.Role == site.Proxy && t.Route && t.Does("allow") && t.Proto == "tcp" && t.src.IsSingleIP() &&
		k.s.Tunnel.Network.Contains(t.src.Addr()) && slices.Equal(t.dports, []seen.Span{{First: site.WorldSMTP, Last: site.WorldSMTP}})
	return out || slices.ContainsFunc(allowed, t.within) || slices.ContainsFunc(forwarded(k.s), func(f site.Service) bool {
		return k.h.Role == site.Proxy && t.Route && t.Does("allow") && t.Proto == f.Proto && t.dst.IsSingleIP() &&
			slices.Equal(t.dports, []seen.Span{{First: f.Port, Last: f.Port}})
	})
}
