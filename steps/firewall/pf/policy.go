package pf

import (
	"net/netip"
	"slices"
	"strings"

	"postern/seen"
	"postern/steps/firewall"
)

// writer puts a policy into rules for one file.
type writer struct {
	want    firewall.Policy
	network seen.Network
	ext     string // the public interface
	tunnel  string // the tunnel's; may not be there yet when pf starts, so it stands as an address in brackets only
	macros  bool   // the file names both by macros of its own
	admin   string // the table of those who are never cut off
	banned  string // the table of those who knocked too often; "" for none
}

func newWriter(want firewall.Policy, network seen.Network) writer {
	w := writer{want: want, network: network, ext: network.Device, macros: true, admin: "admin"}
	for _, f := range want.Forwards {
		w.ext = f.In
	}
	for _, l := range want.Leaves {
		w.ext = l.Out
	}
	for _, b := range want.Behind {
		w.ext = b.Out
	}
	for _, o := range want.Outs {
		if o.On != "" {
			w.tunnel = o.On
		}
	}
	return w
}

// iface is an interface as the file names it.
func (w writer) iface(name string) string {
	switch {
	case w.macros && name == w.ext:
		return "$ext_if"
	case w.macros && name == w.tunnel:
		return "$wg_if"
	}
	return name
}

// here are the addresses of the host itself, whatever they are when a packet comes: with forwarding on, "any" would be those behind
// it as well.
func (w writer) here() string {
	words := []string{"(" + w.iface(w.ext) + ")"}
	for _, i := range w.network.Interfaces {
		if i.Name != w.ext && i.Name != w.tunnel && !seen.Loopback(i.Name) && len(w.network.On(i.Name)) > 0 {
			words = append(words, "("+i.Name+")")
		}
	}
	return Braced(words)
}

// address is one of the host's own. One that was given for a time stands as the first of its interface.
func (w writer) address(a netip.Addr, on string) string {
	for _, had := range w.network.On(on) {
		if had.Addr() == a && had.Dynamic {
			return "(" + w.iface(on) + ":0)"
		}
	}
	return a.String()
}

// translation is what is sent on to the mail host, and out into the world for it: nat before rdr.
func (w writer) translation() rules {
	var all rules
	for _, l := range w.want.Leaves {
		all.add(rule{action: "nat", on: w.iface(l.Out), family: family(l.From), proto: l.Proto, from: l.From.String(), to: "any", ports: []int{l.Port},
			target: w.address(l.As, l.Out), names: []string{l.Name}})
	}
	for _, b := range w.want.Behind {
		all.add(rule{action: "nat", on: w.iface(b.Out), family: family(b.As), from: canonical(b.Net), to: "any", target: w.address(b.As, b.Out), names: []string{"what jails send into the world"}})
	}
	for _, f := range w.want.Forwards {
		if w.want.Masquerade {
			all.add(rule{action: "nat", on: w.iface(f.Out), family: family(f.Dest.Addr()), proto: f.Proto, from: "any", to: f.Dest.Addr().String(), ports: []int{int(f.Dest.Port())},
				target: "(" + w.iface(f.Out) + ":0)", names: []string{f.Name}})
		}
	}
	for _, f := range w.want.Forwards {
		if from, some := sources(f.From, family(f.Dest.Addr())); some {
			r := rule{action: "rdr", on: w.iface(f.In), family: family(f.Dest.Addr()), proto: f.Proto, from: from, to: w.address(f.To.Addr(), f.In), ports: []int{int(f.To.Port())},
				target: f.Dest.Addr().String(), names: []string{f.Name}}
			if f.To.Port() != f.Dest.Port() {
				r.target += " port " + PortList([]int{int(f.Dest.Port())})
			}
			all.add(r)
		}
	}
	return all
}

// admins are the rules that nobody behind them can undo, and no state is needed for: a session that is older than the rules goes on.
func (w writer) admins() rules {
	ports := w.sshPorts()
	return rules{
		{action: "pass in quick", proto: "tcp", from: "<" + w.admin + ">", to: "any", ports: ports, state: "flags any no state"},
		{action: "pass out quick", proto: "tcp", from: "any", source: PortList(ports), to: "<" + w.admin + ">", state: "flags any no state"},
	}
}

func (w writer) sshPorts() (ports []int) {
	for _, a := range w.want.Allows {
		if a.Name == "ssh" && !slices.Contains(ports, a.Port) {
			ports = append(ports, a.Port)
		}
	}
	return ports
}

// limit is what an address may do at the port of SSH before it is banned: more than any of us does, and less than who guesses.
const limit = "flags S/SA keep state (max-src-conn 20, max-src-conn-rate 20/30, overload <%> flush)"

// allows are the rules for what the host itself takes.
func (w writer) allows() rules {
	var all rules
	for _, a := range w.want.Allows {
		for _, fam := range families {
			from, some := sources(a.From, fam)
			if !some || a.To.IsValid() && family(a.To) != fam || w.admin != "" && a.Name == "ssh" && a.In == "" && from != "any" {
				continue // the last: those are in the table
			}
			r := rule{action: "pass in", family: fam, proto: a.Proto, from: from, to: w.here(), names: []string{a.Name}}
			if a.Port != 0 {
				r.ports = []int{a.Port}
				if a.Proto == "" {
					r.proto = "{ tcp udp }"
				}
			}
			if a.In != "" {
				r.on, r.to = w.iface(a.In), "("+w.iface(a.In)+")"
			}
			switch {
			case a.To.IsValid():
				r.to = w.address(a.To, a.In)
			case a.Name == "ssh": // whatever address of the host it goes to
				r.to = "any"
			}
			if a.Name == "ssh" && from == "any" && w.banned != "" {
				r.state = strings.ReplaceAll(limit, "%", w.banned)
			}
			if peer := w.peer(a.In, fam); peer.IsValid() && a.From == nil {
				r.via = "reply-to (" + w.iface(a.In) + " " + peer.String() + ")"
			}
			all.add(r)
		}
	}
	return all
}

// peer is the other end of a tunnel through which the world's own addresses come: what answers them goes back through it, and not by the
// default route. It is the one address from which everything is taken on that interface.
func (w writer) peer(in, fam string) netip.Addr {
	for _, a := range w.want.Allows {
		if a.In != in || in == "" || a.Port != 0 {
			continue
		}
		for _, p := range a.From {
			if p.IsSingleIP() && family(p.Addr()) == fam {
				return p.Addr()
			}
		}
	}
	return netip.Addr{}
}

// onward are the rules for what was sent on, which has its new address by then, and for what the mail host sends into the world.
func (w writer) onward() rules {
	var all rules
	for _, f := range w.want.Forwards {
		if from, some := sources(f.From, family(f.Dest.Addr())); some {
			all.add(rule{action: "pass in", on: w.iface(f.In), family: family(f.Dest.Addr()), proto: f.Proto, from: from, to: f.Dest.Addr().String(), ports: []int{int(f.Dest.Port())}, names: []string{f.Name}})
		}
	}
	for _, l := range w.want.Leaves {
		all.add(rule{action: "pass in", on: w.iface(l.In), family: family(l.From), proto: l.Proto, from: l.From.String(), to: "any", ports: []int{l.Port}, names: []string{l.Name}})
	}
	return all
}

// outward are the rules for what leaves, where the rest of the file may refuse it.
func (w writer) outward() rules {
	var all rules
	for _, fam := range families {
		if w.tunnel != "" {
			all.add(rule{action: "pass out", on: w.iface(w.tunnel), family: fam, from: "any", to: "any", names: []string{"into the tunnel"}})
		}
	}
	for _, l := range w.want.Leaves {
		all.add(rule{action: "pass out", on: w.iface(l.Out), family: family(l.As), proto: l.Proto, from: w.address(l.As, l.Out), to: "any", ports: []int{l.Port}, names: []string{l.Name}})
	}
	return all
}
