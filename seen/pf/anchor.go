package pf

import (
	"strings"
)

// filterAnchor reads an anchor of filter rules, which may hold them itself.
func (p *parser) filterAnchor(r *Rule) {
	if p.isString() {
		r.Anchor = p.str()
	} else {
		r.exact = false
	}
	p.dir(r)
	r.Quick = p.is("quick")
	r.On = p.interfaces()
	p.family(r)
	p.proto(r)
	p.fromTo(r)
	p.filterOptions(r)
	if p.is("{") {
		p.body(r)
	} else if r.Anchor == "" {
		p.refuse("an anchor without rules needs a name")
	}
	p.section(inFilter)
	switch {
	case strings.HasPrefix(r.Anchor, "_") || strings.Contains(r.Anchor, "/_"):
		p.refuse("names of anchors that begin with '_' are reserved")
	case r.Body != nil && strings.Contains(r.Anchor, "/") && !p.printed:
		p.refuse("anchors with rules cannot have a path")
	case r.State != "" && r.State != "no":
		p.refuse("an anchor cannot keep state")
	case r.Pool != nil:
		p.unsure("an anchor that translates is not read")
	case len(r.Anchor) > 63:
		p.unsure("so long a name of an anchor is not read")
	}
	r.Family = decided(r.Family, r.From.Hosts, r.To.Hosts)
	p.check(r)
}

var inBody = set("pass block match anchor")

// body reads the rules that stand in braces behind an anchor.
func (p *parser) body(r *Rule) {
	if p.peek().kind != '\n' {
		p.refuse("syntax error")
	}
	if p.depth++; p.depth > maxDepth {
		p.lost = true
		p.doubt("anchors too deep within each other")
	}
	defer func() { p.depth-- }()
	path := r.Anchor
	if p.set.Anchor != "" {
		path = p.set.Anchor + "/" + path
	}
	r.Body = &Ruleset{Anchor: path, host: p.known}
	for {
		switch t := p.peek(); {
		case t.kind == '\n':
			p.take()
		case t.kind == end:
			p.refuse("an anchor's rules do not end")
		case t.kind == '}':
			p.take()
			return
		default:
			if t.kind == word && !inBody[t.text] && !p.printed {
				p.note(fault{line: t.line, why: "only filter rules stand in an anchor", refused: before(R15_0), unsure: from(R15_0)})
			}
			p.now = nil
			r.Body.Statements = append(r.Body.Statements, p.statement()...)
		}
	}
}

// translationAnchor reads nat-anchor, rdr-anchor or binat-anchor.
func (p *parser) translationAnchor(r *Rule) {
	r.Anchor = p.strings()
	r.On = p.interfaces()
	p.family(r)
	p.proto(r)
	p.fromTo(r)
	if p.is("rtable") {
		p.rtable(r)
	}
	if p.printed && p.is("{") {
		p.body(r)
		r.Body.become(r.Action)
	}
	p.section(inNat)
	switch {
	case r.Action == "binat-anchor" && (len(r.Protos) > 1 || len(r.From.Hosts)+len(r.From.Ports)+len(r.To.Hosts)+len(r.To.Ports) > 0):
		p.refuse("binat-anchor takes no such conditions")
	case r.Action == "rdr-anchor" && len(r.From.Ports) > 0:
		p.refuse("rdr-anchor takes no source port")
	case r.Action == "rdr-anchor" && (len(r.To.Ports) > 1 || len(r.To.Ports) == 1 && r.To.Ports[0].Op != "="):
		p.refuse("rdr-anchor takes one destination port")
	}
	if r.Action == "binat-anchor" {
		r.On = r.On[:min(len(r.On), 1)]
	}
	r.Family = decided(r.Family, r.From.Hosts, r.To.Hosts)
	p.check(r)
}

// become calls the anchors within one what it is: pfctl -a '*' calls all of them nat-anchor.
func (s *Ruleset) become(action string) {
	for i, st := range s.Statements {
		for _, r := range st.Rules {
			if r.Action == "nat-anchor" && r.Body != nil {
				s.Statements[i].Kind, r.Action = Kind(strings.TrimSuffix(action, "-anchor")), action
				r.Body.become(action)
			}
		}
	}
}
