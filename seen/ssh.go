package seen

import (
	"net/netip"
	"slices"
	"strings"

	"postern/remote"
	"postern/site"
)

// Access is how one gets into a host by SSH.
type Access struct {
	Client netip.AddrPort // where the connection that asked comes from; invalid when the host does not tell
	Server netip.AddrPort // where it goes to
	Ports  []int          // of this connection, then those sshd is configured for, then those it listens on
	Watch  []string       // who turns away those that connect too often or wrongly: fail2ban, sshguard, crowdsec, blacklistd, sshd's own penalties
}

// SSH reads how one gets in. It asks for the listeners too, because sshd may listen elsewhere than its file says.
var SSH = ssh{register(Fact[Access]{ID: "ssh", ask: text(
	`echo '== connection'; printf '%s\n' "${SSH_CONNECTION-}"
echo '== sshd'; sshd -T 2>/dev/null
echo '== watch'
` + both(`w=
for u in fail2ban sshguard crowdsec; do
	if [ -e "/lib/systemd/system/$u.service" ] || [ -e "/etc/systemd/system/$u.service" ] || [ -e "/etc/init.d/$u" ]; then w="$w $u"; fi
done
for w in $w; do systemctl -q is-active "$w" 2>/dev/null && echo "$w"; done`, `for w in fail2ban sshguard crowdsec blacklistd; do service "$w" onestatus >/dev/null 2>&1 && echo "$w"; done`)), parse: parseAccess})}

type ssh struct{ Fact[Access] }

// Reads is what must be asked of a host for the fact.
func (f ssh) Reads(s *site.Site, h *site.Host) []remote.Query {
	return append(f.Fact.Reads(s, h), Listeners.Reads(s, h)...)
}

// Of is the fact as the host told it.
func (f ssh) Of(facts remote.Facts) (Access, error) {
	a, err := f.Fact.Of(facts)
	if err != nil {
		return Access{}, err
	}
	listeners, err := Listeners.Of(facts)
	for _, l := range listeners {
		if l.Proto == "tcp" && l.Process == "sshd" && !l.Addr.IsLoopback() { // loopback: X11 forwarding
			a.leads(l.Port)
		}
	}
	return a, err
}

func parseAccess(s sections) (Access, error) {
	var a Access
	if w := strings.Fields(s.one("connection")); len(w) == 4 {
		client, ok := endpoint(w[0], w[1])
		server, ok2 := endpoint(w[2], w[3])
		if ok && ok2 {
			a.Client, a.Server = client, server
			a.leads(int(server.Port()))
		}
	}
	for _, line := range s["sshd"] {
		if w := strings.Fields(line); len(w) == 2 && strings.EqualFold(w[0], "port") {
			a.leads(port(w[1]))
		} else if len(w) > 1 && strings.EqualFold(w[0], "persourcepenalties") && w[1] != "no" {
			a.Watch = append(a.Watch, "sshd's PerSourcePenalties")
		}
	}
	for _, name := range s.lines("watch") {
		if Name(name) {
			a.Watch = append(a.Watch, name)
		}
	}
	return a, nil
}

func (a *Access) leads(port int) {
	if port > 0 && !slices.Contains(a.Ports, port) {
		a.Ports = append(a.Ports, port)
	}
}

// endpoint is an address and a port that stand apart; a zone is left out, and IPv4 in IPv6 taken out.
func endpoint(addr, number string) (netip.AddrPort, bool) {
	a, err := netip.ParseAddr(addr)
	n := port(number)
	if err != nil || n == 0 {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(a.WithZone("").Unmap(), uint16(n)), true
}
