package firewall

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Words says in plain words what a host admits under a policy: who reaches what, where what is forwarded goes on to, and from
// where SSH stays open.
func (p Policy) Words() string {
	var ssh []string
	reach := groups{}
	for _, a := range p.Allows {
		who := inWords(a.From, a.In)
		if a.Name == "ssh" {
			way := fmt.Sprintf("on %d from ", a.Port)
			if len(ssh) > 0 && strings.HasPrefix(ssh[0], way) {
				way = "from "
			}
			ssh = append(ssh, way+strings.Replace(who, "the world", "anywhere", 1))
			continue
		}
		reach.add(who+" reaches ", "", a.Proto, a.Port)
	}
	for _, f := range p.Forwards {
		if f.To.Addr().Is4() || !p.forwards4(f.Name) {
			reach.add("", " from "+inWords(f.From, "")+" go on to "+f.Dest.Addr().String(), f.Proto, int(f.To.Port()))
		}
	}
	var said []string
	for _, g := range reach.list {
		said = append(said, g.before+g.ports()+g.after)
	}
	for _, l := range p.Leaves {
		said = append(said, fmt.Sprintf("what %s sends to %d/%s in the world leaves from %s", l.From, l.Port, l.Proto, l.As))
	}
	if len(ssh) > 0 {
		said = append(said, "SSH stays open "+strings.Join(ssh, " and "))
	}
	return p.Host + ": " + strings.Join(append(said, "what else comes in is denied, unless a rule of yours admits it"), "; ")
}

// forwards4 says whether a service is forwarded over IPv4 too, so that IPv6 needs no words of its own.
func (p Policy) forwards4(name string) bool {
	return slices.ContainsFunc(p.Forwards, func(f Forward) bool { return f.Name == name && f.To.Addr().Is4() })
}

// inWords is who a rule is for, in words.
func inWords(from []netip.Prefix, in string) string {
	var list []string
	for _, p := range from {
		one := p.String()
		if p.IsSingleIP() {
			one = p.Addr().String()
		}
		list = append(list, one)
	}
	who := cmp.Or(strings.Join(list, ", "), "the world")
	if in != "" {
		who += " through " + in
	}
	return who
}

// groups are ports of which the same is said, in the order in which they came.
type groups struct{ list []*group }

type group struct {
	before, after string
	open          map[string][]int // ports by protocol
}

func (g *groups) add(before, after, proto string, port int) {
	at := slices.IndexFunc(g.list, func(one *group) bool { return one.before == before && one.after == after })
	if at < 0 {
		at = len(g.list)
		g.list = append(g.list, &group{before, after, map[string][]int{}})
	}
	if open := g.list[at].open; !slices.Contains(open[proto], port) {
		open[proto] = append(open[proto], port)
	}
}

// ports are the group's ports, as "25, 80/tcp and 51820/udp".
func (g *group) ports() string {
	var parts []string
	for _, proto := range []string{"tcp", "udp", ""} {
		var list []string
		slices.Sort(g.open[proto])
		for _, port := range g.open[proto] {
			list = append(list, fmt.Sprint(port))
		}
		switch {
		case list != nil && proto != "":
			parts = append(parts, strings.Join(list, ", ")+"/"+proto)
		case list != nil:
			parts = append(parts, "everything")
		}
	}
	return strings.Join(parts, " and ")
}
