package steps

import (
	"encoding/base64"
	"net/netip"
	"strconv"
	"strings"

	"postern/remote"
	"postern/site"
)

const wireguardDir = "/etc/wireguard/"

func confPath(iface string) string { return wireguardDir + iface + ".conf" }
func keyPath(iface string) string  { return wireguardDir + iface + ".key" }
func wgUnit(iface string) string   { return "wg-quick@" + iface + ".service" }

// keyOf prints the private key that stands in a wg-quick file, for a pipe on its host and nothing else.
func keyOf(conf string) string {
	return `sed -n 's/^[[:space:]]*[Pp][Rr][Ii][Vv][Aa][Tt][Ee][Kk][Ee][Yy][[:space:]]*=[[:space:]]*\([A-Za-z0-9+\/=]*\).*/\1/p' ` + remote.Quote(conf) + ` | head -n 1`
}

// tunnelReads are what the tunnel's plan wants to know of a host beside SeenReads. No private key leaves the host: public
// ones are made of them there.
func tunnelReads(s *site.Site, h *site.Host) []remote.Query {
	iface := s.Tunnel.Interface
	conf, key, dev := remote.Quote(confPath(iface)), remote.Quote(keyPath(iface)), remote.Quote(iface)
	queries := []remote.Query{
		remote.ReadFile(confPath(iface)),
		remote.ReadRun("wireguard.keys", `if [ -s `+key+` ]; then echo "file $(wg pubkey < `+key+` 2>/dev/null)"; fi
if [ -e `+conf+` ]; then echo "conf $(`+keyOf(confPath(iface))+` | wg pubkey 2>/dev/null)"; fi`),
		remote.ReadRun("wireguard.running", `if ip link show dev `+dev+` >/dev/null 2>&1; then echo link; fi
echo "key $(wg show `+dev+` public-key 2>/dev/null)"
echo "port $(wg show `+dev+` listen-port 2>/dev/null)"
wg show `+dev+` allowed-ips 2>/dev/null | tr -d ',' | sed 's/^/peer /'
ip -4 rule show pref `+tableText+` 2>/dev/null | sed 's/^/rule /'
ip -6 rule show pref `+tableText+` 2>/dev/null | sed 's/^/rule6 /'
if iptables -w -t mangle -C PREROUTING -j `+markChain+` 2>/dev/null; then echo chain; fi
echo "valid_mark $(cat /proc/sys/net/ipv4/conf/all/src_valid_mark 2>/dev/null)"; true`),
		remote.ReadRun("wireguard.units", `systemctl show -p Id,LoadState,ActiveState,UnitFileState `+remote.Quote(wgUnit(iface))+` `+strings.Join(guideUnits, " ")+` 2>/dev/null
if ls /etc/rc[2-5].d/S*wireguard-setup >/dev/null 2>&1; then printf '\nId=`+guideInit+`\nLoadState=loaded\nUnitFileState=enabled\n'; fi; true`),
		remote.ReadRun("wireguard.ours", `cd `+wireguardDir+` 2>/dev/null || exit 0
for f in $(grep -ls '^`+beginMark+`' ./*.conf); do i=${f#./}; i=${i%.conf}
echo "$i $(systemctl is-active "wg-quick@$i") $(systemctl is-enabled "wg-quick@$i" 2>/dev/null)"; done; true`),
	}
	queries = append(queries, guideReads()...)
	if h.Role == site.Mail {
		queries = append(queries, remote.ReadFile(dockerDropIn))
		if p, ok := pathRead(s); ok {
			queries = append(queries, p)
		}
	}
	return queries
}

// unitState is what systemd says of one unit.
type unitState struct {
	Loaded  bool // systemd knows a file for it
	Active  bool
	Enabled bool
}

// tunnelSeen is what a look told about the tunnel on one host.
type tunnelSeen struct {
	Conf    *remote.File // nil when absent
	Known   bool         // somebody looked at Conf, and it could be read
	FileKey string       // the public key of the key file; "" when there is none
	ConfKey string       // the public key of a PrivateKey that stands in Conf
	Link    bool         // the interface exists
	Key     string       // its public key
	Port    int          // UDP port it listens on
	Peers   map[string][]netip.Prefix
	Rules   []string // policy rules at our preference, IPv4
	Rules6  []string
	Chain   bool // our chain is hooked in
	Marked  bool // net.ipv4.conf.all.src_valid_mark is on
	Units   map[string]unitState
	Ours    map[string]unitState // interfaces of ours, by name
}

func seeTunnel(s *site.Site, f remote.Facts) tunnelSeen {
	t := tunnelSeen{Peers: map[string][]netip.Prefix{}}
	t.Conf, t.Known = f.File(confPath(s.Tunnel.Interface))
	get := func(id string) string { out, _ := f.Get(id); return out }
	for _, line := range lines(get("wireguard.keys")) {
		switch kind, key := pair(line); {
		case !validKey(key):
		case kind == "file":
			t.FileKey = key
		case kind == "conf":
			t.ConfKey = key
		}
	}
	for _, line := range lines(get("wireguard.running")) {
		kind, rest := pair(line)
		switch kind {
		case "link":
			t.Link = true
		case "key":
			if validKey(rest) {
				t.Key = rest
			}
		case "port":
			t.Port, _ = strconv.Atoi(rest)
		case "peer":
			if f := strings.Fields(rest); len(f) > 0 && validKey(f[0]) {
				t.Peers[f[0]] = prefixes(f[1:])
			}
		case "rule":
			t.Rules = append(t.Rules, ruleText(rest))
		case "rule6":
			t.Rules6 = append(t.Rules6, ruleText(rest))
		case "chain":
			t.Chain = true
		case "valid_mark":
			t.Marked = rest == "1"
		}
	}
	t.Units = parseUnits(get("wireguard.units"))
	if t.Units[guideInit].Enabled { // systemd shows an init script as generated, enabled or not
		u := t.Units[guideUnits[1]]
		u.Loaded, u.Enabled = true, true
		t.Units[guideUnits[1]] = u
	}
	t.Ours = map[string]unitState{}
	for _, line := range lines(get("wireguard.ours")) {
		if f := strings.Fields(line); len(f) >= 2 && word(f[0]) && len(f[0]) < 16 {
			t.Ours[f[0]] = unitState{Loaded: true, Active: f[1] == "active", Enabled: len(f) > 2 && f[2] == "enabled"}
		}
	}
	return t
}

func pair(line string) (first, rest string) {
	first, rest, _ = strings.Cut(strings.TrimSpace(line), " ")
	return first, strings.TrimSpace(rest)
}

// validKey says whether s is a WireGuard key in its one text form: 32 bytes in base64.
func validKey(s string) bool {
	raw, err := base64.StdEncoding.Strict().DecodeString(s)
	return err == nil && len(raw) == 32 && len(s) == 44
}

func prefixes(words []string) []netip.Prefix {
	var all []netip.Prefix
	for _, w := range words {
		if p, ok := parsePrefix(w); ok {
			all = append(all, p)
		}
	}
	return all
}

// ruleText drops the preference that `ip rule` prints first, and spaces out the rest once.
func ruleText(line string) string {
	_, rest, _ := strings.Cut(line, ":")
	return strings.Join(strings.Fields(rest), " ")
}

// parseUnits reads `systemctl show -p Id,LoadState,ActiveState,UnitFileState`: blocks of lines, divided by empty ones.
func parseUnits(text string) map[string]unitState {
	units := map[string]unitState{}
	for _, block := range strings.Split(strings.Join(lines(text), "\n"), "\n\n") {
		var u unitState
		id := ""
		for _, line := range strings.Split(block, "\n") {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			switch key {
			case "Id":
				id = value
			case "LoadState":
				u.Loaded = value == "loaded"
			case "ActiveState":
				u.Active = value == "active" || value == "activating"
			case "UnitFileState":
				u.Enabled = value == "enabled"
			}
		}
		if id != "" {
			units[id] = u
		}
	}
	return units
}
