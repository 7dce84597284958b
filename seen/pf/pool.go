package pf

import (
	"slices"
	"strconv"
	"strings"
)

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
	first, last, ranged := strings.Cut(p.numberOrString(), ":")
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
