package seen

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"postern/remote"
	"postern/site"
)

// Path is how large a packet may be on the way to an address, in bytes.
type Path struct {
	Skipped bool // there is a configuration of ours, which has an answer already that is no guess
	Reply   int  // the largest that was answered; 0 when none was
	Limit   int  // the smallest limit that a router on the way named; 0 when none did
}

// Sizes that are worth a try on the way between two hosts: Ethernet, PPPoE, and the usual tunnels below them.
var pathSizes = []int{1500, 1492, 1480, 1472, 1460, 1452, 1440, 1420, 1400, 1380, 1360, 1340, 1300, 1280}

// GuessedMTU is what a tunnel gets whose path could not be measured: every path carries it (RFC 8200, section 5). It stays a guess
// that is measured again.
const GuessedMTU = 1280

// PathTo measures the way to another host outside the tunnel, by pings that must not be fragmented, all sizes at once. What is not
// answered is asked four times, a second and more apart: a network that was away for a moment says nothing of its size. It is
// skipped where a configuration of ours has an answer already that is more than the guess.
func PathTo(target netip.Addr) Fact[Path] {
	return pings("path", target, pathSizes, "-c 1 -W 1", 4, both(`c=/etc/wireguard/@IFACE@.conf`, `c=`+WireGuardBSD+`/@IFACE@.conf`)+`
case $(grep -s -e '^@MARK@' -e '^MTU = `+strconv.Itoa(GuessedMTU)+`$' "$c") in *'MTU = '*) ;; '@MARK@'*) none skipped; return ;; esac
command -v ping >/dev/null || { none noping; return; }
`)
}

// Through measures which sizes get through the tunnel to its other end.
func Through(target netip.Addr, sizes []int) Fact[Path] {
	return pings("ping", target, sizes, "-c 2 -i 0.3 -W 2", 1, "need ping || return 3\n")
}

func pings(fact string, target netip.Addr, sizes []int, how string, tries int, before string) Fact[Path] {
	family, header := "-4", 28 // of IP and ICMP
	if target.Is6() {
		family, header = "-6", 48
	}
	var list []string
	for _, n := range sizes {
		list = append(list, strconv.Itoa(n))
	}
	// FreeBSD's counts in milliseconds, and says "frag needed and DF set (MTU 1400)"; over IPv6 it has another way, which is not asked for.
	bsd := strings.NewReplacer("-W 1", "-W 1000", "-W 2", "-W 2000").Replace(how) + " -D"
	if target.Is6() {
		before += both(":", "none noping; return") + "\n"
	}
	ask := before + both("how='"+family+" -n "+how+" -M do'", "how='"+family+" -n "+bsd+"'") + `
left='` + strings.Join(list, " ") + `' lf='
'
echo '== sizes'
for t in ` + strings.Join(strings.Split("1234"[:tries], ""), " ") + `; do
	[ "$t" = 1 ] || sleep 1
	told=$(for s in $left; do ping $how -s $((s - ` + strconv.Itoa(header) + `)) ` + remote.Quote(target.String()) + ` & done 2>&1; wait)
	l=
	case $told in *mtu* | *MTU*) l=$(printf '%s\n' "$told" | sed -n 's/.*mtu *= *\([0-9][0-9]*\).*/\1/p; s/.*DF set (MTU \([0-9][0-9]*\)).*/\1/p' | sort -n | head -n 1) ;; esac
	again=
	for s in $left; do
		case $lf$told in
		*"$lf$((s - ` + strconv.Itoa(header-8) + `)) bytes from "*) echo "reply $s" ;;
		*) if [ "$l" ] && [ "$s" -gt "$l" ]; then echo "limit $l"; else again="$again $s"; fi ;;
		esac
	done
	left=$again
	[ "$left" ] || break
done
for s in $left; do echo 'limit '; done`
	return Fact[Path]{ID: fact, args: func(*site.Site) string { return strings.Join(append([]string{target.String()}, list...), " ") },
		ask: tunnelled(ask), parse: func(s sections) (Path, error) {
			p := Path{Skipped: s.has("skipped")}
			if !p.Skipped && !s.has("noping") && !s.has("sizes") {
				return p, fmt.Errorf("ping was not asked")
			}
			for _, line := range s.lines("sizes") {
				kind, rest, _ := strings.Cut(line, " ")
				n, err := strconv.Atoi(strings.TrimSpace(rest))
				switch {
				case kind == "limit" && rest == "":
				case err != nil, kind == "reply" && !slices.Contains(sizes, n):
					return Path{}, odd("ping", line)
				case kind == "reply":
					p.Reply = max(p.Reply, n)
				case kind == "limit" && n >= 576 && n <= 65535 && (p.Limit == 0 || n < p.Limit):
					p.Limit = n
				}
			}
			return p, nil
		}}
}
