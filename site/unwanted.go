package site

// closed are the ports that stay closed: the mail protocols left out on purpose (guide: network, Port Requirements), and a
// sample of what a careless service opens.
var closed = []NamedPort{
	{"pop3", "tcp", 110}, {"imap", "tcp", 143}, {"smtps", "tcp", 465}, {"pop3s", "tcp", 995},
	{"ftp", "tcp", 21}, {"docker", "tcp", 2375}, {"mysql", "tcp", 3306}, {"redis", "tcp", 6379},
}

// Unwanted lists the ports that must not answer from outside on any host of the site, its relay and web ports included;
// a port that the answers put to public use is not among them.
func (s *Site) Unwanted() []NamedPort {
	public := map[int]bool{}
	for _, p := range Services(s) {
		public[p.Port] = true
	}
	var list []NamedPort
	for _, p := range append([]NamedPort{{"relay", "tcp", s.Ports.Relay}, {"web", "tcp", s.Ports.Web}}, closed...) {
		if !public[p.Port] {
			public[p.Port] = true
			list = append(list, p)
		}
	}
	return list
}

// MailcowInside are the settings by which Mailcow publishes ports that nobody needs from elsewhere, and the ports that it brings; those
// with none it has on the loopback by itself.
var MailcowInside = []NamedPort{{Name: "IMAP_PORT", Port: 143}, {Name: "POP_PORT", Port: 110}, {Name: "POPS_PORT", Port: 995}, {Name: "SIEVE_PORT", Port: 4190},
	{Name: "DOVEADM_PORT"}, {Name: "SQL_PORT"}, {Name: "REDIS_PORT"}}
