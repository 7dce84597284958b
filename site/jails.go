package site

import (
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Jail is one FreeBSD jail of the toaster layout, or a virtual machine on the jails' network.
type Jail struct {
	Name     string
	Address4 netip.Addr
	Address6 netip.Addr
	Ports    []int
	Tables   []string
	Insecure []netip.Prefix // the only sources of the ports that speak without TLS; none means nobody
	Reach    []string       // the jails that it may connect to, or one word: ReachAll, ReachNone; nothing is not answered yet
}

// The words that stand for jails in Reach.
const (
	ReachAll  = "all"  // every other
	ReachNone = "none" // no other
)

// insecure are the ports where a mail program's password may pass in the clear: POP3 and IMAP.
var insecure = []int{110, 143}

// Insecure says whether a port may take a password in the clear, so that it is for few alone.
func Insecure(port int) bool { return slices.Contains(insecure, port) }

// usualPorts are what jails of these names offer to the world.
var usualPorts = map[string][]int{
	"dovecot":  {993, 995, 143, 110},
	"haraka":   {25, 465, 587},
	"postfix":  {25, 465, 587},
	"wildduck": {993, 995},
	"webmail":  {80, 443},
	"haproxy":  {80, 443},
	"nginx":    {80, 443},
	"stalwart": {25, 465, 587, 993},
}

// UsualPorts are the public ports that a jail of that name usually has; none for one that nobody outside connects to.
func UsualPorts(name string) []int { return slices.Clone(usualPorts[strings.ToLower(name)]) }

// usualReach are the jails that those of these names connect to, as Mail Toaster sets them up.
var usualReach = map[string][]string{
	"haraka":       {"redis", "rspamd", "spamassassin", "clamav", "dovecot", "vpopmail", "mysql", "elasticsearch"},
	"dovecot":      {"vpopmail", "mysql", "redis"},
	"rspamd":       {"redis", "clamav"},
	"spamassassin": {"mysql", "redis"},
	"vpopmail":     {"mysql"},
	"webmail":      mailPages,
	"roundcube":    mailPages,
	"squirrelmail": mailPages,
	"rainloop":     mailPages,
	"snappymail":   mailPages,
	"haproxy":      webPages,
	"nginx":        webPages,
	"monitor":      {ReachAll},
}

var (
	mailPages = []string{"dovecot", "haraka", "mysql"}
	webPages  = []string{"webmail", "roundcube", "rainloop", "snappymail", "squirrelmail"}
)

// UsualReach are the jails that one of that name usually connects to; all of them ask the one called dns.
func UsualReach(name string) []string {
	name = strings.ToLower(name)
	if reach := slices.Clone(usualReach[name]); slices.Contains(reach, ReachAll) {
		return reach
	} else if name != "dns" {
		return append(reach, "dns")
	}
	return nil
}

// Fit leaves out the usual mail host where the layout has none and nobody answered anything of it.
func (s *Site) Fit() {
	if s.Layout == "toaster" {
		s.Hosts = slices.DeleteFunc(s.Hosts, func(h *Host) bool {
			return len(s.Hosts) > 1 && reflect.DeepEqual(*h, Host{Name: h.Name, Role: Mail, System: h.System})
		})
	}
}

// refit leaves out the usual mail host, and brings it back where the layout has one again.
func (s *Site) refit(was string) {
	s.Fit()
	if s.Layout != "toaster" && was == "toaster" && len(s.HostsOf(Mail)) == 0 {
		for _, usual := range Default().HostsOf(Mail) {
			_, _ = s.AddHost(usual.Name, Mail) // another host may have its name
		}
	}
}

// TakeJails takes over what nobody answered here of the jails of a copy in which it is filled in: those that were found, and whom they reach.
// From then on these are answers like others.
func (s *Site) TakeJails(found *Site) {
	for _, j := range found.Clone().Jails {
		switch at := slices.IndexFunc(s.Jails, func(had Jail) bool { return had.Name == j.Name }); {
		case at < 0:
			s.Jails = append(s.Jails, j)
		case len(s.Jails[at].Reach) == 0:
			s.Jails[at].Reach = j.Reach
		}
	}
}

// oneHost wants a single one, which the world meets.
func oneHost(found *problems, s *Site) {
	for _, h := range s.HostsOf(Mail) {
		if len(s.Hosts) > 1 && h.SSH != "" {
			found.add("host.%s.ssh: with layout = toaster the mail server is in the jails of the one host: empty what is answered of this one, or answer layout = proxy", h.Name)
			continue
		}
		found.add("host.%s.role: with layout = toaster there is one host, with role = proxy: the mail server is in its jails", h.Name)
	}
	if n := len(s.HostsOf(Proxy)); n != 1 {
		found.add("host: %d have role = proxy; with layout = toaster there is one", n)
	}
}

// jailServices are what the jails of a site offer to the world, by the usual names of their ports; what is for few only is none.
func jailServices(s *Site) (all []Service) {
	usual := Services(Default())
	for _, j := range s.Jails {
		for _, port := range j.Ports {
			name := j.Name + "-" + strconv.Itoa(port)
			if at := slices.IndexFunc(usual, func(one Service) bool { return one.Port == port }); at >= 0 {
				name = usual[at].Name
			}
			if !Insecure(port) && !slices.ContainsFunc(all, func(one Service) bool { return one.Port == port }) {
				all = append(all, Service{NamedPort: NamedPort{name, "tcp", port}, Over6: j.Address6.IsValid()})
			}
		}
	}
	slices.SortFunc(all, func(a, b Service) int { return a.Port - b.Port })
	return all
}

// Alone says whether a jail reaches no other than those it names.
func (j Jail) Alone() bool { return len(j.Reach) > 0 && !slices.Contains(j.Reach, ReachAll) }

// Reaches says whether a jail may connect to the other of that name.
func (j Jail) Reaches(other string) bool { return !j.Alone() || slices.Contains(j.Reach, other) }

// Addresses are those that it has.
func (j Jail) Addresses() (all []netip.Addr) {
	for _, a := range []netip.Addr{j.Address4, j.Address6} {
		if a.IsValid() {
			all = append(all, a)
		}
	}
	return all
}

func parseReach(in string) (string, error) {
	if in == ReachNone || in == ReachAll {
		return in, nil
	}
	return jailName(in)
}

func jails(found *problems, s *Site) {
	taken := map[netip.Addr]string{}
	public := map[int]string{}
	for _, j := range s.Jails {
		for _, a := range j.Addresses() {
			if other := taken[a]; other != "" {
				found.add("jail.%s: %s is the address of jail %s already", j.Name, a, other)
			}
			taken[a] = j.Name
		}
		for _, p := range j.Ports {
			if other := public[p]; other != "" && other != j.Name {
				found.add("jail.%s.ports: %d goes to jail %s already", j.Name, p, other)
			}
			public[p] = j.Name
		}
		for _, to := range j.Reach {
			switch {
			case to != ReachNone && to != ReachAll:
				if !slices.ContainsFunc(s.Jails, func(o Jail) bool { return o.Name == to }) {
					found.add("jail.%s.reach: there is no jail %q among the answers", j.Name, to)
				}
			case len(j.Reach) > 1:
				found.add("jail.%s.reach: %s, and others: one or the other", j.Name, to)
			}
		}
	}
}

// How who listens at a port begins to speak.
const (
	SpeaksTLS = "tls" // inside TLS from the first byte
	SpeaksNot = ""    // not before it is spoken to, or nobody knows
)

// greetings are the first words of who listens at a usual port.
var greetings = map[int]string{25: "220", 587: "220", 110: "+OK", 143: "* OK", 465: SpeaksTLS, 993: SpeaksTLS, 995: SpeaksTLS, 443: SpeaksTLS}

// Greeting is how who listens at a public port of a jail begins to speak: its first words, SpeaksTLS or SpeaksNot.
func Greeting(port int) string { return greetings[port] }
