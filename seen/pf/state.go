package pf

import (
	"math"
	"strconv"
	"strings"
)

// flags reads which flags of TCP begin a connection.
func (p *parser) flags(r *Rule) {
	p.take()
	if r.flagged {
		p.refuse("flags cannot be given twice")
	}
	r.flagged = true
	if p.is("any") {
		r.Flags = "any"
		return
	}
	set := ""
	if p.peek().kind != '/' {
		set = p.flag()
	}
	p.want("/")
	mask := p.flag()
	if strings.Trim(set, mask) != "" {
		p.refuse("flags always false")
	}
	r.Flags = set + "/" + mask
}

func (p *parser) flag() string {
	v := p.str()
	if strings.Trim(v, "FSRPAUEW") != "" {
		p.refuse("bad flags " + v)
	}
	if v == "" {
		p.doubt("flags that are none")
	}
	out := ""
	for _, f := range "FSRPAUEW" {
		if strings.ContainsRune(v, f) {
			out += string(f)
		}
	}
	return out
}

// state reads keep state and its like, with options.
func (p *parser) state(r *Rule) {
	how := p.anyOf("no", "keep", "modulate", "synproxy")
	p.want("state")
	if r.State != "" {
		p.refuse("state cannot be given twice")
	}
	if r.State = how; how != "no" && p.is("(") {
		r.Limits = p.limits()
		p.want(")")
	}
}

// limits reads the options of a state.
func (p *parser) limits() (all []Limit) {
	for {
		l := p.limit()
		for _, other := range all {
			if other.Name == l.Name {
				p.refuse("state option " + l.Name + " cannot be given twice")
			}
		}
		all = append(all, l)
		if k := p.peek().kind; k == ')' || k == '\n' || k == end {
			return all
		}
		p.is(",")
	}
}

func (p *parser) limit() Limit {
	count := func(least int64) string { return strconv.FormatInt(p.number(least, math.MaxUint32, "count"), 10) }
	switch w := p.anyOf("max", "no-sync", "max-src-states", "max-src-conn", "max-src-conn-rate", "max-src-nodes", "overload", "source-track",
		"if-bound", "floating", "sloppy"); w {
	case "max":
		return Limit{w, count(0)}
	case "max-src-states", "max-src-conn", "max-src-nodes":
		return Limit{w, count(1)}
	case "max-src-conn-rate":
		n := count(1)
		p.want("/")
		return Limit{w, n + "/" + count(1)}
	case "overload":
		p.want("<")
		name := p.str()
		p.want(">")
		if len(name) > maxName {
			p.refuse("the name of table " + strconv.Quote(name) + " is too long: 31 characters at most")
		}
		value := "<" + name + ">"
		if p.is("flush") {
			if value += " flush"; p.is("global") {
				value += " global"
			}
		}
		return Limit{w, value}
	case "source-track":
		return Limit{w, p.anyOf("global", "rule")}
	case "":
		if t := p.peek(); doubtful[t.text] {
			p.doubt(strconv.Quote(t.text) + " is not read")
		}
		name := p.oneOf("timeout", true)
		if !strings.Contains(name, ".") {
			p.refuse("illegal state timeout " + name)
		}
		return Limit{name, count(0)}
	default:
		return Limit{Name: w}
	}
}

// limit is the value of one option, and whether it is there.
func (r *Rule) limit(name string) (string, bool) {
	for _, l := range r.Limits {
		if l.Name == name {
			return l.Value, true
		}
	}
	return "", false
}

// limited are the options of a state as pfctl prints them. It is false where we do not know how.
func (r *Rule) limited() (string, bool) {
	if len(r.Limits) == 0 {
		return "", true
	}
	var out []string
	known := set("no-sync max-src-states max-src-conn max-src-conn-rate max-src-nodes overload source-track if-bound floating sloppy")
	for _, l := range r.Limits {
		if !known[l.Name] {
			return "", false
		}
	}
	put := func(name string) {
		if v, ok := r.limit(name); ok {
			out = append(out, strings.TrimSpace(name+" "+v))
		}
	}
	put("no-sync")
	_, conn := r.limit("max-src-conn")
	_, rate := r.limit("max-src-conn-rate")
	_, nodes := r.limit("max-src-nodes")
	_, states := r.limit("max-src-states")
	track, told := r.limit("source-track")
	switch {
	case conn || rate || nodes || track == "rule":
		out = append(out, "source-track rule")
	case states || told:
		out = append(out, "source-track global")
	}
	for _, name := range []string{"max-src-states", "max-src-conn", "max-src-conn-rate", "max-src-nodes", "overload", "if-bound", "sloppy"} {
		put(name)
	}
	if len(out) == 0 {
		return "", true
	}
	return " (" + strings.Join(out, ", ") + ")", true
}
