package main

import (
	"context"

	"postern/site"
	"postern/zone"
)

// exportCmd writes out what other programs take.
type exportCmd struct {
	Zone zoneCmd `cmd:"" help:"The wanted DNS records, as lines of a zone file."`
}

// zoneCmd writes all records that the site wants.
type zoneCmd struct {
	Table bool `help:"As a table instead: name, type, value, as web forms take them."`
}

type recordJSON struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value string `json:"value"` // as a web form takes it
	Line  string `json:"line"`  // as a line of a zone file
}

// Run prints the records to standard output, and nothing else. The hosts are asked only where no answer says which address the world sees.
func (c *zoneCmd) Run(ctx context.Context, a *app) error {
	if !a.JSON {
		a.say.people, a.quiet = a.world.stderr, true // only what warns is worth a line beside it
	}
	from, err := a.answers(true)
	if err != nil {
		return err
	}
	s := from.site
	if list := s.HostsOf(site.Proxy); len(list) > 0 && !list[0].Public4.IsValid() && s.Domain != "" && s.Hostname != "" {
		r, err := a.begin("export zone", from)
		if err != nil {
			return err
		}
		defer a.finish(r)
		p, err := r.Propose(ctx, []string{"dns"})
		if err != nil {
			return unasked(err)
		}
		s = p.Site
	}
	list, err := records(s)
	if err != nil {
		return err
	}
	if a.JSON {
		objects := []recordJSON{}
		for _, r := range list {
			objects = append(objects, recordJSON{r.Name, r.Type, r.Form(), r.Line()})
		}
		a.final(struct {
			Schema  int          `json:"schema"`
			Records []recordJSON `json:"records"`
		}{schema, objects})
		return nil
	}
	text := zone.Lines(list)
	if c.Table {
		text = zone.Table(list, "")
	}
	return a.say.raw([]byte(text))
}

// records are all that a site wants, those of the provider last. The key of DKIM is the mail server's, and not known here.
func records(s *site.Site) ([]zone.Record, error) {
	proxies := s.HostsOf(site.Proxy)
	switch {
	case len(proxies) == 0 || s.Layout != "proxy":
		return nil, usage("", "the layout is %q: it has no proxy whose records these would be", s.Layout)
	case s.Domain == "" || s.Hostname == "":
		return nil, usage("give them: --set domain=example.org --set hostname=mail.example.org --save", "domain and hostname are not both answered: records are made of them")
	}
	list := zone.Host(s, proxies[0])
	for _, d := range zone.Domains(s) {
		list = append(list, zone.Mail(s, proxies[0], d)...)
	}
	return append(list, zone.Back(s, proxies[0])...), nil
}
