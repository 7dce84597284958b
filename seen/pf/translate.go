package pf

import (
	"net/netip"
	"strings"
)

// branch is one way a packet may be translated.
type branch struct {
	packet Packet
	rule   *Rule // nil without a translation
	anchor string
	pass   bool // it goes around the filter
}

// maxBranches bounds the ways that are followed; beyond it a packet goes nobody knows where.
const maxBranches = 16

// translate is what may become of the packet before the filter sees it: the first translation that fits decides.
func (w *walk) translate() (all []branch) {
	kinds := []Kind{Rdr, Binat}
	if w.packet.Out {
		kinds = []Kind{Binat, Nat}
	}
	for _, kind := range kinds {
		if w.nat(kind, w.main.Statements, "", 0, &all) {
			return all
		}
	}
	return append(all, branch{packet: w.packet})
}

func (w *walk) nat(kind Kind, list []Statement, anchor string, depth int, all *[]branch) (ended bool) {
	for i := range list {
		st := &list[i]
		if st.Kind == Unread && !st.is(filtering) && !st.is(idle) && len(*all) < maxBranches {
			*all = append(*all, branch{packet: w.lost()})
		}
		for _, r := range st.Rules {
			if *w.budget--; *w.budget < 0 {
				return true
			}
			if strings.TrimSuffix(r.Action, "-anchor") == string(kind) && w.natRule(kind, r, anchor, depth, all) {
				return true
			}
		}
	}
	return false
}

func (w *walk) natRule(kind Kind, r *Rule, anchor string, depth int, all *[]branch) (ended bool) {
	fits := w.translates(r, anchor)
	if fits == no {
		return false
	}
	if strings.HasSuffix(r.Action, "-anchor") {
		final := len(w.final)
		ended = w.inside(r, anchor, depth, func(s *Ruleset, path string) bool { return w.nat(kind, s.Statements, path, depth+1, all) })
		if len(w.final) > final { // it may hold what is not known: any translation, and one that passes
			w.final = w.final[:final]
			*all = append(*all, branch{packet: w.lost()}, branch{packet: w.packet, rule: r, anchor: anchor, pass: true})
		}
		return ended && fits == yes
	}
	switch {
	case r.No:
		*all = append(*all, branch{packet: w.packet})
	case len(*all) > maxBranches:
		*all = append(*all, branch{packet: w.lost(), rule: r, anchor: anchor, pass: r.Pass})
	default:
		for _, p := range w.translated(kind, r, anchor) {
			*all = append(*all, branch{packet: p, rule: r, anchor: anchor, pass: r.Pass})
		}
	}
	return fits == yes
}

// lost is the packet when it may come from anywhere, and go anywhere.
func (w *walk) lost() Packet {
	p := w.packet
	p.vague.from, p.vague.to = true, true
	return p
}

// translates says whether a translation fits the packet. A binat works the other way round for what comes in.
func (w *walk) translates(r *Rule, anchor string) truth {
	if r.Action != "binat" || w.packet.Out {
		return w.fits(r, anchor)
	}
	fits := min(w.about(r), w.end(Peer{Hosts: r.To.Hosts}, w.packet.From, w.packet.vague.from, anchor))
	if r.Pool != nil {
		fits = min(fits, w.end(Peer{Hosts: r.Pool.To}, w.packet.To, w.packet.vague.to, anchor))
	}
	return fits
}

// translated are the packets that a translation may make of this one.
func (w *walk) translated(kind Kind, r *Rule, anchor string) (all []Packet) {
	p := w.packet
	to := r.Pool.To
	if kind == Binat && !p.Out {
		to = r.From.Hosts
	}
	addresses, known := w.targets(to, p.To.Addr().Unmap().Is4(), anchor)
	if !known {
		if p.Out {
			p.vague.from = true
		} else {
			p.vague.to = true
		}
		return []Packet{p}
	}
	for _, a := range addresses {
		one := p
		if p.Out {
			one.From = netip.AddrPortFrom(a, 0)
		} else {
			one.To = netip.AddrPortFrom(a, w.newPort(r, p.To.Port()))
		}
		all = append(all, one)
	}
	return all
}

// newPort is the port that a redirection leads to.
func (w *walk) newPort(r *Rule, port uint16) uint16 {
	if r.Pool.First <= 0 {
		return port
	}
	first := 0
	if len(r.To.Ports) == 1 {
		first = r.To.Ports[0].A
	}
	if n := r.Pool.Last - r.Pool.First + 1; r.Pool.Last > 0 && n > 0 && int(port) >= first {
		return uint16((int(port)-first)%n + r.Pool.First)
	}
	return uint16(r.Pool.First)
}

// targets are the single addresses of one family that a translation may lead to. It is false where they are not all known.
func (w *walk) targets(to []Address, is4 bool, anchor string) (all []netip.Addr, known bool) {
	for _, a := range to {
		list := []Address{a}
		switch a.Kind {
		case InTable:
			if list, known = w.table(a.Name, anchor); !known {
				return nil, false
			}
		case Dynamic, Named:
			found, known := w.host.addresses(a.Name, a.Suffix)
			if list = nil; !known || a.Bits >= 0 && a.Kind == Dynamic || a.Suffix == ":network" {
				return nil, false
			}
			for _, n := range found {
				list = append(list, network(n))
			}
		}
		for _, one := range list {
			if one.Kind != Net || !one.Prefix.IsSingleIP() || one.Not {
				return nil, false
			}
			if one.Prefix.Addr().Is4() == is4 {
				all = append(all, one.Prefix.Addr())
			}
		}
	}
	return all, len(all) > 0 && len(all) <= maxBranches
}
