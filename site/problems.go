package site

import (
	"fmt"
	"net/netip"
	"strings"
)

// Problems lists what is wrong between answers that are each valid, one clear line each; none when the site can be set up.
// The keys named in needs must not be empty besides.
func Problems(s *Site, needs ...string) []error {
	var found problems
	looks := []func(*problems, *Site){roles, reach, jumps, ports, tunnel, paths, web, smarthost, jails}
	if s.Layout == "toaster" {
		looks = []func(*problems, *Site){oneHost, reach, jumps, jails}
	}
	for _, look := range looks {
		look(&found, s)
	}
	if len(s.Domains) > 0 && s.Domain == "" {
		needs = append([]string{"domain"}, needs...)
	}
	seen := map[string]bool{}
	for _, key := range needs {
		f, err := FieldOf(s, key)
		switch {
		case err != nil:
			found = append(found, err)
		case f.Get(s) == "" && !seen[key]:
			found.add("%s: is empty, and needed: %s", key, f.Help)
		}
		seen[key] = true
	}
	return found
}

type problems []error

func (found *problems) add(format string, args ...any) {
	*found = append(*found, fmt.Errorf(format, args...))
}

func roles(found *problems, s *Site) {
	for _, role := range []Role{Proxy, Mail} {
		hosts := s.HostsOf(role)
		if len(hosts) == 0 {
			found.add("host: none has role = %s", role)
		}
		if len(hosts) > 1 {
			found.add("host.%s.role: host %s is a %s too; one of each is set up", hosts[1].Name, hosts[0].Name, role)
		}
	}
}

func reach(found *problems, s *Site) {
	var local *Host
	for _, h := range s.Hosts {
		if h.Local && local != nil {
			found.add("host.%s.local: host %s is this machine already; at most one can be", h.Name, local.Name)
		}
		if h.Local {
			local = h
		}
		if !h.Local && h.SSH == "" {
			found.add("host.%s.ssh: is empty; write user@host, or set host.%s.local when postern runs on it", h.Name, h.Name)
		}
	}
}

func jumps(found *problems, s *Site) {
	for _, h := range s.Hosts {
		if h.Jump == "" {
			continue
		}
		if s.Host(h.Jump) == nil {
			for _, other := range s.Hosts {
				if strings.EqualFold(other.Name, h.Jump) {
					found.add("host.%s.jump: %q is not a host of the site; write %s (or ssh://%s for an alias)", h.Name, h.Jump, other.Name, h.Jump)
				}
			}
			continue
		}
		way := []string{h.Name}
		for at := s.Host(h.Jump); at != nil && len(way) <= len(s.Hosts); at = s.Host(at.Jump) {
			way = append(way, at.Name)
			if at == h {
				found.add("host.%s.jump: goes in a circle (%s)", h.Name, strings.Join(way, ", "))
				break
			}
		}
	}
}

func ports(found *problems, s *Site) {
	taken := map[int]string{}
	take := func(key string, port int) {
		if other := taken[port]; other != "" {
			found.add("%s: %d is the port of %s already", key, port, other)
			return
		}
		taken[port] = key
	}
	for _, h := range s.HostsOf(Proxy) {
		if port, err := portOf(h.SSH); err == nil && port != 0 && !h.Local {
			taken[port] = "host." + h.Name + ".ssh"
		}
	}
	for _, p := range Services(s) {
		take("ports."+p.Name, p.Port)
	}
	take("ports.relay", s.Ports.Relay)
	for _, h := range s.HostsOf(Proxy) {
		for _, k := range h.Keep {
			if other := taken[k.Port]; other != "" && k.Proto == "tcp" {
				found.add("host.%s.keep: %d/tcp is the port of %s already", h.Name, k.Port, other)
			}
		}
	}
	// on the mail host the web interface stands beside what is forwarded to it; HTTP and HTTPS may be that very interface
	for _, p := range Services(s) {
		if p.Port == s.Ports.Web && p.Name != "http" && p.Name != "https" {
			found.add("ports.web: %d is the port of ports.%s already", p.Port, p.Name)
		}
	}
}

// paths wants the mail host to see who really connects where nothing else sees it, and to have a way out through the tunnel.
func paths(found *problems, s *Site) {
	if s.Mail.Path == "direct" && s.Clients.Addresses == "masquerade" {
		found.add("mail.path: direct needs clients.addresses = preserve: the mail server would see the proxy in every stranger's place")
	}
}

// web wants a certificate with its key, and one way to get certificates.
func web(found *problems, s *Site) {
	switch w := s.Web; {
	case (w.Certificate == "") != (w.Key == ""):
		found.add("web.key: a certificate of your own needs both files, web.certificate and web.key")
	case w.Certificate != "" && w.CA != "":
		found.add("web.ca: nobody is asked for certificates where web.certificate names one")
	}
}

// smarthost wants a login there, and mail to go by the proxy: else the address at home would stand in every message.
func smarthost(found *problems, s *Site) {
	switch m := s.Smarthost; {
	case m.Host == "":
	case m.User == "":
		found.add("smarthost.user: is empty, and needed: who logs in at %s", m.Host)
	case s.Mail.Path != "haraka":
		found.add("smarthost.host: a smart host needs mail.path = haraka: the proxy sends by it, and the mail host has no way of its own there")
	case m.Port == WorldSMTP:
		found.add("smarthost.port: %d is where strangers hand mail in; a smart host takes it at 587 or 465 from who logs in", m.Port)
	}
}

func tunnel(found *problems, s *Site) {
	t := s.Tunnel
	for _, m := range []struct {
		key string
		at  netip.Addr
	}{{"tunnel.proxy", t.Proxy}, {"tunnel.mail", t.Mail}} {
		if why := outside(t.Network, m.at); why != "" {
			found.add("%s: %s %s", m.key, m.at, why)
		}
	}
	if t.Proxy == t.Mail {
		found.add("tunnel.mail: %s is the proxy's address already", t.Mail)
	}
	for _, h := range s.Hosts {
		for _, a := range []netip.Addr{h.Public4, h.Public6} {
			if t.Network.Contains(a) || t.Network6.Contains(a) {
				found.add("tunnel.network: has the public address %s of host %s in it; take another network", a, h.Name)
			}
		}
		if h.Interface != "" && h.Interface == t.Interface {
			found.add("tunnel.interface: %s is the interface of host %s to the world; take another name", t.Interface, h.Name)
		}
	}
	for _, lan := range s.Mail.LAN {
		if lan.Bits() > 0 && (lan.Overlaps(t.Network) || lan.Overlaps(t.Network6)) {
			found.add("mail.lan: %s overlaps the tunnel's network; change tunnel.network", lan)
		}
	}
}
