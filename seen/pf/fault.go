package pf

// fault is why releases do not take a text, or why it cannot be told whether they do.
type fault struct {
	file    string
	line    int
	why     string
	refused releases
	unsure  releases
}

func (p *parser) note(f fault) {
	if f.file = p.fileName(); f.line == 0 {
		f.line = p.peek().line
	}
	f.why = f.why[:min(len(f.why), maxWhy)]
	if p.lost {
		f.refused, f.unsure = 0, f.unsure|f.refused
	}
	if len(p.set.faults) < maxFaults {
		p.set.faults = append(p.set.faults, f)
	}
}

// What is noted of one text is bounded.
const (
	maxFaults = 1000
	maxWhy    = 300 // bytes
)

func (p *parser) fileName() string {
	if len(p.files) == 0 {
		return ""
	}
	return p.file().name
}

// refuse ends the statement: no release takes it. Where a word is in it that we know too little of, that is not told.
func (p *parser) refuse(why string) {
	t := p.peek()
	f := fault{line: t.line, why: why, refused: every}
	switch {
	case t.kind == end && t.text != "":
		f.refused, f.unsure, f.why = 0, every, t.text
	case t.kind == broken:
		f.why = t.text
	}
	for _, w := range append(p.now, t) {
		if w.kind == word && doubtful[w.text] {
			f.refused, f.unsure = 0, every
		}
	}
	if f.line == 0 && len(p.now) > 0 {
		f.line = p.now[len(p.now)-1].line
	}
	p.note(f)
	panic(halt{})
}

// doubt ends the statement: it cannot be told whether a release takes it.
func (p *parser) doubt(why string, of ...releases) {
	f := fault{why: why, unsure: every}
	if len(of) > 0 {
		f.unsure = of[0]
		f.refused = every &^ of[0]
	}
	p.note(f)
	panic(halt{})
}

// unsure notes that it cannot be told whether a release takes what is being read.
func (p *parser) unsure(why string) { p.note(fault{why: why, unsure: every}) }

// wrong notes that no release takes it.
func (p *parser) wrong(why string) { p.note(fault{why: why, refused: every}) }

// needs notes that older releases do not take it.
func (p *parser) needs(r Release, why string) {
	p.note(fault{why: why + " (before FreeBSD " + r.String() + ")", refused: before(r)})
}

// open says whether the statement that ended in a fault opened braces that are not closed, and might have gone on.
func (p *parser) open() bool {
	n := 0
	for _, t := range p.now {
		switch t.kind {
		case '{', '(':
			n++
		case '}', ')':
			n--
		}
	}
	return n > 0 && p.set.faults[len(p.set.faults)-1].unsure != 0
}
