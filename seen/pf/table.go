package pf

import (
	"slices"
	"strconv"
	"strings"
)

// maxName is the longest name of a table.
const maxName = 31

// table reads the declaration of a table.
func (p *parser) table(s *Statement) {
	p.take()
	p.want("<")
	t := &Table{Name: p.str()}
	s.Table = t
	p.want(">")
	if len(t.Name) > maxName {
		p.wrong("the name of table " + strconv.Quote(t.Name) + " is too long: 31 characters at most")
	}
	p.inTable = true
	defer func() { p.inTable = false }()
	for {
		switch {
		case p.is("file"):
			p.tableFile(t, p.str())
		case p.is("{"):
			p.tableHosts(t)
		case p.isString():
			switch option := p.str(); option {
			case "const":
				t.Const = true
			case "persist":
				t.Persist = true
			case "counters":
				t.Counters = true
			default:
				p.refuse("invalid table option " + strconv.Quote(option))
			}
		default:
			return
		}
	}
}

func (p *parser) tableHosts(t *Table) {
	if p.lines(); p.is("}") {
		return
	}
	p.braced(func() {
		for _, a := range p.hosts(0) {
			switch a.Kind {
			case Net:
			case Named:
				t.Unknown = true
			default:
				p.refuse(a.written + " is not permitted inside a table")
			}
			t.Addresses = append(t.Addresses, a)
		}
	})
	if len(t.Addresses) == 0 {
		p.doubt("a table of any")
	}
}

// tableFile reads what a file of addresses holds, where it was looked at: words, without comments.
func (p *parser) tableFile(t *Table, path string) {
	t.Files = append(t.Files, path)
	f, known := p.known.Files[path]
	switch {
	case known && f.Missing:
		p.wrong("cannot load " + strconv.Quote(path) + ": there is no such file")
		fallthrough
	case !known:
		t.Unknown = true
		p.unsure("what " + path + " holds is not known")
		return
	}
	all, bad := tableWords(f.Text, p.known, p.work)
	t.Addresses = append(t.Addresses, all.set.Statements[0].Table.Addresses...)
	t.Unknown = t.Unknown || bad
	for _, fault := range all.set.faults {
		if fault.line = p.peek().line; fault.refused != 0 {
			fault.why = "file " + strconv.Quote(path) + " contains bad data: " + fault.why
		}
		p.note(fault)
	}
}

// tableWords reads the words of a file of addresses, each of them as a host of a table would be.
func tableWords(text string, known Host, work *int) (*parser, bool) {
	sub := newParser("", "", known, work)
	t := &Table{}
	sub.set.Statements = []Statement{{Kind: TableOf, Table: t}}
	sub.inTable = true
	*work += len(text)
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		for _, w := range strings.Fields(line) {
			if len(t.Addresses) >= maxTable || *work > maxWork || len(sub.set.faults) >= maxFaults {
				sub.unsure("too many addresses")
				return sub, true
			}
			name := strings.TrimLeft(w, "!")
			found := oneHost(name, sub)
			for _, a := range found {
				a.Not = (len(w)-len(name))%2 == 1
				t.Addresses = append(t.Addresses, a)
			}
		}
	}
	return sub, slices.ContainsFunc(t.Addresses, func(a Address) bool { return a.Kind != Net })
}

// oneHost is what a word of a table's file names; what is wrong with it is noted in p.
func oneHost(w string, p *parser) (all []Address) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(halt); !ok {
				panic(r)
			}
			all = []Address{{Kind: Named, Name: w, written: w}}
		}
	}()
	p.lexer = &lexer{work: p.work, files: []*source{{text: w + "\n", line: 1}}}
	p.ahead, p.now = nil, nil
	// What is a number alone to pfctl's lexer is a word in a file.
	if strings.Trim(w, "0123456789") == "" {
		p.doubt(strconv.Quote(w) + " is no plain address")
	}
	all = p.address()
	if p.peek().kind != '\n' || len(all) > 0 && all[0].Kind != Net && all[0].Kind != Named {
		p.doubt(strconv.Quote(w) + " is no plain address")
	}
	return all
}
