package path

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
)

// Files of ufw's own rules.
const (
	fileUfwUser  = "/etc/ufw/user.rules"
	fileUfwUser6 = "/etc/ufw/user6.rules"
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
		if r.Whose, r.Undo = owner(decides, w.rules.TableOf(p.Src, decides), p, w.ufw); strings.ContainsAny(r.Undo, "$`;|&<>\\") {
			r.Undo = "" // a shell would make something else of it
		}
	}
	return r
}

func line(rule string) string { return remote.Clean(rule).Line(200) }

// owner is who made a rule, and what takes it away; what is ufw's default, or ours, nobody needs to take away.
func owner(rule, table string, p seen.Packet, ufw []seen.UfwRule) (whose, undo string) {
	tool := "iptables"
	if p.Src.Is6() {
		tool = "ip6tables"
	}
	set, rest, apart := strings.Cut(rule, ": ")
	words := strings.Fields(set)
	switch {
	case apart && len(words) == 3 && words[0] == "table" && strings.HasPrefix(words[2], "f2b"), strings.HasPrefix(rule, "-A f2b-"), strings.Contains(rule, "--match-set f2b-"):
		return "fail2ban", "fail2ban-client unban " + p.Src.String()
	case apart && len(words) == 3 && words[0] == "table":
		return line("another program's nftables " + set), line("nft delete " + set)
	case apart && strings.HasPrefix(set, "iptables-"):
		tool = line(strings.Replace(set, "iptables", tool, 1))
	default:
		rest = rule
	}
	chain, isPolicy := strings.CutPrefix(rest, "policy of ")
	spec, _ := strings.CutPrefix(rest, "-A ")
	switch first, _, _ := strings.Cut(spec, " "); {
	case isPolicy && tool != "iptables" && tool != "ip6tables":
		return "the rules that " + tool + " shows", line(tool + " -P " + chain + " ACCEPT")
	case strings.HasPrefix(first, "ufw-user-"):
		i := slices.IndexFunc(ufw, func(one seen.UfwRule) bool { return fits(one, p, "deny", "reject") })
		if i < 0 {
			return "", ""
		}
		undo := line(ufw[i].Delete())
		whose := "your own ufw rule (" + strings.TrimPrefix(undo, "ufw delete ") + ")"
		if slices.ContainsFunc(ufw, func(one seen.UfwRule) bool { return fits(one, p, "allow", "limit") }) {
			return whose, undo
		}
		one := ufw[i] // typed over the one that let it in, as ufw does with a rule that differs in nothing else
		one.Action = "allow"
		return whose, line(strings.Replace(one.Delete(), " delete ", " ", 1))
	case isPolicy, strings.HasPrefix(first, "ufw-"), strings.HasPrefix(first, "postern-"), strings.HasPrefix(first, "DOCKER") && first != "DOCKER-USER":
		return "", ""
	}
	if table != "filter" && table != "" {
		tool += " -t " + table
	}
	return "a rule that is neither ufw's nor ours", line(tool + " -D " + spec)
}

// fits says whether a rule of ufw's with one of these actions is for the packet.
func fits(r seen.UfwRule, p seen.Packet, actions ...string) bool {
	src, ok1 := seen.Prefix(r.Src)
	dst, ok2 := seen.Prefix(r.Dst)
	ports := seen.ParsePorts(r.Dport)
	action, _, _ := strings.Cut(r.Action, "_")
	return ok1 && ok2 && slices.Contains(actions, action) && r.Dir == "in" && r.Route == p.Beyond && (r.Proto == "any" || r.Proto == p.Proto) &&
		(len(ports) == 0 || seen.HasPort(ports, p.Port)) && (r.In == "" || r.In == p.In) && src.Masked().Contains(p.Src) && dst.Masked().Contains(p.Dst)
}

// ufwRules are the rules of ufw's files, in their order.
func ufwRules(f remote.Facts) (all []seen.UfwRule) {
	for _, path := range []string{fileUfwUser, fileUfwUser6} {
		if file, _ := f.File(path); file != nil {
			for text := range strings.Lines(file.Text) {
				if r, ok := seen.ParseUfwRule(strings.TrimSpace(text)); ok && strings.HasPrefix(text, seen.UfwTuple) {
					all = append(all, r)
				}
			}
		}
	}
	return all
}

// local fills in what becomes of a connection to this host itself, which comes in on a device.
func (w walk) local(side *Side, src netip.Addr, to netip.AddrPort, device string) {
	p := seen.Packet{Proto: "tcp", Src: src, Dst: to.Addr(), Port: int(to.Port()), In: device}
	side.Begins, side.Sent = w.rule(w.rules.Begins(p), p), w.rule(w.rules.Translates(p, "PREROUTING"), p)
	side.Lets = w.rule(w.rules.Enters(p), p)
	if at, err := netip.ParseAddrPort(side.Sent.To); err == nil && side.Sent.Verdict == "DNAT" { // into a container
		on := p
		on.Dst, on.Port, on.Beyond = at.Addr(), int(at.Port()), true
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
	on.Dst, on.Port, on.Out, on.Beyond = to.Addr(), int(to.Port()), w.tunnel, true
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
