package pf

import (
	"strconv"
	"strings"
)

// ports reads one port or range of them.
func (p *parser) ports() Ports {
	op := ""
	switch {
	case p.is("="):
		op = "="
	case p.is("!"):
		p.want("=")
		op = "!="
	case p.is("<"):
		op = "<"
		if p.is("=") {
			op = "<="
		}
	case p.is(">"):
		op = ">"
		if p.is("=") {
			op = ">="
		}
	}
	a := p.portRange()
	if t := p.peek(); op == "" && (t.kind == within || t.kind == beyond) {
		p.take()
		b := p.portRange()
		if a.Op != "=" || b.Op != "=" {
			p.refuse("':' cannot be used with another port operator")
		}
		return Ports{Op: t.String(), A: a.A, B: b.A}
	}
	if op == "" {
		return a
	}
	if a.Op != "=" {
		p.refuse("':' cannot be used with another port operator")
	}
	return Ports{Op: op, A: a.A}
}

func (p *parser) portRange() Ports {
	text := p.numberOrString()
	a, b, ok := strings.Cut(text, ":")
	r := Ports{Op: "=", A: p.port(a)}
	if ok {
		if r.B = p.port(b); r.A != r.B {
			r.Op = ":"
		} else {
			r.B = 0
		}
	}
	return r
}

func (p *parser) numberOrString() string {
	if p.peek().kind == number {
		return p.take().text
	}
	return p.str()
}

// port is the number of one port; -1 when it cannot be told.
func (p *parser) port(text string) int {
	if n, ok := Port(text); ok {
		if r, ok := newerServices[text]; ok {
			p.note(fault{why: "whether the host knows a port " + strconv.Quote(text) + " is not known", unsure: before(r)})
		}
		return n
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || len(text) > 1 && text[0] == '0':
		p.unsure("port " + strconv.Quote(text) + " is not known here")
		return -1
	case n < 0 || n > 65535:
		p.refuse("illegal port value " + text)
	}
	return int(n)
}

// holds says whether a port is one of the range. Port 0 stands for one that a client was given: any high one.
func (p Ports) holds(port int) truth {
	if port == 0 {
		first := p.holds(10_000)
		for _, other := range []int{32_768, 49_152, 65_535} {
			if p.holds(other) != first {
				return maybe
			}
		}
		return first
	}
	if p.A < 0 || p.B < 0 {
		return maybe
	}
	switch p.Op {
	case "=":
		return truly(port == p.A)
	case "!=":
		return truly(port != p.A)
	case "<":
		return truly(port < p.A)
	case "<=":
		return truly(port <= p.A)
	case ">":
		return truly(port > p.A)
	case ">=":
		return truly(port >= p.A)
	case ":":
		return truly(p.A <= port && port <= p.B)
	case "><":
		return truly(p.A < port && port < p.B)
	case "<>":
		return truly(port < p.A || port > p.B)
	}
	return maybe
}
