package seen

import (
	"net/netip"
	"strings"

	"postern/remote"
	"postern/site"
)

// Address4 reads which IPv4 addresses a name of others leads to, as the host looks it up; none where it finds none.
func Address4(name string) Fact[[]netip.Addr] {
	return Fact[[]netip.Addr]{ID: "lookup", args: func(*site.Site) string { return name },
		ask: text("need getent\necho '== addresses'; timeout 10 getent ahostsv4 " + remote.Quote(name)),
		parse: func(s sections) (all []netip.Addr, err error) {
			for _, line := range s.lines("addresses") {
				word, rest, _ := strings.Cut(line, " ")
				if a, err := netip.ParseAddr(word); err == nil && a.Is4() && strings.Contains(rest, "STREAM") {
					all = append(all, a)
				}
			}
			return all, nil
		}}
}
