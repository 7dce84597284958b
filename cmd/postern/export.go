package main

import (
	"context"
	"fmt"
	"strings"

	"postern/checks"
	"postern/run"
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
	Now   bool `help:"As a table, and beside each record what is there now: the DNS is asked, from the proxy."`
}

type recordJSON struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value string `json:"value"` // as a web form takes it
	Line  string `json:"line"`  // as a line of a zone file
	Now   string `json:"now,omitempty"`
}

// Run prints the records to standard output, and nothing else. The hosts are asked only where no answer says which address the world sees,
// or what is there now is to be told.
func (c *zoneCmd) Run(ctx context.Context, a *app) error {
	if !a.JSON {
		a.say.people, a.quiet = a.world.stderr, true // only what warns is worth a line beside it
	}
	from, err := a.answers(true)
	if err != nil {
		return err
	}
	s := from.site
	var found []checks.Record
	if list := s.HostsOf(site.Proxy); len(list) > 0 && (c.Now || !list[0].Public4.IsValid()) && s.Domain != "" && s.Hostname != "" {
		r, err := a.begin("export zone", from)
		if err != nil {
			return err
		}
		defer a.finish(r)
		p, err := r.Propose(ctx, []string{"dns"})
		if err != nil {
			return unasked(err)
		}
		if s = p.Site; c.Now {
			if found, err = told(ctx, r); err != nil {
				return unasked(err)
			}
		}
	}
	list, err := records(s)
	if err != nil {
		return err
	}
	list = append(list, keys(s, found)...)
	if a.JSON {
		objects := []recordJSON{}
		for _, r := range list {
			objects = append(objects, recordJSON{r.Name, r.Type, r.Form(), r.Line(), c.now(r, found)})
		}
		a.final(struct {
			Schema  int          `json:"schema"`
			Records []recordJSON `json:"records"`
		}{schema, objects})
		return nil
	}
	text := zone.Lines(list)
	switch {
	case c.Now:
		text = c.beside(list, found)
	case c.Table:
		text = zone.Table(list, "")
	}
	return a.say.raw([]byte(text))
}

// told is what is there now of the records that the site wants.
func told(ctx context.Context, r *run.Runner) (found []checks.Record, err error) {
	results, err := r.Check(ctx, []string{"dns"})
	for _, one := range results {
		found = append(found, one.Records...)
	}
	return found, err
}

// keys are the records of DKIM keys that the mail server told.
func keys(s *site.Site, found []checks.Record) (list []zone.Record) {
	for _, d := range zone.Domains(s) {
		for _, one := range found {
			if one.Name == zone.KeyName(s, d) && one.Value != "" {
				list = append(list, zone.Record{Name: one.Name, Type: one.Type, Value: one.Value})
			}
		}
	}
	return list
}

// now is what is there now of a record.
func (c *zoneCmd) now(r zone.Record, found []checks.Record) string {
	for _, one := range found {
		if one.Name == r.Name && one.Type == r.Type && one.Value == r.Form() {
			return one.Now.Line(300)
		}
	}
	if c.Now {
		return "unknown"
	}
	return ""
}

// beside is the table of records with a word before each, ok, missing, other, also or unknown, and what stands in its place or beside it below.
func (c *zoneCmd) beside(list []zone.Record, found []checks.Record) string {
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSuffix(zone.Table(list, ""), "\n"), "\n") {
		if i == 0 {
			fmt.Fprintf(&b, "%-9s%s\n", "now", line)
			continue
		}
		now := c.now(list[i-1], found)
		word, instead, _ := strings.Cut(now, ": ")
		fmt.Fprintf(&b, "%-9s%s\n", word, line)
		if instead != "" {
			fmt.Fprintf(&b, "%9s; now: %s\n", "", instead)
		}
	}
	return b.String()
}

// records are all that a site wants, those of the provider last. The key of DKIM is the mail server's, and not known here.
func records(s *site.Site) ([]zone.Record, error) {
	proxies := s.HostsOf(site.Proxy)
	switch {
	case len(proxies) == 0:
		return nil, usage("", "no host has role = proxy, whose records these would be")
	case s.Domain == "" || s.Hostname == "":
		return nil, usage("give them: --set domain=example.org --set hostname=mail.example.org --save", "domain and hostname are not both answered: records are made of them")
	}
	list := zone.Host(s, proxies[0])
	for _, d := range zone.Domains(s) {
		list = append(list, zone.Mail(s, proxies[0], d)...)
	}
	return append(list, zone.Back(s, proxies[0])...), nil
}
