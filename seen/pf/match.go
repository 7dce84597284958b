package pf

import (
	"net/netip"
	"slices"
	"strings"
)

// fits says whether a rule fits the packet.
func (w *walk) fits(r *Rule, anchor string) truth {
	p := &w.packet
	return min(w.about(r), w.end(r.From, p.From, p.vague.from, anchor), w.end(r.To, p.To, p.vague.to, anchor))
}

// about says whether a rule fits the packet but for its ends.
func (w *walk) about(r *Rule) truth {
	p := &w.packet
	switch {
	case r.Dir == "in" && p.Out, r.Dir == "out" && !p.Out, r.never:
		return no
	case r.Family != 0 && (r.Family == 4) != p.From.Addr().Unmap().Is4():
		return no
	case len(r.Protos) > 0 && !slices.Contains(r.Protos, p.Proto):
		return no
	case p.Proto == "tcp" && !flagsFit(r.Flags, p.Later):
		return no
	}
	fits := yes
	if len(r.On) > 0 {
		fits = no
		for _, i := range r.On {
			on := maybe
			if p.On != "" {
				on = w.host.inGroup(p.On, i.Name)
			}
			if i.Not {
				on = on.not()
			}
			fits = max(fits, on)
		}
	}
	if len(r.ICMP) > 0 {
		fits = min(fits, r.message(p))
	}
	if len(r.maybe) > 0 || len(r.From.OS) > 0 {
		fits = min(fits, maybe)
	}
	return fits
}

// message says whether a packet is one of the rule's ICMP messages.
func (r *Rule) message(p *Packet) truth {
	fits := no
	for _, i := range r.ICMP {
		switch {
		case p.ICMP == "", p.ICMP == i.Type && i.Code != "":
			fits = max(fits, maybe)
		case p.ICMP == i.Type:
			fits = yes
		}
	}
	return fits
}

// flagsFit says whether the flags of a first packet (SYN), or of a later one (ACK), are those of a rule.
func flagsFit(flags string, later bool) bool {
	set, mask, _ := strings.Cut(flags, "/")
	has := "S"
	if later {
		has = "A"
	}
	for _, f := range mask {
		if strings.ContainsRune(set, f) != strings.ContainsRune(has, f) {
			return false
		}
	}
	return true
}

// end says whether one end of a rule fits that of the packet.
func (w *walk) end(e Peer, at netip.AddrPort, vague bool, anchor string) truth {
	fits := yes
	if len(e.Hosts) > 0 {
		fits = no
		*w.budget -= len(e.Hosts) / 16
		for _, a := range e.Hosts {
			fits = max(fits, w.is(a, at.Addr().Unmap(), vague, anchor))
		}
	}
	if len(e.Ports) > 0 {
		port := no
		for _, r := range e.Ports {
			one := r.holds(int(at.Port()))
			if vague {
				one = maybe
			}
			port = max(port, one)
		}
		fits = min(fits, port)
	}
	return fits
}

// is says whether an address is one that a rule names.
func (w *walk) is(a Address, at netip.Addr, vague bool, anchor string) truth {
	if f := a.family(); f != 0 && (f == 4) != at.Is4() {
		return no
	}
	in := maybe
	switch {
	case a.Kind == NoRoute, a.Kind == URPFFailed:
		in = truly(w.packet.Stray)
	case a.Kind == Net && a.Prefix.Bits() == 0:
		in = yes
	case vague:
	case a.Kind == Net:
		in = truly(a.Prefix.Masked().Contains(at))
	case a.Kind == Range:
		in = truly(a.Prefix.Addr().Compare(at) <= 0 && at.Compare(a.Last) <= 0)
	case a.Kind == InTable:
		in = w.inTable(a.Name, at, anchor)
	default:
		in = w.ofInterface(a, at)
	}
	if a.Not {
		return in.not()
	}
	return in
}

func (w *walk) ofInterface(a Address, at netip.Addr) truth {
	found, known := w.host.addresses(a.Name, a.Suffix)
	if !known || a.Kind == Named && len(found) == 0 {
		return maybe
	}
	for _, n := range found {
		if a.Bits >= 0 && a.Bits <= n.Addr().BitLen() && a.Kind == Dynamic {
			n = netip.PrefixFrom(n.Addr(), a.Bits).Masked()
		}
		if n.Contains(at) {
			return yes
		}
	}
	return no
}

// inTable says whether an address is in a table: of all its networks the narrowest decides.
func (w *walk) inTable(name string, at netip.Addr, anchor string) truth {
	list, known := w.table(name, anchor)
	if !known {
		return maybe
	}
	*w.budget -= len(list) / 16
	bits, in := -1, no
	for _, a := range list {
		if a.Kind != Net {
			return maybe
		}
		if n := a.Prefix.Masked(); n.Contains(at) && n.Bits() > bits {
			bits, in = n.Bits(), truly(!a.Not)
		}
	}
	return in
}

// table is what is in a table: of the anchor if it has one, else of the main rules.
func (w *walk) table(name, anchor string) ([]Address, bool) {
	if anchor != "" {
		if list, ok := w.host.Tables[anchor+"/"+name]; ok {
			return list, true
		}
		if s := w.anchor(anchor); s != nil {
			if list, known, declared := s.table(name); declared {
				return list, known
			}
		}
	}
	if list, ok := w.host.Tables[name]; ok {
		return list, true
	}
	list, known, _ := w.main.table(name)
	return list, known
}

// table is what the text puts into a table. What is declared twice is not known.
func (s *Ruleset) table(name string) (list []Address, known, declared bool) {
	for _, st := range s.Statements {
		if st.Table == nil || st.Table.Name != name {
			continue
		}
		list, known = st.Table.Addresses, !declared && !st.Table.Unknown && st.Kind == TableOf
		declared = true
	}
	return list, known, declared
}
