package pf

import (
	"math"
	"strconv"
	"strings"
)

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
