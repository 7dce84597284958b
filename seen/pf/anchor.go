package pf

import (
	"math"
	"strconv"
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

// scrub reads a rule that mends packets; it lets nothing in and keeps nothing off.
func (p *parser) scrub(r *Rule) {
	p.dir(r)
	if p.logQuick(r); r.Quick {
		p.refuse("scrub takes no quick")
	}
	r.On = p.interfaces()
	p.family(r)
	p.proto(r)
	p.fromTo(r)
	if k := p.peek().kind; k != '\n' {
		p.scrubOptions(r)
	}
	p.section(inScrub)
	r.Family = decided(r.Family, r.From.Hosts, r.To.Hosts)
	p.check(r)
}

func (p *parser) scrubOptions(r *Rule) {
	seen := map[string]bool{}
	for {
		what := p.anyOf("no-df", "min-ttl", "max-mss", "set-tos", "fragment", "reassemble", "random-id")
		if seen[what] && what != "" {
			p.refuse(what + " cannot be given twice")
		}
		seen[what] = true
		switch what {
		case "no-df", "random-id":
			r.exact = false
		case "min-ttl":
			r.exact = false
			p.number(0, 255, "min-ttl")
		case "max-mss":
			r.scrubs = " max-mss " + strconv.FormatInt(p.number(0, math.MaxUint16, "max-mss"), 10)
		case "set-tos":
			r.exact = false
			p.tos()
		case "fragment":
			if p.is("no") {
				r.exact = false
			}
			if p.peek().text == "crop" || p.peek().text == "drop-ovl" {
				p.doubt("fragment " + p.peek().text + " is not read")
			}
			p.want("reassemble")
		case "reassemble":
			r.exact = false
			if v := p.str(); strings.ToLower(v) != "tcp" {
				p.refuse("scrub reassembles tcp, not " + strconv.Quote(v))
			} else if r.Dir != "" {
				p.refuse("reassemble tcp takes no direction")
			}
		default:
			if k := p.peek().kind; k == word && !keywords[p.peek().text] || p.peek().kind == '!' || p.peek().text == "tagged" || p.peek().text == "rtable" {
				p.doubt("such a scrub is not read")
			}
			p.refuse("syntax error")
		}
		if k := p.peek().kind; k == '\n' || k == ')' || k == end {
			return
		}
		p.is(",")
	}
}

// antispoof reads what keeps off packets that say they come from an interface's own network: two rules for each.
func (p *parser) antispoof(s *Statement) {
	p.take()
	r := Rule{Line: p.peek().line, Action: "block", Return: "drop", Dir: "in", exact: true}
	p.logQuick(&r)
	p.want("for")
	var names []string
	p.list(func() {
		dynamic := p.is("(")
		name := p.str()
		if dynamic {
			p.want(")")
			p.unsure("antispoof for (" + name + ") is not read")
		}
		names = append(names, name)
	})
	p.family(&r)
	for p.is("label") {
		r.Labels = append(r.Labels, p.str())
	}
	p.section(inFilter)
	for _, name := range names {
		for _, suffix := range []string{":network", ""} {
			one := r
			one.From.Hosts = []Address{{Kind: Named, Name: name, Suffix: suffix, written: name + suffix}}
			if found, known := p.known.addresses(name, suffix); known {
				one.From.Hosts = nil
				for _, n := range found {
					one.From.Hosts = append(one.From.Hosts, network(n))
				}
				if len(found) == 0 {
					continue
				}
			}
			if suffix != "" {
				one.On = []Interface{{Name: name, Not: true}}
			} else if strings.HasPrefix(name, "lo") {
				continue
			}
			s.Rules = append(s.Rules, &one)
		}
	}
}
