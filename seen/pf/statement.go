package pf

import "strings"

// The sections of a text, in the order that pfctl wants.
const (
	inOptions = 1 + iota
	inEther
	inScrub
	inQueue
	inNat
	inFilter
)

// section says that a section begins here; pfctl wants them in order.
func (p *parser) section(n int) {
	if p.order > n && !p.anyhow {
		p.refuse("rules must be in order: options, normalization, queueing, translation, filtering")
	}
	p.order = n
}

// one reads a statement by its first word.
func (p *parser) one(s *Statement) {
	t := p.peek()
	if t.kind == 0 {
		if len(p.now) == 0 {
			p.doubt("a NUL byte")
		}
		p.refuse("syntax error")
	}
	if next := p.look(1); next.kind == '=' && p.isString() {
		p.varset(s)
		return
	}
	if t.kind != word {
		p.refuse("syntax error")
	}
	read := func(kind Kind, rest func(*Statement)) {
		s.Kind = kind
		rest(s)
	}
	switch t.text {
	case "set":
		read(Option, p.option)
	case "table":
		read(TableOf, p.table)
	case "include":
		read(Include, p.include)
	case "load":
		read(Load, p.load)
	case "antispoof":
		read(Filter, p.antispoof)
	case "altq", "queue":
		p.section(inQueue)
		p.doubt("queueing is not read")
	case "ether":
		p.doubt("ethernet rules are not read", from(R14))
	default:
		kind, r := p.rule(t)
		s.Kind, s.Rules = kind, []*Rule{r}
	}
}

// varset reads the definition of a macro.
func (p *parser) varset(s *Statement) {
	s.Kind = Macro
	name := p.str()
	p.want("=")
	var value []string
	for size := 0; p.isString() || p.peek().kind == number; {
		text := p.numberOrString()
		if size += len(text) + 1; size > maxMacro {
			p.lost = true
			p.doubt("a macro that is too long")
		}
		value = append(value, text)
	}
	if len(value) == 0 {
		p.refuse("syntax error")
	}
	if strings.ContainsAny(name, " \t\n\v\f\r") {
		p.refuse("a macro's name cannot contain whitespace")
	}
	p.macro[name] = strings.Join(value, " ")
}

// include reads what another file holds in the place of this line.
func (p *parser) include(s *Statement) {
	p.take()
	s.Path = p.str()
	f, known := p.known.Files[s.Path]
	switch {
	case known && f.Missing:
		p.refuse("there is no file " + s.Path)
	case !known || len(p.files) >= maxDepth || len(f.Text) > maxText:
		p.lost = true
		p.doubt("what " + s.Path + " holds is not known")
	}
	if p.peek().kind != '\n' {
		p.refuse("syntax error")
	}
	p.files = append(p.files, &source{name: s.Path, text: f.Text, line: 1})
}

// load reads "load anchor x from file": the file is one of its own, with macros of its own.
func (p *parser) load(s *Statement) {
	p.take()
	p.want("anchor")
	name := p.strings()
	p.want("from")
	s.Path = p.strings()
	if p.set.Anchor != "" {
		name = p.set.Anchor + "/" + name
	}
	f, known := p.known.Files[s.Path]
	switch {
	case known && f.Missing:
		p.wrong("there is no file " + s.Path)
	case !known || p.depth >= maxDepth:
		p.unsure("what " + s.Path + " holds is not known")
	default:
		*p.work += maxWork / maxLoads
		s.Loaded = parse(f.Text, name, p.known, p.depth+1, p.work)
		for _, fault := range s.Loaded.faults {
			if fault.file == "" {
				fault.file = s.Path
			}
			if len(p.set.faults) < maxFaults {
				p.set.faults = append(p.set.faults, fault)
			}
		}
	}
}

// strings takes one string or more, which are one with spaces between.
func (p *parser) strings() string {
	all := []string{p.str()}
	for p.isString() && newer[p.peek().text] == 0 {
		all = append(all, p.str())
	}
	return strings.Join(all, " ")
}
