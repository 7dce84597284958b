package pf

import (
	"slices"
	"strconv"
	"strings"
)

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
		r.condition("tagged " + p.strings())
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

// pool reads where a translation leads.
func (p *parser) pool(word string) *Pool {
	l := &Pool{Word: word}
	p.list(func() {
		if k := p.peek().kind; k == '!' {
			p.refuse("syntax error")
		}
		l.To = append(l.To, p.address()...)
	})
	if !p.is("port") {
		return l
	}
	text := ""
	if p.peek().kind == number {
		text = p.take().text
	} else {
		text = p.str()
	}
	first, last, ranged := strings.Cut(text, ":")
	l.First = p.port(first)
	switch {
	case ranged && last == "*":
		l.span = true
	case ranged:
		l.Last = p.port(last)
	}
	return l
}

func (p *parser) poolOptions(r *Rule, l *Pool) {
	for {
		switch w := p.anyOf("bitmask", "random", "source-hash", "round-robin", "static-port", "sticky-address"); w {
		case "static-port":
			if l.Static {
				p.refuse("static-port cannot be given twice")
			}
			l.Static = true
		case "sticky-address":
			if l.Sticky {
				p.refuse("sticky-address cannot be given twice")
			}
			l.Sticky = true
		case "":
			if doubtful[p.peek().text] {
				p.doubt(strconv.Quote(p.peek().text) + " is not read")
			}
			return
		default:
			if l.Kind != "" {
				p.refuse("the type of a pool cannot be given twice")
			}
			if l.Kind = w; w == "source-hash" {
				if r.exact = false; p.isString() {
					p.strings()
					p.unsure("the key of source-hash is not read")
				}
			}
		}
	}
}

// leads works out where a translation leads: of which family, and whether to one address or by turns to several.
func (p *parser) leads(r *Rule) {
	l := r.Pool
	r.Family = firstFamily(r.Family, l.To)
	var to []Address
	for _, a := range l.To {
		f := a.family()
		if r.Family != 0 && f != 0 && f != r.Family {
			continue
		}
		if r.Family == 0 {
			r.Family = f
		}
		to = append(to, a)
	}
	if l.To = to; len(to) == 0 {
		p.refuse("no translation address of the rule's family")
	}
	turns := len(to) > 1 || to[0].Kind == InTable || to[0].several()
	switch {
	case l.Kind == "" && turns:
		l.Kind = "round-robin"
	case turns && l.Kind != "round-robin":
		p.unsure("whether a pool of several addresses may be " + l.Kind)
	}
	if slices.ContainsFunc(to, func(a Address) bool { return a.Kind == Range }) {
		p.unsure("a range as translation address is not read")
	}
	p.staticPort(r)
	if l.span {
		if len(r.To.Ports) != 1 || r.To.Ports[0].Op != ":" || r.Action != "rdr" {
			r.exact = false
		} else {
			l.Last = l.First + r.To.Ports[0].B - r.To.Ports[0].A
		}
	}
	if r.Action == "nat" && l.Last == 0 {
		l.Last = l.First
	}
}

func (p *parser) staticPort(r *Rule) {
	switch l := r.Pool; {
	case l.Static && r.Action != "nat":
		p.refuse("static-port is only valid with nat")
	case l.Static && l.First > 0:
		p.unsure("static-port with a port is not read")
	}
}

// several says whether it may be several addresses at the time.
func (a Address) several() bool {
	return a.Kind == Dynamic && !(a.Suffix == ":0" && len(a.Name) > 0 && digit(int(a.Name[len(a.Name)-1])))
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
