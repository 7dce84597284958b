package pf

import (
	"strconv"
)

// filterOptions reads what may stand behind from and to, in any order.
func (p *parser) filterOptions(r *Rule) {
	for p.filterOption(r) {
	}
}

func (p *parser) filterOption(r *Rule) bool {
	switch w := p.peek(); {
	case w.kind == '!':
		p.take()
		if w := p.peek(); w.text != "tagged" && w.text != "received-on" {
			p.refuse("syntax error")
		} else if w.text == "received-on" {
			p.is("received-on")
			p.str()
			r.condition("received-on")
			break
		}
		p.is("tagged")
		r.onlyTagged("! tagged " + p.strings())
	case w.kind != word:
		return false
	case w.text == "flags":
		p.flags(r)
	case w.text == "keep", w.text == "modulate", w.text == "synproxy", w.text == "no":
		p.state(r)
	case w.text == "nat-to", w.text == "rdr-to", w.text == "binat-to", w.text == "af-to":
		p.translateTo(r)
	case doubtful[w.text]:
		p.doubt(strconv.Quote(w.text) + " is not read")
	default:
		return p.plainOption(r, w.text)
	}
	return true
}

// condition is one that a packet may not meet: it is not told of packets.
func (r *Rule) condition(what string) { r.maybe, r.exact = append(r.maybe, what), false }

// onlyTagged notes that a rule is for packets that have a tag, or do not.
func (r *Rule) onlyTagged(how string) { r.maybe, r.tagged = append(r.maybe, how), " "+how }

func (p *parser) plainOption(r *Rule, what string) bool {
	if !options[what] {
		return false
	}
	switch p.is(what); what {
	case "user", "group":
		p.list(func() { p.owner() })
		r.condition(what)
	case "icmp-type", "icmp6-type":
		p.icmp(r, what == "icmp6-type")
	case "prio":
		p.number(0, 7, "prio")
		r.condition(what)
	case "tos":
		p.tos()
		r.condition(what)
	case "fragment":
		r.never, r.exact = true, false
	case "allow-opts":
		r.options = true
	case "label":
		if label := p.str(); len(label) > 63 {
			p.refuse("a label is too long: 63 characters at most")
		} else if r.Labels = append(r.Labels, label); len(r.Labels) > 1 {
			p.doubt("more than one label")
		}
	case "queue":
		r.exact = false
		p.doubt("queueing is not read")
	case "tag":
		if r.Tag = p.strings(); len(r.Tag) > 63 {
			p.refuse("a tag is too long: 63 characters at most")
		}
	case "tagged":
		r.onlyTagged("tagged " + p.strings())
	case "probability":
		p.probability()
		r.condition(what)
	case "rtable":
		p.rtable(r)
	case "divert-to":
		r.exact = false
		p.divert()
	case "scrub":
		r.exact = false
		p.want("(")
		p.scrubOptions(r)
		p.want(")")
		if r.Action != "match" && r.Action != "pass" {
			p.unsure("scrub on a block rule is not read")
		}
		p.needs(R14, "scrub on a rule is not known yet")
	case "set":
		r.exact = false
		p.sets()
	case "received-on":
		p.str()
		r.condition(what)
	case "max-pkt-rate":
		p.number(1, 1<<20, "rate")
		p.want("/")
		p.number(1, 1<<20, "seconds")
		r.condition(what)
	}
	return true
}

var options = set(`user group icmp-type icmp6-type prio tos fragment allow-opts label queue tag tagged probability rtable divert-to scrub set
	received-on max-pkt-rate`)
