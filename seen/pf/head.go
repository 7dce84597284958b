package pf

import (
	"strconv"
	"strings"
)

func (p *parser) blockHow(r *Rule) {
	r.Return = p.anyOf("drop", "return", "return-rst", "return-icmp", "return-icmp6")
	switch {
	case r.Return == "":
		r.Return = p.policy
	case strings.HasPrefix(r.Return, "return-"):
		if r.Return != "return-rst" {
			r.exact = false
		}
		if p.is("(") {
			r.exact = false
			p.returnCode(r)
		}
	}
}

func (p *parser) returnCode(r *Rule) {
	if r.Return == "return-rst" {
		p.want("ttl")
		p.number(0, 255, "ttl")
		p.want(")")
		return
	}
	codes, other := codes4["unreach"], codes6["unreach"]
	if r.Return == "return-icmp6" {
		codes = other
	}
	p.icmpCode(codes)
	if p.is(")") {
		return
	}
	p.is(",")
	if r.Return == "return-icmp6" {
		p.refuse("syntax error")
	}
	p.icmpCode(other)
	p.want(")")
}

func (p *parser) dir(r *Rule) { r.Dir = p.anyOf("in", "out") }

func (p *parser) logQuick(r *Rule) {
	r.Quick = p.is("quick")
	p.log(r)
	if r.Log != "" && !r.Quick {
		r.Quick = p.is("quick")
	}
}

func (p *parser) log(r *Rule) {
	if !p.is("log") {
		return
	}
	r.Log = "log"
	if !p.is("(") {
		return
	}
	all, user, to := false, false, ""
	for {
		switch p.anyOf("all", "user", "group", "to") {
		case "all":
			all = true
		case "user", "group":
			user = true
		case "to":
			if to = p.strings(); !pflog(to) {
				p.refuse(strconv.Quote(to) + " should be a pflog interface")
			}
		default:
			p.refuse("syntax error")
		}
		if p.is(")") {
			break
		}
		p.is(",")
	}
	var list []string
	if all {
		list = append(list, "all")
	}
	if user {
		list = append(list, "user")
	}
	if to != "" && to != "pflog0" {
		list = append(list, "to "+to)
	}
	if len(list) > 0 {
		r.Log += " (" + strings.Join(list, ", ") + ")"
	}
}

func pflog(name string) bool {
	n, ok := strings.CutPrefix(name, "pflog")
	_, err := strconv.ParseUint(n, 10, 8)
	return ok && err == nil && (len(n) == 1 || n[0] != '0')
}

// interfaces reads "on" and what stands behind it.
func (p *parser) interfaces() (all []Interface) {
	if !p.is("on") {
		return nil
	}
	p.list(func() {
		if t := p.peek(); t.kind == word && t.text == "any" {
			p.doubt("on any is not read", from(R14))
		}
		i := Interface{Not: p.is("!")}
		if i.Name = p.str(); len(i.Name) > 15 {
			p.refuse("the name of interface " + strconv.Quote(i.Name) + " is too long: 15 characters at most")
		}
		all = append(all, i)
	})
	return all
}

func (p *parser) family(r *Rule) {
	switch p.anyOf("inet", "inet6") {
	case "inet":
		r.Family = 4
	case "inet6":
		r.Family = 6
	}
}

func (p *parser) proto(r *Rule) {
	if !p.is("proto") {
		return
	}
	p.list(func() {
		if p.peek().kind == number {
			n := int(p.number(0, 255, "protocol"))
			if n == 0 {
				p.refuse("protocol 0 cannot be used")
			}
			name := strconv.Itoa(n)
			for known, number := range protocols {
				if number == n {
					name = known
				}
			}
			r.Protos = append(r.Protos, name)
			return
		}
		name := p.str()
		if other, ok := otherProtocols[name]; ok {
			name = other
		}
		if _, ok := protocols[name]; !ok {
			p.unsure("protocol " + strconv.Quote(name) + " is not known here")
		}
		r.Protos = append(r.Protos, name)
	})
}

// route reads route-to and its like: where packets go, whatever the routes say. Whether they pass is not theirs to say.
func (p *parser) route(r *Rule) {
	if p.is("fastroute") {
		p.doubt("fastroute is not read")
	}
	what := p.anyOf("route-to", "reply-to", "dup-to")
	if what == "" {
		return
	}
	r.exact = false
	var hosts []Address
	p.list(func() {
		if !p.is("(") {
			p.str()
			p.unsure("a route without a gateway is not read")
			return
		}
		p.str()
		hosts = append(hosts, p.address()...)
		p.want(")")
	})
	p.poolOptions(r, &Pool{To: hosts})
	if r.Dir == "" {
		p.refuse("a direction is needed with " + what)
	}
	if r.Action == "match" || len(hosts) != 1 || hosts[0].Kind != Net {
		p.unsure("such a " + what + " is not read")
	}
	if len(hosts) > 0 && r.Family == 0 {
		r.Family = hosts[0].family()
	}
}
