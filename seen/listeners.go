package seen

import (
	"net/netip"
	"strings"
)

// Listener is one TCP or UDP socket that waits for others.
type Listener struct {
	Proto   string
	Addr    netip.Addr // invalid: every address of both families
	Port    int
	Process string // may be empty
}

// Everywhere says whether it listens on every address, of one family at least.
func (l Listener) Everywhere() bool { return !l.Addr.IsValid() || l.Addr.IsUnspecified() }

// throwAway is what the process of our own throw-away listeners calls itself (remote/listen.pl). They are none of the host's,
// whichever run of ours they belong to.
const throwAway = "postern-listen"

// Listeners reads who listens on a host, but for ourselves.
var Listeners = register(Fact[[]Listener]{ID: "listeners", ask: either(`need ss
echo '== sockets'; ss -Hltunp || exit 3`, askSockstat),
	parse: func(s sections) ([]Listener, error) {
		if s.has("sockstat") {
			return parseSockstat(s["sockstat"])
		}
		var all []Listener
		for _, line := range s["sockets"] {
			w := strings.Fields(line)
			if len(w) < 6 || (w[0] != "tcp" && w[0] != "udp") {
				continue
			}
			addr, port, ok := parseSocket(w[4])
			if !ok {
				continue
			}
			l := Listener{Proto: w[0], Addr: addr, Port: port}
			if _, rest, ok := strings.Cut(line, `users:(("`); ok {
				if name, _, ok := strings.Cut(rest, `"`); ok && Name(name) {
					l.Process = name
				}
			}
			if l.Process != throwAway {
				all = append(all, l)
			}
		}
		return all, nil
	}})

// parseSocket reads an address as ss prints it: 0.0.0.0:22, [::]:22, *:22, 127.0.0.1%lo:53.
func parseSocket(text string) (addr netip.Addr, number int, ok bool) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return addr, 0, false
	}
	if number = port(text[i+1:]); number == 0 {
		return addr, 0, false
	}
	host, _, _ := strings.Cut(strings.Trim(text[:i], "[]"), "%")
	host = strings.TrimSuffix(host, "]")
	if host == "*" {
		return addr, number, true
	}
	addr, err := netip.ParseAddr(host)
	return addr.Unmap(), number, err == nil
}
