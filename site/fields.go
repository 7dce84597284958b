package site

import (
	"net/netip"
	"slices"
)

// The Fields of every site, made once. Those of a host or a jail are for any of that kind.
var (
	first  = siteFields()
	ofHost = hostFields()
	rest   = slices.Concat(tunnelFields(), portFields(), seldom(fromFields()), serviceFields(), seldom(webFields()), seldom(smarthostFields()), seldom(port25Fields()), seldom(guideFields()))
	ofJail = jailFields()
)

// Fields lists every answer in the order of the file: the site's own, then those of each host, then the tables, then
// those of each jail, then the tasks marked as done. The ones of a host are there when the site has the host.
func Fields(s *Site) []Field {
	fields := make([]Field, 0, len(first)+len(s.Hosts)*len(ofHost)+len(rest)+len(s.Jails)*len(ofJail)+len(s.Done))
	fields = append(fields, first...)
	for _, h := range s.Hosts {
		for _, f := range ofHost {
			fields = append(fields, f.named("host", h.Name, h.Name))
		}
	}
	fields = append(fields, rest...)
	for i, j := range s.Jails {
		for _, f := range ofJail {
			fields = append(fields, f.named("jail", j.Name, item(i)))
		}
	}
	return append(fields, doneFields(s)...)
}

// named makes a Field of one host or jail, and its place in the file, out of the one for all of them.
func (f Field) named(kind, name, place string) Field {
	f.path = []string{kind, place, f.Key}
	f.of, f.Key, f.Title = name, kind+"."+name+"."+f.Key, name+": "+f.Title
	return f
}

func siteFields() []Field {
	return []Field{
		alone(maybe(label{"domain", "Mail domain", "The domain that gets mail, such as example.org. It may stay empty until the DNS chapter."},
			func(s *Site) *string { return &s.Domain }, parseDomain)),
		many(label{"domains", "Further domains", "More domains that get mail on the same server. Empty means none."},
			func(s *Site) *[]string { return &s.Domains }, parseDomain),
		alone(maybe(label{"hostname", "Mail host name", "The public name of the mail system, for HELO and MX, such as mail.example.org."},
			func(s *Site) *string { return &s.Hostname }, parseDomain)),
		alone(choice(label{"layout", "Layout", "proxy: a public server in front of a hidden mail server. toaster: one FreeBSD host with jails."},
			func(s *Site) *string { return &s.Layout }, false, "proxy", "toaster")),
	}
}

func hostFields() []Field {
	return []Field{
		choice(label{"role", "Role", "What the host is for: proxy is the public server, mail the hidden one."},
			func(h *Host) *Role { return &h.Role }, false, string(Proxy), string(Mail)),
		alone(maybe(label{"ssh", "SSH destination", "How to reach it: user@host:port, ssh://user@host:port, or an alias of your ssh_config. Empty only for the machine this runs on (local)."},
			func(h *Host) *string { return &h.SSH }, parseDestination)),
		maybe(label{"jump", "Jump host", "Go through this host first: the name of another host of the site, or an SSH destination. Empty means directly, or as your ssh_config says."},
			func(h *Host) *string { return &h.Jump }, parseDestination),
		alone(maybe(label{"local", "This machine", "Whether postern itself runs on this host, so that no SSH is needed."},
			func(h *Host) *bool { return &h.Local }, parseBool)),
		choice(label{"become", "Becoming root", "sudo or su, when the login is not root. Empty means find out."},
			func(h *Host) *string { return &h.Become }, true, "sudo", "su"),
		maybe(label{"fingerprint", "Host key", "The host key's fingerprint, SHA256:…, for runs without anybody to ask. Empty means your known_hosts."},
			func(h *Host) *string { return &h.Fingerprint }, parseFingerprint),
		maybe(label{"public4", "Public IPv4 address", "The address the world sees. Empty means find out."},
			func(h *Host) *netip.Addr { return &h.Public4 }, addr(4)),
		maybe(label{"public6", "Public IPv6 address", "The address the world sees over IPv6. Empty means find out."},
			func(h *Host) *netip.Addr { return &h.Public6 }, addr(6)),
		maybe(label{"interface", "Interface", "The interface of the default route, such as eth0. Empty means find out."},
			func(h *Host) *string { return &h.Interface }, parseInterface),
		alone(maybe(label{"provider", "Provider", "The hoster's short name, such as ionos. Empty means not known; advice is then general."},
			func(h *Host) *string { return &h.Provider }, parseProvider)),
		many(label{"ssh_from", "SSH admitted from", "Networks or addresses that SSH is open to. Empty means everywhere for a proxy; its own LAN and the tunnel for a mail host."},
			func(h *Host) *[]netip.Prefix { return &h.SSHFrom }, parseSource),
		many(label{"keep", "Kept open", "Services of your own on it that stay open: 3000/tcp for everyone, 8123/tcp@192.168.50.0/24 for a network. Empty means none."},
			func(h *Host) *[]Kept { return &h.Keep }, parseKept),
		many(label{"first", "Ours first", "Ports of the site, such as 25/tcp, that stay open although a rule of your own refuses them: ours comes before it. Empty means that yours stand."},
			func(h *Host) *[]Kept { return &h.First }, parseKept),
	}
}

func tunnelFields() []Field {
	net := one(label{"tunnel.network", "Tunnel network", "A private IPv4 network for the tunnel that neither host uses for anything else. Changing it moves the two addresses below with it."},
		func(s *Site) *netip.Prefix { return &s.Tunnel.Network }, always(network(4)))
	net.set = func(s *Site, _, text string) error { return setNetwork(s, text) }
	return []Field{
		net,
		one(label{"tunnel.proxy", "Proxy in the tunnel", "The proxy's address inside the tunnel's network."},
			func(s *Site) *netip.Addr { return &s.Tunnel.Proxy }, tunnelMember),
		one(label{"tunnel.mail", "Mail host in the tunnel", "The mail host's address inside the tunnel's network."},
			func(s *Site) *netip.Addr { return &s.Tunnel.Mail }, tunnelMember),
		maybe(label{"tunnel.network6", "Tunnel network, IPv6", "A private IPv6 network, such as fd00:10::/64. Empty means that IPv6 is filtered but not forwarded."},
			func(s *Site) *netip.Prefix { return &s.Tunnel.Network6 }, network(6)),
		one(label{"tunnel.port", "Tunnel port", "The UDP port that the proxy listens on for the tunnel."},
			func(s *Site) *int { return &s.Tunnel.Port }, always(parsePort)),
		one(label{"tunnel.interface", "Tunnel interface", "The name of the tunnel's interface on both hosts. Take another when it is in use for something else."},
			func(s *Site) *string { return &s.Tunnel.Interface }, always(parseInterface)),
		maybe(label{"tunnel.mtu", "Tunnel MTU", "Bytes per packet inside the tunnel, 1280 to 9000. Empty means found by probing."},
			func(s *Site) *int { return &s.Tunnel.MTU }, parseMTU),
	}
}

func portFields() []Field {
	port := func(name, title, help string, at func(*Site) *int) Field {
		return one(label{"ports." + name, title, help}, at, always(parsePort))
	}
	return []Field{
		port("smtp", "SMTP port", "Mail from other servers. Only the usual port gets any; another one is for tests.", func(s *Site) *int { return &s.Ports.SMTP }),
		port("http", "HTTP port", "Web redirects and certificate challenges.", func(s *Site) *int { return &s.Ports.HTTP }),
		port("https", "HTTPS port", "Webmail and administration.", func(s *Site) *int { return &s.Ports.HTTPS }),
		port("submissions", "Submissions port", "Mail programs hand in outgoing mail here, encrypted from the first byte (RFC 8314).", func(s *Site) *int { return &s.Ports.Submissions }),
		port("submission", "Submission port", "Mail programs that use STARTTLS hand in outgoing mail here.", func(s *Site) *int { return &s.Ports.Submission }),
		port("imaps", "IMAPS port", "Mail programs read mail here.", func(s *Site) *int { return &s.Ports.IMAPS }),
		port("relay", "Relay port", "The mail host hands outgoing mail to the proxy here: open on the tunnel only, to the mail host only.", func(s *Site) *int { return &s.Ports.Relay }),
		port("web", "Mail host's web port", "Where the mail host's own web interface listens, inside the tunnel.", func(s *Site) *int { return &s.Ports.Web }),
	}
}

func fromFields() []Field {
	var fields []Field
	for _, p := range Services(usual) {
		name := p.Name
		f := many(label{"from." + name, "Sources of " + name, "Networks or addresses that this port is open to. Empty means everyone."},
			func(s *Site) *[]netip.Prefix { v := s.From[name]; return &v }, parseSource)
		f.set = func(s *Site, _, text string) error {
			values, err := each(text, parseSource)
			if err == nil {
				s.From[name] = values
			}
			return err
		}
		fields = append(fields, f)
	}
	return fields
}

func serviceFields() []Field {
	return []Field{
		choice(label{"clients.addresses", "Client addresses", "preserve: the mail host sees who really connects. masquerade: it sees the proxy instead, as the guide has it; blocking by address then hits everyone."},
			func(s *Site) *string { return &s.Clients.Addresses }, false, "preserve", "masquerade"),
		choice(label{"mail.path", "Way of incoming mail", "haraka: a mail server on the proxy takes it, over IPv6 too, and tells senders at once when the mail host is away; it needs Node.js and 200 MB of memory. direct: the port is sent on to the mail host, which sees and sends everything itself through the tunnel; nothing runs on the proxy."},
			func(s *Site) *string { return &s.Mail.Path }, false, "haraka", "direct"),
		choice(label{"mail.kind", "Mail server", "mailcow, or plain for any other mail server."},
			func(s *Site) *string { return &s.Mail.Kind }, false, "mailcow", "plain"),
		one(label{"mail.selector", "DKIM selector", "The name under which the DKIM key is published: SELECTOR._domainkey.DOMAIN. Mailcow's is dkim; see what your mail server signs with."},
			func(s *Site) *string { return &s.Mail.Selector }, always(parseSelector)),
		many(label{"mail.lan", "Direct clients at home", "Networks or addresses at home that may also connect to the mail host's ports directly. Empty means none: only the tunnel."},
			func(s *Site) *[]netip.Prefix { return &s.Mail.LAN }, parseSource),
		many(label{"dns.ask", "Public services to ask", "Services of others that may be asked in the DNS about the proxy's public addresses: blocklists, such as zen.spamhaus.org, which is free for small and non-commercial use (see its terms), and origin.asn.cymru.com, which tells whose network it is. Each learns the addresses. Empty means none."},
			func(s *Site) *[]string { return &s.DNS.Ask }, parseDomain),
		choice(label{"web.kind", "Web server on the proxy", "caddy: postern sets it up. existing: there is one already, and it stays."},
			func(s *Site) *string { return &s.Web.Kind }, false, "caddy", "existing"),
		many(label{"web.admin", "Admin pages reachable from", "Networks or addresses from which Mailcow's admin pages can be opened through the proxy. Empty means the tunnel and the networks of mail.lan."},
			func(s *Site) *[]netip.Prefix { return &s.Web.Admin }, parseSource),
		choice(label{"pf.main", "pf.conf on FreeBSD", "advise: show what is missing. anchors: write only our own anchors. own: write the whole file."},
			func(s *Site) *string { return &s.PF.Main }, false, "advise", "anchors", "own"),
	}
}

func webFields() []Field {
	return []Field{
		maybe(label{"web.certificate", "Own certificate", "A certificate file of your own on the proxy, with all that lead to its authority, for every name that the web server has. Empty means that Caddy gets one for each name by itself (ACME)."},
			func(s *Site) *string { return &s.Web.Certificate }, parsePath),
		maybe(label{"web.key", "Key of the own certificate", "The file with its key, which the user caddy can read. It stays on the proxy."},
			func(s *Site) *string { return &s.Web.Key }, parsePath),
		maybe(label{"web.ca", "Another authority", "The ACME directory of the authority that is asked for certificates, such as https://acme.example.net/directory. Empty means Let's Encrypt, or ZeroSSL where that does not answer."},
			func(s *Site) *string { return &s.Web.CA }, parseURL),
		choice(label{"web.mtasts", "MTA-STS", "What senders are told of TLS towards you. testing: failures are only reported. enforce: they deliver with a valid certificate on the mail port, or not at all. none: it is being given up. Empty means that there is no policy."},
			func(s *Site) *string { return &s.Web.MTASTS }, true, "none", "testing", "enforce"),
	}
}

func smarthostFields() []Field {
	return []Field{
		maybe(label{"smarthost.host", "Smart host", "A mail server of somebody else's that all outgoing mail goes by, where the provider never opens port 25: the name of a relay service, or of your line's provider. Its password is asked for, and kept on the proxy alone. Empty means none."},
			func(s *Site) *string { return &s.Smarthost.Host }, parseDomain),
		one(label{"smarthost.port", "Smart host's port", "Where it takes mail from who logs in: 587 with STARTTLS, or 465 with TLS from the first byte; never without TLS."},
			func(s *Site) *int { return &s.Smarthost.Port }, always(parsePort)),
		maybe(label{"smarthost.user", "Smart host's user", "Who logs in there: the user name that it gave you."},
			func(s *Site) *string { return &s.Smarthost.User }, parseUser),
		many(label{"smarthost.spf", "Smart host in SPF", "What its pages say that the SPF record of your domain needs, such as include:spf.example.net. Empty means not known."},
			func(s *Site) *[]string { return &s.Smarthost.SPF }, parseMechanism),
	}
}

func port25Fields() []Field {
	date := func(key, title, help string, at func(*Site) *string) Field {
		return maybe(label{"port25." + key, title, help}, at, parseDate)
	}
	words := func(key, title, help string, at func(*Site) *string) Field {
		return maybe(label{"port25." + key, title, help}, at, parseWords)
	}
	return []Field{
		many(label{"port25.exchangers", "Mail servers to measure with", "Mail servers of different operators, by name or address, that are greeted to find out whether outgoing port 25 is open; no mail is sent to them."},
			func(s *Site) *[]string { return &s.Port25.Exchangers }, parseExchanger),
		date("asked", "Port 25 asked for", "The date on which the provider was asked to open outgoing port 25. Empty means not yet.", func(s *Site) *string { return &s.Port25.Asked }),
		words("ticket", "Port 25, ticket", "The number that the provider gave to that request. Empty means none.", func(s *Site) *string { return &s.Port25.Ticket }),
		words("answer", "Port 25, answer", "What the provider said to it, in your words. Empty means nothing yet.", func(s *Site) *string { return &s.Port25.Answer }),
		date("opened", "Port 25 measured open", "The last date on which 'postern port25' measured that it is open; it looks again each time, so writing a date here opens nothing.", func(s *Site) *string { return &s.Port25.Opened }),
	}
}

func guideFields() []Field {
	found := func(name, title, help string, at func(*Site) *string) Field {
		return choice(label{"guide." + name, title, help + " adopt: ours from now on. replace: taken out, ours put in. keep: left alone. Empty means what the plan shows."},
			at, true, "adopt", "replace", "keep")
	}
	return []Field{
		found("nat", "The guide's NAT block", "Forwarding rules that were typed into ufw's before.rules.", func(s *Site) *string { return &s.Guide.NAT }),
		found("forward", "The guide's forward policy", "Forwarding that was opened for everything in ufw's defaults.", func(s *Site) *string { return &s.Guide.Forward }),
		found("rules", "Rules made by hand", "ufw rules without our mark that say what ours would say.", func(s *Site) *string { return &s.Guide.Rules }),
		found("unit", "The guide's start script", "wireguard-setup and wireguard.service.", func(s *Site) *string { return &s.Guide.Unit }),
		found("tunnel", "An existing tunnel", "A configuration and key that the tunnel's interface has already.", func(s *Site) *string { return &s.Guide.Tunnel }),
		choice(label{"guide.mta", "Another mail server on the proxy", "One that listens where Haraka is to, such as exim4, or files of another Haraka where ours has its own. replace: it is stopped, and no longer started at boot; files are moved aside. Empty means that it is only named."},
			func(s *Site) *string { return &s.Guide.MTA }, true, "replace"),
	}
}

func jailFields() []Field {
	return []Field{
		maybe(label{"address4", "IPv4 address", "The jail's IPv4 address. Empty means none."},
			func(j *Jail) *netip.Addr { return &j.Address4 }, addr(4)),
		maybe(label{"address6", "IPv6 address", "The jail's IPv6 address. Empty means none."},
			func(j *Jail) *netip.Addr { return &j.Address6 }, addr(6)),
		many(label{"ports", "Ports", "The public ports that go to this jail. Empty means none. A jail that was not found is added by its first answer: --set jail.NAME.ports=993 --save."},
			func(j *Jail) *[]int { return &j.Ports }, parsePort),
		many(label{"tables", "pf tables", "pf tables that hold the jail's addresses. Empty means none."},
			func(j *Jail) *[]string { return &j.Tables }, pfTable),
		many(label{"insecure", "Sources without TLS", "From where the jail's ports for POP3 and IMAP without TLS (110, 143) are reachable. Empty means from nowhere."},
			func(j *Jail) *[]netip.Prefix { return &j.Insecure }, parseSource),
		many(label{"reach", "Jails it may reach", "The other jails that it may connect to, by name; none means no other, all every other. Empty means find out: those it talks to, and those that a jail of its name needs."},
			func(j *Jail) *[]string { return &j.Reach }, parseReach),
	}
}
