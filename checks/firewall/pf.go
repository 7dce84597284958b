package firewall

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern/checks"
	"postern/seen"
	"postern/seen/pf"
	"postern/site"
)

// filter is what pf of a FreeBSD host runs, and what is known beside it.
type filter struct {
	file seen.Filter
	runs seen.PFRuns
	set  *pf.Ruleset
	host pf.Host
}

// pfReads are what must be asked of a host that may have pf.
var pfReads = checks.Join(seen.Systems.Reads, seen.PF.Reads, seen.PFRules.Reads, seen.RCConf.Reads)

// filterOf is the pf of a host; an error says that it is off, or cannot be told.
func filterOf(v *checks.Vantage, n seen.Network) (*filter, error) {
	file, err := seen.PF.Of(v.Facts)
	if err != nil {
		return nil, err
	}
	runs, err := seen.PFRules.Of(v.Facts)
	if err != nil {
		return nil, err
	}
	f := &filter{file: file, runs: runs}
	f.set, f.host = runs.Rules(n)
	return f, nil
}

// ours says whether all the main rules are: their file is of our making.
func (f *filter) ours() bool { return strings.HasPrefix(f.file.Text, "# Made by postern") }

// decide is what the rules do with a packet, which comes in or goes out.
func (f *filter) decide(p seen.Packet) seen.Fate { return fated(f.set, f.host, p) }

func fated(set *pf.Ruleset, h pf.Host, p seen.Packet) seen.Fate {
	from, to := p.From, netip.AddrPortFrom(p.Dst, uint16(p.Port))
	if from == 0 {
		from = seen.Unnamed
	}
	one := pf.Packet{On: p.In, Proto: p.Proto, From: netip.AddrPortFrom(p.Src, uint16(from)), To: to, Later: p.Answer}
	if one.On == "" {
		one.On, one.Out = p.Out, true
	}
	return seen.FateOf(set.Decide(one, h), to)
}

// askPFActive asks whether pf looks at packets, and refuses what no rule names.
func askPFActive(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
	q.Want = "pf runs, and refuses what no rule lets in"
	n, err := seen.Addresses.Of(v.Facts)
	if err != nil {
		return q.Cannot(err)
	}
	f, err := filterOf(v, n)
	if err != nil {
		return q.Cannot(err)
	}
	lines := strings.Count(f.runs.Main, "\n") - strings.Count(f.runs.Main, "\n\n")
	switch on := firstOf(h.Interface, n.Device); {
	case !f.runs.Running:
		return q.Fail("pf is off: nothing is filtered", "", "")
	case strings.TrimSpace(f.runs.Main) == "":
		return q.Fail("pf runs without any rule: nothing is filtered", "its file was refused when the host started", "")
	case on == "":
		return q.Unknown("the interface of the default route could not be seen", "")
	default:
		switch rest := f.set.Default(on, f.host); rest.Verdict {
		case pf.Pass:
			return q.Fail("no default policy: what no rule names is let in by "+quote(ruled(rest.Rule)), "the line that blocks is missing, or out of use", "")
		case pf.Unknown:
			return q.Unknown("whether what no rule names is refused could not be told: "+quote(rest.Why), "a rule of somebody else is not understood")
		}
		return q.OK("pf runs with %d rules, and refuses what none of them lets in", lines)
	}
}

func firstOf(list ...string) string {
	if i := slices.IndexFunc(list, func(s string) bool { return s != "" }); i >= 0 {
		return list[i]
	}
	return ""
}

func ruled(rule string) string { return firstOf(rule, "no rule") }

// askPFRules follows packets through the rules that pf runs: each that is wanted, and one for each border that the rules draw.
func askPFRules(e *checks.Env, q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
	k, err := knowledgeOf(e, h, v)
	if err != nil {
		return q.Cannot(err)
	}
	if !k.pf.runs.Running {
		return q.Fail("pf is off: nothing is filtered", "it was switched off, or never set up", "")
	}
	k.pfMissing()
	k.pfWide()
	if h.Role == site.Proxy {
		k.forwards()
		k.pfLetOut()
	}
	k.pfLeaving()
	k.pfOpen()
	k.pfLacks()
	r := verdict(q, k, nil)
	if r.Outcome == checks.OK {
		return q.OK("%d wanted, and the rules of pf let in nothing else", len(k.list))
	}
	return r
}

// pfMissing names what is wanted and does not come in.
func (k knowledge) pfMissing() {
	for _, w := range k.list {
		for _, src := range k.sources(w) {
			p := k.packet(w, src)
			if w.may || !w.to.IsValid() && k.network.Holder(p.Dst) == "" {
				continue // it has no address of that family
			}
			switch f := k.pf.decide(p); {
			case f.Unsure:
				k.doubt(fmt.Sprintf("%s from %s", w, src), f)
			case f.Verdict == "DNAT":
				note(&k.found.odd, "%s is sent elsewhere, to %s", w, f.To)
			case f.Verdict != "ACCEPT":
				note(&k.found.wrong, "missing: %s: from %s it ends in %s by %s", w, src, f.Verdict, quote(f.Rule))
			}
		}
	}
}

// pfWide names what is wanted from some sources only, and comes in from a stranger.
func (k knowledge) pfWide() {
	for _, w := range k.list {
		for _, world := range k.world {
			p := k.packet(want{proto: w.proto, port: w.port}, world.at)
			if len(w.from) == 0 || w.may || k.network.Holder(p.Dst) == "" || k.admitted(p) {
				continue
			}
			list := &k.found.wrong
			if w.name == "ssh" && !k.pf.ours() {
				list = &k.found.odd // theirs to keep
			}
			if f := k.pf.decide(p); f.Verdict == "ACCEPT" {
				note(list, "wider than wanted: %s: %s comes in too by %s", w, world.at, quote(f.Rule))
			}
		}
	}
}

// pfForward follows a connection to a forwarded port: in, to where it is sent, and out into the tunnel.
func (k knowledge) pfForward(name string, p seen.Packet, mail netip.AddrPort) {
	f := k.pf.decide(p)
	on := seen.Packet{Proto: p.Proto, Src: p.Src, Dst: mail.Addr(), Port: int(mail.Port()), Out: k.s.Tunnel.Interface}
	out, masks := k.pf.decide(on), k.translates(on)
	switch {
	case f.Unsure:
		k.doubt(name, f)
	case f.Verdict == "DROP":
		note(&k.found.wrong, "missing: %s from %s ends in %s by %s", name, p.Src, f.Verdict, quote(f.Rule))
	case f.To != mail.String():
		note(&k.found.wrong, "missing: %s is not sent to %s", name, mail)
	case out.Unsure:
		k.doubt(name+" on its way to "+mail.String(), out)
	case out.Verdict != "ACCEPT":
		note(&k.found.wrong, "missing: %s is sent to %s and then ends in %s by %s", name, mail, out.Verdict, quote(out.Rule))
	case masks != "" && k.s.Clients.Addresses != "masquerade":
		note(&k.found.wrong, "the mail host sees no client's own address: %s", quote(masks))
	case masks == "" && k.s.Clients.Addresses == "masquerade":
		note(&k.found.wrong, "missing: %s reaches the mail host with the client's own address, which it answers by its own line: no nat rule masks it", name)
	}
}

// translates is the rule that changes where a packet that leaves comes from, "" for none.
func (k knowledge) translates(p seen.Packet) string {
	to := netip.AddrPortFrom(p.Dst, uint16(p.Port))
	return k.pf.set.Decide(pf.Packet{Out: true, On: p.Out, Proto: p.Proto, From: netip.AddrPortFrom(p.Src, seen.Unnamed), To: to}, k.pf.host).By
}

// pfLetOut follows what the mail host itself sends to the world by the proxy (mail.path = direct): it leaves by the proxy's own address, and
// nobody else's is let out.
func (k knowledge) pfLetOut() {
	to := k.world[0].at
	for _, m := range k.s.HostsOf(site.Mail) {
		mail := k.s.TunnelAddress(m)
		in := seen.Packet{Proto: "tcp", Src: mail, Dst: to, Port: site.WorldSMTP, In: k.s.Tunnel.Interface}
		out := seen.Packet{Proto: "tcp", Src: mail, Dst: to, Port: site.WorldSMTP, Out: k.arrivesOn(to)}
		if k.s.Mail.Path == "direct" {
			k.needs("mail of "+mail.String()+" for the world", k.pf.decide(in))
			k.needs("mail of "+mail.String()+" for the world", k.pf.decide(out))
			if k.translates(out) == "" {
				note(&k.found.wrong, "missing: mail of %s for the world does not leave by the proxy's address: no nat rule says so", mail)
			}
			in.Src = in.Src.Next()
		}
		if in.Src != k.s.TunnelAddress(k.h) && k.pf.decide(in).Verdict == "ACCEPT" {
			note(&k.found.wrong, "too wide: mail of %s for the world is let out by %s", in.Src, quote(k.pf.decide(in).Rule))
		}
	}
}

// pfLeaving names what this host must send and its rules keep back, and answers that do not come: of what passes by no rule, or by one that
// keeps no state, pf does not know them.
func (k knowledge) pfLeaving() {
	for _, world := range k.world {
		if !k.met(world.at).IsValid() {
			continue
		}
		for _, one := range site.Outgoing(k.s, k.h) {
			to := world.at
			for _, p := range k.s.HostsOf(site.Proxy) {
				if one.Name == "tunnel" && p.Public4.IsValid() && to.Is4() {
					to = p.Public4
				}
			}
			out := seen.Packet{Proto: one.Proto, Src: k.own(to), Dst: to, Port: one.Port, Out: k.arrivesOn(to)}
			what, f := fmt.Sprintf("outgoing %s %d/%s", one.Name, one.Port, one.Proto), k.pf.decide(out)
			if k.needs(what, f); f.Verdict == "ACCEPT" && !strings.Contains(f.Rule, "keep state") && !strings.Contains(f.Rule, "modulate state") {
				back := seen.Packet{Proto: one.Proto, Src: to, Dst: out.Src, From: one.Port, Port: seen.Unnamed, In: out.Out, Answer: one.Proto == "tcp"}
				k.needs("answers to "+what, k.pf.decide(back))
			}
		}
	}
}

// pfLacks names tables that rules speak of and that are not there, our anchor where it is called and empty, and lists too long to be told.
func (k knowledge) pfLacks() {
	f := k.pf
	check := func(set *pf.Ruleset, anchor string) {
		for _, name := range set.Tables() {
			own := name
			if anchor != "" {
				own = anchor + "/" + name
			}
			known := func(at string) bool { _, ok := f.runs.Tables[at]; return ok || slices.Contains(f.runs.Large, at) }
			if !known(name) && !known(own) {
				note(&k.found.wrong, "a rule speaks of the table <%s>, which is not there", name)
			}
		}
	}
	check(f.set, "")
	for path, set := range f.host.Anchors {
		check(set, path)
	}
	if called := slices.Contains(f.set.Anchors(pf.Filter), seen.FilterAnchor); called && strings.TrimSpace(f.runs.Anchors[seen.FilterAnchor]) == "" {
		note(&k.found.wrong, "the anchor %s is called, and holds no rule", seen.FilterAnchor)
	}
	for _, name := range f.runs.Large {
		note(&k.found.odd, "a list of addresses may refuse some of what is wanted: <%s> is too long to be told", name)
	}
}
