package seen

import (
	"net/netip"
	"strings"
)

// Mailer is a Postfix of the host.
type Mailer struct {
	Absent    bool
	Active    bool              // its unit is, or its container runs
	Container string            // the one that it runs in; "" for the host's own
	Set       map[string]string // its settings by name, defaults too, with what they refer to filled in
}

// Postfix reads what the host's Postfix is set to, as far as it matters for who may hand it mail and where that goes. Where none of the
// host's own runs, it is the one in the container that has its port.
var Postfix = register(Fact[Mailer]{ID: "postfix", ask: ofMail(`settings='postconf -x myhostname mynetworks relayhost inet_interfaces inet_protocols smtpd_authorized_xclient_hosts smtpd_tls_chain_files smtpd_tls_cert_file smtpd_tls_eccert_file smtpd_tls_dcert_file'
active=
if command -v postconf >/dev/null; then active=$(systemctl is-active postfix.service 2>/dev/null); fi
if [ "$active" != active ]; then
	within=
	if command -v docker >/dev/null; then within=$(publishes | head -n 1); fi
	if [ -n "$within" ] && said=$(timeout 10 docker exec "$within" $settings 2>/dev/null); then
		echo '== container'; echo "$within"; echo '== settings'; echo "$said"; echo '== end'; return
	fi
fi
command -v postconf >/dev/null || { none absent; return; }
echo '== active'; echo "$active"
echo '== settings'; $settings 2>/dev/null`),
	parse: func(s sections) (Mailer, error) {
		if s.has("absent") {
			return Mailer{Absent: true}, nil
		}
		m := Mailer{Active: s.one("active") == "active", Set: map[string]string{}}
		if s.has("container") {
			if m.Container, m.Active = s.one("container"), true; !containerName.MatchString(m.Container) {
				return Mailer{}, odd("docker ps", m.Container)
			}
		}
		for _, line := range s.lines("settings") {
			name, value, ok := strings.Cut(line, "=")
			if !ok {
				return Mailer{}, odd("postconf", line)
			}
			m.Set[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
		if m.Set["myhostname"] == "" {
			return Mailer{}, odd("postconf", s.one("settings"))
		}
		return m, nil
	}})

// Words are what a list setting names, in order.
func (m Mailer) Words(name string) []string {
	return strings.FieldsFunc(m.Set[name], func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
}

// Believes gives the words of mynetworks that hold an address: from there mail is taken for anybody. A word that is no network, such as
// a table, holds whatever it likes: it is in unsure.
func (m Mailer) Believes(a netip.Addr) (in, unsure []string) {
	for _, word := range m.Words("mynetworks") {
		switch p, ok := Prefix(plainNetwork(word)); {
		case !ok:
			unsure = append(unsure, word)
		case p.Contains(a):
			in = append(in, word)
		}
	}
	return in, unsure
}

// plainNetwork is a network as Postfix writes it, without brackets; one of IPv4 that is dressed up as IPv6 is that of IPv4.
func plainNetwork(word string) string {
	p, err := netip.ParsePrefix(strings.NewReplacer("[", "", "]", "").Replace(word))
	switch {
	case err != nil:
		return word
	case p.Addr().Is4In6() && p.Bits() >= 96:
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.String()
}
