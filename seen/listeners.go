package seen

import (
	"cmp"
	"net/netip"
	"slices"
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
var Listeners = register(Fact[[]Listener]{ID: "listeners", ask: either(`need ss || return 3
echo '== sockets'; ss -Hltunp || return 3`, askSockstat),
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
			all = append(all, l)
		}
		return own(all), nil
	}})

// own are the host's own listeners by port: a host tells them in any order, and what is said of them is said alike each time.
func own(all []Listener) []Listener {
	all = slices.DeleteFunc(all, func(l Listener) bool { return l.Process == throwAway })
	slices.SortStableFunc(all, func(a, b Listener) int {
		return cmp.Or(a.Port-b.Port, strings.Compare(a.Proto, b.Proto), a.Addr.Compare(b.Addr))
	})
	return all
}

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

// askSockstat reads who listens on FreeBSD.
const askSockstat = `need sockstat || return 3
echo '== sockstat'; sockstat -46ln || return 3`

// parseSockstat reads USER COMMAND PID FD PROTO LOCAL FOREIGN. It begins at the end: a command's name may have blanks. A socket of
// the kernel's own, such as WireGuard's, has question marks for who holds it.
func parseSockstat(lines []string) ([]Listener, error) {
	var all []Listener
	for _, line := range lines {
		w := strings.Fields(line)
		if len(w) < 7 || w[0] == "USER" {
			continue
		}
		proto, local := w[len(w)-3], w[len(w)-2]
		l := Listener{Proto: strings.TrimRight(proto, "46"), Process: strings.Join(w[1:len(w)-5], " ")}
		if l.Proto != "tcp" && l.Proto != "udp" {
			continue
		}
		var ok bool
		if l.Addr, l.Port, ok = parseSocket(local); !ok {
			continue
		}
		if !l.Addr.IsValid() {
			switch proto[len(l.Proto):] {
			case "4":
				l.Addr = netip.IPv4Unspecified()
			case "6":
				l.Addr = netip.IPv6Unspecified()
			}
		}
		if !Name(l.Process) {
			l.Process = ""
		}
		all = append(all, l)
	}
	return own(all), nil
}
