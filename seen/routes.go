package seen

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Route is one route of the main table.
type Route struct {
	To     netip.Prefix // 0.0.0.0/0 and ::/0 are default routes
	Device string       // "" for a route that drops
	Source netip.Addr   // the address that the host speaks from over it, where the route says so
}

// parseRoutes reads `ip -o route` of one family, and finds the best default route.
func parseRoutes(lines []string, any netip.Addr) (all []Route, way Route) {
	best := -1
	for _, line := range lines {
		w := strings.Fields(line)
		if len(w) > 0 && slices.Contains([]string{"unicast", "unreachable", "blackhole", "prohibit", "throw"}, w[0]) {
			w = w[1:]
		}
		if len(w) == 0 {
			continue
		}
		to, ok := Prefix(w[0])
		if w[0] == "default" {
			to, ok = netip.PrefixFrom(any, 0), true
		}
		if !ok {
			continue
		}
		r, metric := Route{To: to.Masked()}, 0
		for i := 1; i+1 < len(w); i++ {
			switch {
			case w[i] == "dev" && r.Device == "" && Name(w[i+1]):
				r.Device = w[i+1]
			case w[i] == "src":
				r.Source, _ = netip.ParseAddr(w[i+1])
			case w[i] == "metric":
				metric, _ = strconv.Atoi(w[i+1])
			}
		}
		all = append(all, r)
		if r.To.Bits() == 0 && r.Device != "" && (best < 0 || metric < best) {
			best, way = metric, r
		}
	}
	return all, way
}
