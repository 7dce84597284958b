package path

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
)

// refuses says whether the rule surely tells the packet off, or drops it.
func (r Rule) refuses() bool { return r.Doubt == "" && (r.Verdict == "DROP" || r.Verdict == "REJECT") }

// walk is what the rules of a host make of the packet that was seen to come in, and of its answer.
type walk struct {
	rules  seen.Ruleset
	ufw    []seen.UfwRule
	at     seen.Network
	device string // where the world comes in
	tunnel string // the tunnel's interface
}

// rule is what becomes of a packet, by whose rule, and what takes that away. ufw's own rules are told as one would type them.
func (w walk) rule(f seen.Fate, p seen.Packet) Rule {
	r := Rule{Verdict: cmp.Or(f.Verdict, "ACCEPT"), Text: line(f.Rule), To: line(f.To)}
	decides := f.Rule
	if f.Unsure && (f.Doubt.Verdict == "DROP" || f.Doubt.Verdict == "REJECT") {
		decides, r.Doubt = f.Doubt.Rule, line(f.Doubt.Rule)
	}
	if r.Verdict != "ACCEPT" || r.Doubt != "" {
		r.Whose, r.Undo = owner(decides, w.rules.TableOf(p.Src, decides), p, w.ufw)
	}
	return r
}

func line(rule string) string { return remote.Clean(rule).Line(200) }

// owner is who made a rule, and what takes it away; what is ufw's default, or ours, nobody needs to take away.
func owner(rule, table string, p seen.Packet, ufw []seen.UfwRule) (whose, undo string) {
	set, rest, apart := strings.Cut(rule, ": ")
	words := strings.Fields(set)
	switch {
	case apart && len(words) == 3 && words[0] == "table" && strings.HasPrefix(words[2], "f2b"), strings.HasPrefix(rule, "-A f2b-"), strings.Contains(rule, "--match-set f2b-"):
		return "fail2ban", "fail2ban-client unban " + p.Src.String()
	case apart && len(words) == 3 && words[0] == "table":
		return line("another program's nftables " + set), seen.Typed("nft delete " + set)
	case apart && strings.HasPrefix(rest, "policy of ") && strings.HasPrefix(set, "iptables-"):
		if p.Src.Is6() {
			set = strings.Replace(set, "iptables", "ip6tables", 1)
		}
		return line("the rules that " + set + " shows"), seen.Typed(set + " -P " + strings.TrimPrefix(rest, "policy of ") + " ACCEPT")
	case strings.HasPrefix(rule, "-A ufw-user-"), strings.HasPrefix(rule, "-A ufw6-user-"):
		i := slices.IndexFunc(ufw, func(one seen.UfwRule) bool { return one.Does("deny", "reject") && one.Fits(p) })
		if i < 0 {
			return "", ""
		}
		undo := ufw[i].Delete()
		whose := line("your own ufw rule (" + strings.TrimPrefix(undo, "ufw delete ") + ")")
		if slices.ContainsFunc(ufw, func(one seen.UfwRule) bool { return one.Does("allow", "limit") && one.Fits(p) }) {
			return whose, seen.Typed(undo)
		}
		one := ufw[i] // typed over the one that let it in, as ufw does with a rule that differs in nothing else
		one.Action = "allow"
		return whose, seen.Typed(strings.Replace(one.Delete(), " delete ", " ", 1))
	}
	undo, foreign := seen.Removal(rule, table, p.Src.Is6())
	if foreign {
		whose = "a rule that is neither ufw's nor ours"
	}
	return whose, undo
}

// local fills in what becomes of a connection to this host itself, which comes in on a device.
func (w walk) local(side *Side, src netip.Addr, to netip.AddrPort, device string) {
	p := seen.Packet{Proto: "tcp", Src: src, Dst: to.Addr(), Port: int(to.Port()), In: device}
	side.Begins, side.Sent = w.rule(w.rules.Begins(p), p), w.rule(w.rules.Translates(p, "PREROUTING"), p)
	side.Lets = w.rule(w.rules.Enters(p), p)
	if at, err := netip.ParseAddrPort(side.Sent.To); err == nil && side.Sent.Verdict == "DNAT" { // into a container
		on := p
		on.Dst, on.Port, on.Beyond, on.Was = at.Addr(), int(at.Port()), true, to
		for _, r := range w.at.Routes {
			if r.To.Bits() > 0 && r.To.Contains(at.Addr()) {
				on.Out = r.Device
			}
		}
		side.Lets = w.rule(w.rules.Crosses(on), on)
		back := seen.Packet{Proto: "tcp", Src: on.Dst, Dst: src, From: on.Port, Port: seen.Unnamed, In: on.Out, Out: device, Beyond: true, Answer: true}
		side.Back = w.rule(w.rules.Crosses(back), back)
		return
	}
	back := seen.Packet{Proto: "tcp", Src: to.Addr(), Dst: src, From: int(to.Port()), Port: seen.Unnamed, Out: device, Answer: true}
	side.Back = w.rule(w.rules.Leaves(back), back)
}

// through fills in what becomes of a connection that is sent on through the tunnel.
func (w walk) through(side *Side, src netip.Addr, own, to netip.AddrPort) {
	p := seen.Packet{Proto: "tcp", Src: src, Dst: own.Addr(), Port: int(own.Port()), In: w.device}
	on := p
	on.Dst, on.Port, on.Out, on.Beyond, on.Was = to.Addr(), int(to.Port()), w.tunnel, true, own
	side.Begins, side.Sent, side.Lets = w.rule(w.rules.Begins(p), p), w.rule(w.rules.Translates(p, "PREROUTING"), p), w.rule(w.rules.Crosses(on), on)
	back := seen.Packet{Proto: "tcp", Src: to.Addr(), Dst: src, From: int(to.Port()), Port: seen.Unnamed, In: w.tunnel, Out: w.device, Beyond: true, Answer: true}
	if side.Back = w.rule(w.rules.Begins(back), back); !side.Back.refuses() {
		side.Back = w.rule(w.rules.Crosses(back), back)
	}
}

// listening says who listens where a connection should come out, and who else does at that port.
func listening(f remote.Facts, at netip.AddrPort) (who string, aside []string, docker string) {
	all, _ := seen.Listeners.Of(f)
	for _, l := range all {
		name := cmp.Or(l.Process, "a process without a name")
		switch a := l.Addr; {
		case l.Proto != "tcp" || l.Port != int(at.Port()):
		case !a.IsValid(), a == at.Addr(), a.IsUnspecified() && a.Is4() == at.Addr().Is4():
			who = name
		default:
			aside = append(aside, name+" at "+a.String())
		}
	}
	containers, _ := seen.Docker.Of(f)
	for _, c := range containers.Published {
		if a := c.Addr; c.Proto == "tcp" && c.First <= int(at.Port()) && int(at.Port()) <= c.Last && (a == at.Addr() || a.IsUnspecified() && a.Is4() == at.Addr().Is4()) {
			who, docker = "container "+c.Container, c.Container
		}
	}
	slices.Sort(aside)
	return who, slices.Compact(aside), docker
}
