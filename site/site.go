// Package site knows what the operator wants: the answers, their words, their rules and their file. It refuses to know
// how a host is reached or changed, and it never holds a secret.
package site

import "net/netip"

// Role is what a host is for.
type Role string

// The roles of design.md 3. Code loops over the hosts of a role and never assumes that there is one.
const (
	Proxy Role = "proxy" // the public server that takes what the world sends
	Mail  Role = "mail"  // the hidden mail server
)

// Host is one machine: what it is for, how to reach it, and what is known of it. Empty fields mean "detect".
type Host struct {
	Name        string // the name in [host.NAME]; letters, digits and hyphens
	Role        Role
	SSH         string         // user@host:port, or an alias of the operator's ssh_config
	Jump        string         // the name of another host of the site, or an SSH destination, to go through
	Local       bool           // the program runs on this host itself
	Become      string         // how to become root: "", "sudo" or "su"; "" means detect
	Fingerprint string         // the pinned host key, as SHA256:base64
	Public4     netip.Addr     // the address the world sees
	Public6     netip.Addr     // likewise over IPv6
	Interface   string         // the interface of the default route
	Provider    string         // the hoster's ID in steps/provider
	SSHFrom     []netip.Prefix // where SSH is admitted from; empty means the default of its role
	Keep        []Kept         // services of the operator's own that stay open
	First       []Kept         // services of the site at which our rule comes before the operator's that refuse them
	System      string         // linux or freebsd, as it was seen last: no answer, and never saved
}

// FreeBSD is the System of a host that runs it.
const FreeBSD = "freebsd"

// BSD says whether the host was seen to run FreeBSD.
func (h *Host) BSD() bool { return h.System == FreeBSD }

// Saw takes over what was seen of the hosts of a copy, which is no answer.
func (s *Site) Saw(copied *Site) {
	for _, h := range s.Hosts {
		if other := copied.Host(h.Name); other != nil {
			h.System = other.System
		}
	}
}

// Tunnel is the WireGuard network between the hosts.
type Tunnel struct {
	Network   netip.Prefix // IPv4 network, 10.0.0.0/24
	Proxy     netip.Addr   // the proxy's address inside it
	Mail      netip.Addr   // the mail host's address inside it
	Network6  netip.Prefix // optional IPv6 network; IPv6 is forwarded only when it is set
	Port      int          // UDP port the proxy listens on
	Interface string       // name of the interface on both hosts
	MTU       int          // bytes; 0 means found by probing
}

// Ports are the ports of the site. Their defaults are written once, in Default; nothing else names a port number.
type Ports struct {
	SMTP, HTTP, HTTPS, Submissions, Submission, IMAPS int // public, TCP
	Relay                                             int // outgoing mail, on the proxy's tunnel address only
	Web                                               int // the mail host's web interface, inside the tunnel
}

// Guide says what to do with what a hand-made setup after the public guide left on the hosts: each is adopt, replace or
// keep. Empty means the default, which the plan shows.
type Guide struct {
	NAT     string // the guide's NAT block in before.rules
	Forward string // DEFAULT_FORWARD_POLICY="ACCEPT"
	Rules   string // untagged rules that say what we would say
	Unit    string // wireguard-setup and wireguard.service
	Tunnel  string // an existing configuration and key of the tunnel's interface
	MTA     string // another mail server that listens where Haraka is to: replace, or ""
}

// Smarthost is a mail server of somebody else's that takes all outgoing mail from who logs in. It has no Host where there is none.
type Smarthost struct {
	Host string   // its name, as its certificate says it
	Port int      // where it takes mail from who logs in
	User string   // the password is on the proxy alone
	SPF  []string // what its pages say an SPF record needs, such as include:spf.example.net
}

// Wrapped says whether it speaks TLS from the first byte (RFC 8314, 3.3), not after STARTTLS.
func (m Smarthost) Wrapped() bool { return m.Port == Default().Ports.Submissions }

// Account is whose password is needed, and where.
func (m Smarthost) Account() string { return m.User + " at " + m.Host }

// Port25 is the way of outgoing mail at the provider: whom to measure with, and how far asking for it came. Whether it is open, only a
// measurement says.
type Port25 struct {
	Exchangers []string // mail servers of different operators: names or addresses
	Asked      string   // the day on which the provider was asked, such as 2026-11-21
	Ticket     string   // its number for that
	Answer     string   // what it said
	Opened     string   // the day on which the port was measured open
}

// Site is everything the operator answered; saved as TOML with a schema version and a revision.
type Site struct {
	Schema   int // version of the file's format
	Revision int // counted up at every confirmed change; a stale one is refused
	Domain   string
	Domains  []string // further domains
	Hostname string   // the mail system's public name (HELO, MX)
	Layout   string   // proxy or toaster
	Hosts    []*Host
	Tunnel   Tunnel
	Ports    Ports
	From     map[string][]netip.Prefix  // per port name (smtp, imaps …): the only sources it is open to; none means all
	Clients  struct{ Addresses string } // preserve or masquerade
	Mail     struct {
		Path     string // haraka or direct
		Kind     string // mailcow or plain
		Selector string // of the DKIM key
		LAN      []netip.Prefix
	}
	DNS       struct{ Ask []string } // services of others that may be asked about the proxy's addresses
	Smarthost Smarthost
	Port25    Port25
	Web       Web
	PF        struct{ Main string } // advise, anchors or own
	Guide     Guide
	Jails     []Jail
	Done      map[string]string // tasks for a person that were marked as done: ID, and the date (2026-11-21)
}

// Web is what answers at the proxy's HTTP ports, and how its names are certified.
type Web struct {
	Kind        string         // caddy or existing
	Admin       []netip.Prefix // from where the mail system's admin pages are reachable; none means the tunnel and mail.lan
	Certificate string         // the operator's own, a file on the proxy; empty means by ACME
	Key         string         // its key
	CA          string         // the ACME directory of another authority; empty means those that Caddy asks
	MTASTS      string         // the mode of the MTA-STS policy: none, testing or enforce; empty means that there is none
}

// OwnCertificate are the files of the certificate for the host name that somebody else than Caddy renews on the proxy: those answered, or,
// with another web server, where certbot puts them. There are none where Caddy does it all.
func (s *Site) OwnCertificate() (certificate, key string) {
	if live := "/etc/letsencrypt/live/" + s.Hostname + "/"; s.Web.Kind == "existing" && s.Web.Certificate == "" && s.Hostname != "" {
		return live + "fullchain.pem", live + "privkey.pem"
	}
	return s.Web.Certificate, s.Web.Key
}

// HostsOf lists the hosts of a role, in the order of the file.
func (s *Site) HostsOf(r Role) []*Host {
	var hosts []*Host
	for _, h := range s.Hosts {
		if h.Role == r {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// Host returns the host of that name, or nil.
func (s *Site) Host(name string) *Host {
	for _, h := range s.Hosts {
		if h.Name == name {
			return h
		}
	}
	return nil
}

// TunnelAddress is the host's address inside the tunnel.
func (s *Site) TunnelAddress(h *Host) netip.Addr {
	if h.Role == Proxy {
		return s.Tunnel.Proxy
	}
	return s.Tunnel.Mail
}

// Default is a site before any question: the guide's addresses and ports, one proxy and one mail host.
func Default() *Site {
	s := &Site{
		Schema: schema,
		Layout: "proxy",
		Hosts:  []*Host{{Name: "proxy", Role: Proxy}, {Name: "mail", Role: Mail}},
		Tunnel: Tunnel{
			Network:   netip.MustParsePrefix("10.0.0.0/24"),
			Proxy:     netip.MustParseAddr("10.0.0.1"),
			Mail:      netip.MustParseAddr("10.0.0.2"),
			Port:      51820,
			Interface: "wg0",
		},
		Ports: Ports{SMTP: 25, HTTP: 80, HTTPS: 443, Submissions: 465, Submission: 587, IMAPS: 993, Relay: 2526, Web: 8443},
		From:  map[string][]netip.Prefix{},
		Done:  map[string]string{},
	}
	s.Clients.Addresses = "preserve"
	s.Mail.Path, s.Mail.Kind, s.Mail.Selector = "haraka", "mailcow", "dkim"
	s.Smarthost.Port = s.Ports.Submission
	s.Port25.Exchangers = []string{"gmail-smtp-in.l.google.com", "outlook-com.olc.protection.outlook.com", "mx01.mail.icloud.com"}
	s.Web.Kind = "caddy"
	s.PF.Main = "advise"
	return s
}

// TunnelAddress6 is the host's IPv6 address inside the tunnel; invalid when tunnel.network6 is not set.
func (s *Site) TunnelAddress6(h *Host) netip.Addr {
	switch {
	case !s.Tunnel.Network6.IsValid():
		return netip.Addr{}
	case h.Role == Proxy:
		return nth(s.Tunnel.Network6, 1)
	}
	return nth(s.Tunnel.Network6, 2)
}
