package pf

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

var values = map[string][]string{
	"optimization":         {"normal", "default", "satellite", "high-latency", "conservative", "aggressive"},
	"ruleset-optimization": {"none", "basic", "profile"},
	"limit":                {"states", "src-nodes", "frags", "table-entries"},
	"timeout": strings.Fields(`tcp.first tcp.opening tcp.established tcp.closing tcp.finwait tcp.closed tcp.tsdiff udp.first udp.single udp.multiple
		icmp.first icmp.error other.first other.single other.multiple frag interval adaptive.start adaptive.end src.track`),
	"debug":     {"none", "urgent", "misc", "loud"},
	"syncookie": {"never", "adaptive", "always"},
}

// option reads a line that begins with set.
func (p *parser) option(s *Statement) {
	p.take()
	p.optionOf()
	for _, t := range p.now[1:] {
		text := t.text
		if text == "" {
			text = t.String()
		}
		s.Option = append(s.Option, text)
	}
}

func (p *parser) optionOf() {
	switch p.anyOf("reassemble", "optimization", "ruleset-optimization", "timeout", "limit", "loginterface", "hostid", "block-policy", "fail-policy",
		"require-order", "fingerprints", "state-policy", "debug", "skip", "state-defaults", "keepcounters", "syncookies") {
	case "reassemble":
		p.yesno()
		p.is("no-df")
		p.needs(R14, "set reassemble is not known yet")
		p.section(inOptions)
	case "optimization":
		p.oneOf("optimization", false)
		p.section(inOptions)
	case "ruleset-optimization":
		p.oneOf("ruleset-optimization", false)
	case "timeout", "limit":
		p.numbers(p.now[len(p.now)-1].text)
		p.section(inOptions)
	case "loginterface":
		if !p.is("all") {
			p.str()
		}
		p.section(inOptions)
	case "hostid":
		if p.isString() {
			if _, err := strconv.ParseUint(p.str(), 0, 32); err != nil {
				p.doubt("a hostid that is not a plain number")
			}
		} else {
			p.number(1, math.MaxUint32, "hostid")
		}
	case "block-policy", "fail-policy":
		p.blockPolicy()
	case "require-order":
		p.anyhow = !p.yesno()
	case "fingerprints":
		if p.str() != "/etc/pf.os" {
			p.unsure("whether the file of fingerprints can be loaded")
		}
		p.section(inOptions)
	case "state-policy":
		if word := p.anyOf("if-bound", "floating"); word == "" {
			p.refuse("syntax error")
		} else {
			p.bound = word == "if-bound"
		}
	case "debug":
		p.oneOf("debug", true)
		p.section(inOptions)
	case "skip":
		p.skipOn()
	case "state-defaults":
		if p.states != nil {
			p.refuse("state-defaults cannot be given twice")
		}
		p.states = p.limits()
	case "keepcounters":
	case "syncookies":
		p.syncookies()
	default:
		p.refuse("syntax error")
	}
}

func (p *parser) yesno() bool {
	if p.is("no") {
		return false
	}
	if v := p.str(); v != "yes" {
		p.refuse(strconv.Quote(v) + " is neither yes nor no")
	}
	return true
}

// oneOf takes a string that is one of the values; of others it may not be known that they are none.
func (p *parser) oneOf(what string, unsure bool) string {
	v := p.str()
	if !slices.Contains(values[what], v) {
		if unsure {
			p.doubt(strconv.Quote(v) + " is not a known " + what)
		}
		p.refuse(strconv.Quote(v) + " is no " + what)
	}
	return v
}

func (p *parser) numbers(what string) {
	p.list(func() {
		if what == "timeout" && p.is("interval") {
		} else if v := p.oneOf(what, true); strings.HasPrefix(v, "sctp.") {
			p.doubt("timeouts of sctp are not read")
		}
		p.number(0, math.MaxUint32, what)
	})
}

func (p *parser) blockPolicy() {
	what, v := p.now[len(p.now)-1].text, p.anyOf("drop", "return")
	if v == "" {
		p.refuse("syntax error")
	}
	if what == "block-policy" {
		p.policy = v
	}
	p.section(inOptions)
}

func (p *parser) skipOn() {
	if p.peek().kind == '\n' {
		return
	}
	for _, i := range p.interfaces() {
		if i.Not {
			p.wrong("set skip on ! " + i.Name + " is not supported")
		}
	}
}

func (p *parser) syncookies() {
	p.oneOf("syncookie", false)
	if !p.is("(") {
		return
	}
	for {
		if name := p.str(); name != "start" && name != "end" {
			p.refuse(strconv.Quote(name) + " is no option of syncookies")
		}
		percent, ok := strings.CutSuffix(p.str(), "%")
		if v, err := strconv.ParseFloat(percent, 64); !ok || err != nil || v <= 0 || v > 100 {
			p.refuse("syntax error")
		}
		if p.is(")") {
			return
		}
		p.is(",")
	}
}
