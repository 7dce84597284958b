package pf

// translation reads a rule of nat or rdr.
func (p *parser) translation(r *Rule) {
	p.natPassLog(r)
	r.On = p.interfaces()
	p.family(r)
	p.proto(r)
	p.fromTo(r)
	p.natTag(r)
	if p.peek().kind == arrow {
		p.take()
		r.Pool = p.pool("->")
		p.poolOptions(r, r.Pool)
	}
	p.section(inNat)
	if r.No != (r.Pool == nil) {
		p.refuse(map[bool]string{true: "a translation with 'no' leads nowhere", false: "a translation needs '-> address'"}[r.No])
	}
	r.Family = firstFamily(r.Family, r.From.Hosts, r.To.Hosts)
	if r.Pool != nil {
		p.leads(r)
	}
	p.check(r)
}

func (p *parser) natPassLog(r *Rule) {
	r.Pass = p.is("pass")
	if p.log(r); r.Pass && r.No {
		p.wrong("\"pass\" not valid with \"no\"")
	}
}

func (p *parser) natTag(r *Rule) {
	if p.is("tag") {
		r.Tag = p.str()
	}
	not := p.peek().kind == '!' && p.take().kind == '!'
	if p.is("tagged") {
		r.onlyTagged(map[bool]string{false: "tagged ", true: "! tagged "}[not] + p.strings())
	} else if not {
		p.refuse("syntax error")
	}
	if p.is("rtable") {
		p.rtable(r)
	}
}

// firstFamily is the family of a translation that names none: that of the first host that has one.
func firstFamily(family int, ends ...[]Address) int {
	for _, hosts := range ends {
		if family == 0 && len(hosts) > 0 {
			family = hosts[0].family()
		}
	}
	return family
}

// binat reads a rule that maps one address, or one network, to another and back.
func (p *parser) binat(r *Rule) {
	p.natPassLog(r)
	if r.On = p.interfaces(); len(r.On) > 1 {
		r.On, r.exact = r.On[:1], false
	}
	p.family(r)
	if p.proto(r); len(r.Protos) > 1 {
		r.Protos, r.exact = r.Protos[:1], false
	}
	p.want("from")
	r.From.Hosts = p.hosts(0)
	if p.is("to") {
		r.To.Hosts = p.hosts(0)
	}
	p.natTag(r)
	if p.peek().kind == arrow {
		p.take()
		r.Pool = &Pool{Word: "->", To: p.address()}
		if p.is("port") {
			p.doubt("a port of binat is not read")
		}
	}
	p.section(inNat)
	if r.No != (r.Pool == nil) {
		p.refuse(map[bool]string{true: "'no binat' leads nowhere", false: "binat needs '-> address'"}[r.No])
	}
	p.binatFits(r)
}

func (p *parser) binatFits(r *Rule) {
	ends := [][]Address{r.From.Hosts, r.To.Hosts}
	if r.Pool != nil {
		ends = append(ends, r.Pool.To)
	}
	if r.Family = firstFamily(r.Family, ends...); r.Family == 0 {
		p.refuse("binat needs an address family (inet or inet6)")
	}
	for i, hosts := range ends {
		switch {
		case len(hosts) > 1:
			p.refuse("multiple binat ip addresses")
		case len(hosts) == 0:
		case hosts[0].Kind == InTable && i != 1:
			p.refuse("a table cannot be an address of binat")
		case hosts[0].Kind != Net && !(hosts[0].Kind == InTable):
			p.unsure(hosts[0].written + " as an address of binat is not read")
		case hosts[0].Kind == Net && hosts[0].family() != r.Family:
			p.refuse("families of binat must match")
		}
	}
	if r.Pool != nil && len(r.From.Hosts) == 1 && r.From.Hosts[0].Kind == Net && r.Pool.To[0].Kind == Net &&
		r.From.Hosts[0].Prefix.Bits() != r.Pool.To[0].Prefix.Bits() && r.From.Hosts[0].Prefix.Bits() > 0 {
		p.refuse("source and translation address of binat must be of the same length")
	}
}

// translateTo reads nat-to and rdr-to, which OpenBSD has and FreeBSD since 15.
func (p *parser) translateTo(r *Rule) {
	word := p.anyOf("nat-to", "rdr-to", "binat-to", "af-to")
	if word == "binat-to" || word == "af-to" || r.Pool != nil {
		p.doubt(word+" is not read", from(R15_0))
	}
	r.Pool = p.pool(word)
	p.poolOptions(r, r.Pool)
	l := r.Pool
	if l.Kind == "" && (len(l.To) > 1 || l.To[0].Kind == InTable || l.To[0].several()) {
		l.Kind = "round-robin"
	}
	if r.Family == 0 || (r.Dir != "out") == (word == "nat-to") || r.Action == "block" || l.span || l.First > 0 && word == "nat-to" || l.Static ||
		len(l.To) > 1 || l.To[0].family() != 0 && l.To[0].family() != r.Family {
		p.note(fault{why: "such a " + word + " is not read", unsure: from(R15_0)})
	}
}
