package pf

import (
	"strconv"
	"strings"
)

// owner reads one user or group, whose name the host may not know.
func (p *parser) owner() {
	switch {
	case p.is("="), p.is("!") && (p.is("=") || true):
	case p.is("<"), p.is(">"):
		p.is("=")
	}
	one := func() {
		if p.peek().kind == number {
			p.number(0, 1<<32-2, "number of a user or group")
		} else if name := p.str(); name != "root" && name != "wheel" && name != "unknown" {
			p.unsure("whether there is a user or group " + strconv.Quote(name) + " is not known")
		}
	}
	one()
	if k := p.peek().kind; k == within || k == beyond {
		p.take()
		one()
	}
}

func (p *parser) tos() {
	if p.peek().kind == number {
		p.number(0, 255, "tos")
		return
	}
	v := p.str()
	if hex, ok := strings.CutPrefix(v, "0x"); ok {
		if _, err := strconv.ParseUint(hex, 16, 8); err == nil {
			return
		}
	}
	if !tosNames[strings.ToLower(v)] {
		p.doubt("tos " + strconv.Quote(v) + " is not known here")
	}
}

var tosNames = set("af11 af12 af13 af21 af22 af23 af31 af32 af33 af41 af42 af43 critical cs0 cs1 cs2 cs3 cs4 cs5 cs6 cs7 ef inetcontrol lowdelay netcontrol reliability throughput")

func (p *parser) probability() {
	if p.peek().kind == number {
		p.number(0, 1, "probability")
		return
	}
	v := p.str()
	percent, isPercent := strings.CutSuffix(v, "%")
	f, err := strconv.ParseFloat(percent, 64)
	if most := map[bool]float64{true: 100, false: 1}[isPercent]; err != nil || f < 0 || f > most {
		p.doubt(strconv.Quote(v) + " is no plain probability")
	}
}

// rtable reads a number of a table of routes. How many there are is the host's: sixteen at most where it does not tell.
func (p *parser) rtable(r *Rule) {
	r.exact = false
	n := p.number(-1<<31, 1<<31, "table of routes")
	switch {
	case n < 0 || n > 65535:
		p.refuse("invalid rtable id")
	case n > 15:
		p.wrong("invalid rtable id")
	}
}

func (p *parser) divert() {
	if p.look(1).text == "port" {
		p.take()
		p.is("port")
	}
	if n := p.portRange(); n.Op != "=" || n.A <= 0 {
		p.doubt("such a port to divert to is not read")
	}
}

func (p *parser) sets() {
	one := func() {
		switch p.anyOf("prio", "tos") {
		case "prio":
			if p.is("(") {
				p.number(0, 7, "prio")
				p.is(",")
				p.number(0, 7, "prio")
				p.want(")")
			} else {
				p.number(0, 7, "prio")
			}
		case "tos":
			p.tos()
			p.unsure("set tos is not read")
		default:
			p.doubt("such a set is not read")
		}
	}
	if !p.is("(") {
		one()
		return
	}
	for one(); !p.is(")"); one() {
		p.is(",")
	}
}
