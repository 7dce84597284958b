package pf

import "slices"

// fromTo reads "all", or from and to with what stands behind them.
func (p *parser) fromTo(r *Rule) {
	if p.is("all") {
		return
	}
	if p.is("from") {
		r.From = p.peer()
	}
	if p.is("os") {
		r.exact = false
		p.list(func() { r.From.OS = append(r.From.OS, p.str()) })
	}
	if p.is("to") {
		r.To = p.peer()
		if slices.ContainsFunc(r.To.Hosts, func(a Address) bool { return a.Kind == URPFFailed }) {
			p.wrong("urpf-failed is not permitted as a destination")
		}
	}
}

func (p *parser) peer() (all Peer) {
	if !p.is("port") {
		all.Hosts = p.hosts(0)
		if !p.is("port") {
			return all
		}
	}
	p.list(func() { all.Ports = append(all.Ports, p.ports()) })
	return all
}

// hosts reads any, one host, or a list of them; none is any.
func (p *parser) hosts(depth int) (all []Address) {
	switch {
	case depth > maxDepth:
		p.doubt("lists too deep within each other")
	case p.is("any"):
	case p.is("{"):
		p.braced(func() { all = append(all, p.hosts(depth+1)...) })
	default:
		not := p.is("!")
		if word := p.anyOf("no-route", "urpf-failed"); word != "" {
			kind := map[string]AddressKind{"no-route": NoRoute, "urpf-failed": URPFFailed}[word]
			all = []Address{{Kind: kind, written: word}}
		} else {
			all = p.address()
		}
		for i := range all {
			all[i].Not = not
		}
	}
	return all
}
