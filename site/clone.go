package site

import (
	"maps"
	"slices"
)

// Clone is a deep copy: changing one leaves the other as it is.
func (s *Site) Clone() *Site {
	c := *s
	c.Domains = slices.Clone(s.Domains)
	c.Mail.LAN = slices.Clone(s.Mail.LAN)
	c.Web.Admin = slices.Clone(s.Web.Admin)
	c.DNS.Ask = slices.Clone(s.DNS.Ask)
	c.Smarthost.SPF = slices.Clone(s.Smarthost.SPF)
	c.Port25.Exchangers = slices.Clone(s.Port25.Exchangers)
	c.Hosts = slices.Clone(s.Hosts)
	for i, h := range c.Hosts {
		host := *h
		host.SSHFrom, host.Keep, host.First = slices.Clone(h.SSHFrom), slices.Clone(h.Keep), slices.Clone(h.First)
		c.Hosts[i] = &host
	}
	c.From = maps.Clone(s.From)
	for name, sources := range c.From {
		c.From[name] = slices.Clone(sources)
	}
	c.Done = maps.Clone(s.Done)
	c.Jails = slices.Clone(s.Jails)
	for i, j := range c.Jails {
		c.Jails[i].Ports, c.Jails[i].Tables = slices.Clone(j.Ports), slices.Clone(j.Tables)
		c.Jails[i].Insecure, c.Jails[i].Reach = slices.Clone(j.Insecure), slices.Clone(j.Reach)
	}
	return &c
}
