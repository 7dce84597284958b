package pf

import (
	"slices"
	"strings"
)

// rule reads a rule of any kind.
func (p *parser) rule(first token) (Kind, *Rule) {
	r := &Rule{Line: first.line, exact: true}
	r.No = p.is("no")
	switch what := p.anyOf("pass", "block", "match", "scrub", "nat", "rdr", "binat", "anchor", "nat-anchor", "rdr-anchor", "binat-anchor"); {
	case what == "" || r.No && slices.Contains([]string{"pass", "block", "match"}, what) || r.No && strings.HasSuffix(what, "anchor"):
		p.refuse("syntax error")
	default:
		r.Action = what
	}
	switch r.Action {
	case "nat", "rdr":
		p.translation(r)
		return Kind(r.Action), r
	case "binat":
		p.binat(r)
		return Binat, r
	case "nat-anchor", "rdr-anchor", "binat-anchor":
		p.translationAnchor(r)
		return Kind(strings.TrimSuffix(r.Action, "-anchor")), r
	case "anchor":
		p.filterAnchor(r)
	case "scrub":
		p.scrub(r)
	default:
		p.filter(r)
	}
	return Filter, r
}

// filter reads pass, block or match.
func (p *parser) filter(r *Rule) {
	if r.Action == "block" {
		p.blockHow(r)
	}
	p.dir(r)
	p.logQuick(r)
	r.On = p.interfaces()
	p.route(r)
	p.family(r)
	p.proto(r)
	p.fromTo(r)
	p.filterOptions(r)
	p.section(inFilter)
	p.defaults(r)
	r.Family = decided(r.Family, r.From.Hosts, r.To.Hosts)
	p.check(r)
}

// defaults are what pfctl fills in: a pass rule keeps state, and a rule that does begins with a SYN.
func (p *parser) defaults(r *Rule) {
	if r.Action == "pass" && r.State == "" {
		r.State = "keep"
		r.Limits = append(r.Limits, p.states...)
	}
	if r.Action == "pass" && r.Flags == "" && r.State != "no" && !r.never {
		r.Flags = "S/SA"
	}
	if p.bound && r.State != "no" && r.State != "" {
		r.Limits = append(r.Limits, Limit{Name: "if-bound"})
	}
}

// decided is the family that a rule is for, by those of its hosts where all of an end are of one.
func decided(family int, ends ...[]Address) int {
	for _, hosts := range ends {
		if family != 0 || len(hosts) == 0 {
			continue
		}
		if family = hosts[0].family(); slices.ContainsFunc(hosts, func(a Address) bool { return a.family() != family }) {
			family = 0
		}
	}
	return family
}

// family is 4 or 6, and 0 for what may be of both.
func (a Address) family() int {
	switch {
	case a.Kind != Net && a.Kind != Range:
		return 0
	case a.Prefix.Addr().Is4():
		return 4
	}
	return 6
}
