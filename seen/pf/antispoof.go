package pf

import "strings"

// antispoof reads what keeps off packets that say they come from an interface's own network: two rules for each.
func (p *parser) antispoof(s *Statement) {
	p.take()
	r := Rule{Line: p.peek().line, Action: "block", Return: "drop", Dir: "in", exact: true}
	p.logQuick(&r)
	p.want("for")
	var names []string
	p.list(func() {
		dynamic := p.is("(")
		name := p.str()
		if dynamic {
			p.want(")")
			p.unsure("antispoof for (" + name + ") is not read")
		}
		names = append(names, name)
	})
	p.family(&r)
	for p.is("label") {
		r.Labels = append(r.Labels, p.str())
	}
	p.section(inFilter)
	for _, name := range names {
		for _, suffix := range []string{":network", ""} {
			one := r
			one.From.Hosts = []Address{{Kind: Named, Name: name, Suffix: suffix, written: name + suffix}}
			if found, known := p.known.addresses(name, suffix); known {
				one.From.Hosts = nil
				for _, n := range found {
					one.From.Hosts = append(one.From.Hosts, network(n))
				}
				if len(found) == 0 {
					continue
				}
			}
			if suffix != "" {
				one.On = []Interface{{Name: name, Not: true}}
			} else if strings.HasPrefix(name, "lo") {
				continue
			}
			s.Rules = append(s.Rules, &one)
		}
	}
}
