package seen

import (
	"net/netip"
	"strings"
)

// askSockstat reads who listens on FreeBSD.
const askSockstat = `need sockstat
echo '== sockstat'; sockstat -46ln || exit 3`

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
		if l.Process != throwAway {
			all = append(all, l)
		}
	}
	return all, nil
}
