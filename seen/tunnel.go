package seen

import (
	"encoding/base64"
	"net/netip"
	"strings"
	"time"
)

// WireGuard is what runs of the tunnel on one host.
type WireGuard struct {
	Unset  bool // its file is not there: the chapter was not done yet
	Absent bool // WireGuard is not installed
	Link   bool // the interface is there
	Key    string
	Port   int // UDP, that it listens on
	MTU    int
	Now    time.Time // by the host's own clock
	Peers  map[string]*Peer
}

// Peer is the other end as one host knows it.
type Peer struct {
	Handshake time.Time // zero: never
	Rx, Tx    int64     // bytes
	Endpoint  netip.AddrPort
	Allowed   []netip.Prefix
	Keepalive int    // seconds; 0 is off
	Shared    string // what stands for its preshared key, as in files that are read; "" when there is none
}

// Tunnels reads what runs of the tunnel. wg's dump has the private key in it and each peer's preshared one: the shell, which
// shows nothing in an argv, drops the first, and puts in place of the others the hash that stands for them in files.
var Tunnels = register(Fact[WireGuard]{ID: "tunnel", args: tunnelName, ask: tunnelled(both(
	`[ -e /etc/wireguard/@IFACE@.conf ] || echo '== unset'
if [ -e /sys/class/net/@IFACE@ ]; then echo '== link'; ip -o link show dev @IFACE@; fi
command -v wg >/dev/null || { none absent; return; }
[ -e /sys/class/net/@IFACE@ ] || { none down; return; }
digest() { sha256sum; }`,
	`[ -e `+WireGuardBSD+`/@IFACE@.conf ] || echo '== unset'
l=$(ifconfig @IFACE@ 2>/dev/null) && { echo '== link'; echo "$l"; }
command -v wg >/dev/null || { none absent; return; }
[ "$l" ] || { none down; return; }
digest() { sha256 -q; }`) + `
echo '== now'; date +%s
wg show @IFACE@ dump 2>/dev/null | {
	if read -r private public port mark; then private=; echo '== interface'; echo "$public $port"; fi
	echo '== peers'
	while read -r peer shared endpoint allowed at rx tx alive; do
		if [ "$shared" = '(none)' ]; then shared=none; else shared=$(printf %s "$shared" | digest | cut -c1-16); fi
		echo "$peer $endpoint $allowed $at $rx $tx $alive ${shared:-unknown}"
	done
}`), parse: parseTunnel})

func parseTunnel(s sections) (WireGuard, error) {
	w := WireGuard{Unset: s.has("unset"), Absent: s.has("absent"), Link: s.has("link"), Peers: map[string]*Peer{}}
	words := strings.Fields(s.one("link"))
	for i := range words {
		if words[i] == "mtu" && i+1 < len(words) {
			w.MTU = int(number(words[i+1]))
		}
	}
	now := number(s.one("now"))
	if w.Absent || !w.Link || !s.has("interface") {
		return w, nil
	}
	f := strings.Fields(s.one("interface"))
	if len(f) != 2 || now == 0 || now > 1<<40 || (f[0] != "(none)" && !IsKey(f[0])) {
		return WireGuard{}, odd("wg show", s.one("interface"))
	}
	if w.Now, w.Port = time.Unix(now, 0), port(f[1]); f[0] != "(none)" {
		w.Key = f[0]
	}
	for _, line := range s.lines("peers") {
		f := strings.Fields(line)
		if len(f) != 8 || !IsKey(f[0]) {
			return WireGuard{}, odd("wg show", line)
		}
		p := &Peer{Rx: number(f[4]), Tx: number(f[5]), Keepalive: int(number(f[6]))}
		p.Endpoint, _ = netip.ParseAddrPort(f[1])
		if f[7] != "none" {
			p.Shared = Redacted + f[7]
		}
		for _, one := range strings.Split(f[2], ",") {
			p.Allowed = append(p.Allowed, network(one)...)
		}
		if at := number(f[3]); at > 0 && at < 1<<40 {
			p.Handshake = time.Unix(at, 0)
		}
		w.Peers[f[0]] = p
	}
	return w, nil
}

// Redacted begins what stands for a secret in a file that was read, its hash behind it.
const Redacted = "redacted:"

// Runs says whether the interface runs as one of WireGuard's, which has told what it is.
func (w WireGuard) Runs() bool { return !w.Absent && w.Link && !w.Now.IsZero() }

// To is the peer that a host reaches an address through, and its key.
func (w WireGuard) To(a netip.Addr) (key string, p *Peer) {
	best := -1
	for k, one := range w.Peers {
		for _, prefix := range one.Allowed {
			if prefix.Contains(a) && prefix.Bits() > best {
				key, p, best = k, one, prefix.Bits()
			}
		}
	}
	return key, p
}

// IsKey says whether s is a WireGuard key in its one text form: 32 bytes in base64.
func IsKey(s string) bool {
	raw, err := base64.StdEncoding.Strict().DecodeString(s)
	return err == nil && len(raw) == 32 && len(s) == 44
}
