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
	queries := []remote.Query{
		remote.ReadFile(confPath(iface)),
		remote.ReadRun("wireguard.keys", keysScript(iface)),
		remote.ReadRun("wireguard.running", runningScript(s, h)),
		remote.ReadRun("wireguard.units", unitsScript(iface)),
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

// keysScript prints the public keys: of the key file, and of a hand-made configuration that holds its key itself.
func keysScript(iface string) string {
	conf, key := remote.Quote(confPath(iface)), remote.Quote(keyPath(iface))
	return `if [ -s ` + key + ` ]; then echo "file $(wg pubkey < ` + key + ` 2>/dev/null)"; fi
l=; if [ -e ` + conf + ` ]; then read -r l < ` + conf + `; fi
case $l in '` + beginMark + `'*) ;; *) if [ -e ` + conf + ` ]; then echo "conf $(` + keyOf(confPath(iface)) + ` | wg pubkey 2>/dev/null)"; fi ;; esac`
}

// runningScript prints what runs. wg's dump has the private key in it: the shell drops it there.
func runningScript(s *site.Site, h *site.Host) string {
	dev, script := remote.Quote(s.Tunnel.Interface), ""
	if preserves(s, h) {
		script = "read -r v < /proc/sys/net/ipv4/conf/all/src_valid_mark; echo \"valid_mark $v\"\n"
	}
	script += `if [ ! -e /sys/class/net/` + dev + ` ]; then exit 0; fi
echo link
wg show ` + dev + ` dump 2>/dev/null | { if read -r private key port fwmark; then private=; echo "key $key"; echo "port $port"; fi
while read -r key preshared endpoint allowed rest; do preshared=; echo "peer $key $allowed"; done; }`
	if preserves(s, h) {
		script += "\nip -4 rule show pref " + tableText
		if s.Tunnel.Network6.IsValid() {
			script += "\nip -6 rule show pref " + tableText
		}
		script += "\nif iptables -w -t mangle -C PREROUTING -j " + markChain + " 2>/dev/null; then echo chain; fi"
	}
	return script
}

// unitsScript prints what systemd says of our unit, of those of the guide, and of those of ours under another name.
func unitsScript(iface string) string {
	return `u=` + remote.Quote(strings.Join(append(guideUnits, wgUnit(iface)), " ")) + `
for f in ` + wireguardDir + `*.conf; do
[ -r "$f" ] && read -r l < "$f" || continue
i=${f##*/}; i=${i%.conf}
case $i in *[!a-zA-Z0-9_=+.-]*) continue ;; esac
case $l in '` + beginMark + `'*) u="$u wg-quick@$i.service"; echo "ours $i" ;; esac
done; echo
systemctl show -p Id,LoadState,ActiveState,UnitFileState $u 2>/dev/null
for f in /etc/rc[2-5].d/S*wireguard-setup; do if [ -e "$f" ]; then printf '\nId=` + guideInit + `\nLoadState=loaded\nUnitFileState=enabled\n'; break; fi; done; true`
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
	Rules   []string // policy rules at our preference, IPv4; looked at where we make them
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
	t.parseRunning(get("wireguard.running"))
	units := get("wireguard.units")
	t.Units = parseUnits(units)
	if t.Units[guideInit].Enabled { // systemd shows an init script as generated, enabled or not
		u := t.Units[guideUnits[1]]
		u.Loaded, u.Enabled = true, true
		t.Units[guideUnits[1]] = u
	}
	t.Ours = map[string]unitState{}
	for _, line := range lines(units) {
		if kind, name := pair(line); kind == "ours" && word(name) && len(name) < 16 {
			t.Ours[name] = t.Units[wgUnit(name)]
		}
	}
	return t
}

// parseRunning reads what runningScript prints.
func (t *tunnelSeen) parseRunning(text string) {
	for _, line := range lines(text) {
		switch kind, rest := pair(line); {
		case kind == "link":
			t.Link = true
		case kind == "key" && validKey(rest):
			t.Key = rest
		case kind == "port":
			t.Port, _ = strconv.Atoi(rest)
		case kind == "peer":
			if f := strings.Fields(strings.ReplaceAll(rest, ",", " ")); len(f) > 0 && validKey(f[0]) {
				t.Peers[f[0]] = prefixes(f[1:])
			}
		case strings.HasSuffix(kind, ":") && strings.Contains(rest, "lookup"):
			if _, net, _ := strings.Cut(rest, "from "); strings.Contains(net, ":") {
				t.Rules6 = append(t.Rules6, strings.Join(strings.Fields(rest), " "))
			} else {
				t.Rules = append(t.Rules, strings.Join(strings.Fields(rest), " "))
			}
		case kind == "chain":
			t.Chain = true
		case kind == "valid_mark":
			t.Marked = rest == "1"
		}
	}
}

func pair(line string) (first, rest string) {
	line = strings.TrimSpace(line)
	if i := strings.IndexAny(line, " \t"); i >= 0 {
		return line[:i], strings.TrimSpace(line[i:])
	}
	return line, ""
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
