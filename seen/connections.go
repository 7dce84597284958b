package seen

import (
	"net/netip"
	"slices"
	"strings"
)

// Connection is one of TCP between two addresses, as far as it matters who may connect to whom.
type Connection struct {
	From, To netip.Addr
	Port     int
}

// askConnections prints who is connected to whom among the private addresses and those of jails, or was a moment ago, each once: from the
// sockets of the host, where the server's end is the one that listens, or is none of its own, and from the states of a pf that runs, which tell the direction. Both
// pass through awk first, because a busy host has many of each. A last word says what was told.
const askConnections = `echo '== connections'; { jls -n name ip4.addr ip6.addr 2>/dev/null
	if netstat -anW -p tcp 2>/dev/null || netstat -an -p tcp 2>/dev/null; then echo @ sockets; fi
	if pfctl -s Running >/dev/null 2>&1 && pfctl -ss 2>/dev/null; then echo @ states; fi
} | awk 'function near(a) { return a in own || a ~ /^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|f[cd][0-9a-f][0-9a-f]:)/ }
function port(end) { sub(/.*[.:[]/, "", end); sub(/[])]*$/, "", end); return end }
function host(end) { sub(/[].:[)]*[0-9]+[])]*$/, "", end); sub(/^\(/, "", end); sub(/^::ffff:/, "", end); return end }
function tell(from, to, at,   k) {
	k = from " " to " " at
	if (from == to || !near(from) || !near(to) || k in told) return
	told[k] = 1
	if (++n <= 2000) print k; else if (n == 2001) print "more"
}
$1 ~ /^name=/ { for (i = 2; i <= NF; i++) { sub(/^ip[46]\.addr=/, "", $i); k = split($i, a, ","); for (j = 1; j <= k; j++) own[a[j]] = 1 } next }
$1 == "@" { say[++says] = $2; next }
$1 ~ /^tcp/ { local[host($4)] = 1 }
$1 ~ /^tcp/ && $6 == "LISTEN" { listens[host($4) " " port($4)] = 1; next }
$1 ~ /^tcp/ && $6 ~ /^(ESTABLISHED|CLOSE_WAIT|FIN_WAIT_1|FIN_WAIT_2|CLOSING|LAST_ACK|TIME_WAIT)$/ { if (near(host($4)) && near(host($5))) { here[++ends] = $4; there[ends] = $5 } next }
$2 == "tcp" && $NF ~ /:/ && $NF !~ /SYN_SENT|CLOSED|NO_TRAFFIC|PROXY/ { for (i = 4; i < NF; i++) {
	if ($i ~ /^.-$/) tell(host($(i + 1)), host($3), port($3))
	if ($i ~ /^-.$/) tell(host($(i - 1)), host($(i + 1)), port($(i + 1)))
} }
END { for (i = 1; i <= ends; i++) {
	h = host(here[i]); hp = port(here[i]); t = host(there[i]); tp = port(there[i])
	score = t in local ? 0 : -1
	if ((h " " hp) in listens) score += 4
	else if (("* " hp) in listens) score += 2
	if ((t " " tp) in listens) score -= 4
	else if (t in local && ("* " tp) in listens) score -= 2
	if (0 < score) tell(t, h, hp)
	if (score < 0) tell(h, t, tp)
} for (i = 1; i <= says; i++) print say[i] }'`

// parseConnections reads FROM TO PORT, and what was told: the host's sockets, the states of pf. Where there are more than were printed, neither was.
func parseConnections(lines []string) (all []Connection, sockets, states bool, err error) {
	many := false
	for _, line := range lines {
		switch line {
		case "sockets":
			sockets = true
		case "states":
			states = true
		case "more":
			many = true
		default:
			one, ok := parseConnection(strings.Fields(line))
			if !ok {
				return nil, false, false, odd("connections", line)
			}
			if !slices.Contains(all, one) {
				all = append(all, one)
			}
		}
	}
	return all, sockets && !many, states && !many, nil
}

func parseConnection(w []string) (c Connection, ok bool) {
	if len(w) != 3 {
		return c, false
	}
	from, err := netip.ParseAddr(w[0])
	to, err2 := netip.ParseAddr(w[1])
	c = Connection{From: from, To: to, Port: port(w[2])}
	return c, err == nil && err2 == nil && from.Zone()+to.Zone() == "" && from != to && c.Port > 0
}
