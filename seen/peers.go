package seen

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"postern/site"
)

// Peers reads who is connected to a port of a host: in its own network, and in that of each container which the port leads to.
func Peers(of int) Fact[map[netip.AddrPort]bool] {
	at := strconv.Itoa(of)
	return Fact[map[netip.AddrPort]bool]{ID: "peers", args: func(*site.Site) string { return at },
		ask: text(strings.ReplaceAll(both(`need ss || return 3
echo '== peers'
ss -Htn state established "( sport = :@PORT@ )"
if command -v docker >/dev/null && command -v nsenter >/dev/null; then
	for id in $(timeout 5 docker ps -q 2>/dev/null); do
		pid=$(timeout 5 docker inspect -f '{{.State.Pid}}' "$id" 2>/dev/null)
		inside=$(timeout 5 docker port "$id" 2>/dev/null | awk -v p=':@PORT@$' '$3 ~ p {sub("/.*", "", $1); print $1}' | sort -u)
		for p in $inside; do nsenter -t "$pid" -n ss -Htn state established "( sport = :$p )"; done
	done
fi`, `need sockstat || return 3
echo '== peers'; sockstat -46cn -P tcp -p @PORT@ | awk '$NF ~ /:[0-9]+$/ && $(NF-1) ~ /:@PORT@$/ {
	l = $(NF-1); f = $NF
	n = split(f, p, ":"); a = substr(f, 1, length(f) - length(p[n]) - 1)
	sub("%.*", "", a); if (a ~ /:/ && a !~ /^\[/) a = "[" a "]"
	print "0 0", l, a ":" p[n]
}' || return 3`), "@PORT@", at)),
		parse: func(s sections) (map[netip.AddrPort]bool, error) {
			if !s.has("peers") {
				return nil, fmt.Errorf("ss gave no answer")
			}
			peers := map[netip.AddrPort]bool{}
			for _, line := range s["peers"] {
				if w := strings.Fields(line); len(w) >= 4 {
					if p, err := netip.ParseAddrPort(w[3]); err == nil {
						peers[netip.AddrPortFrom(p.Addr().Unmap(), p.Port())] = true
					}
				}
			}
			return peers, nil
		}}
}
