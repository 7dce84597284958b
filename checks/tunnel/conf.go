package tunnel

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"postern/remote"
	"postern/seen"
)

// conf is what a wg-quick file says, as far as it can be compared with what runs.
type conf struct {
	port, mtu int
	table     string
	addresses []netip.Prefix
	private   bool     // a private key stands in it
	commands  []string // that bring the interface up, its name in place
	peers     map[string]*confPeer
	strange   []string // settings whose effect is not judged
}

// confPeer is a peer as the file has it. Its endpoint may be a name.
type confPeer struct {
	seen.Peer
	endpoint string
}

// understood are the settings of a file that are compared, or that change nothing of what is asked here.
var understood = map[string][]string{
	"interface": {"address", "listenport", "mtu", "table", "privatekey", "preup", "postup", "predown", "postdown", "dns", "saveconfig"},
	"peer":      {"publickey", "presharedkey", "endpoint", "allowedips", "persistentkeepalive"},
}

func confOf(iface, text string) conf {
	c := conf{peers: map[string]*confPeer{}}
	for _, sec := range seen.ParseConf(text) {
		for _, line := range sec.Lines {
			if key, value := seen.ConfSetting(line); value != "" && !slices.Contains(understood[sec.Name], key) {
				c.strange = append(c.strange, remote.Clean(key).Line(40))
			}
		}
		switch sec.Name {
		case "interface":
			c.port, c.mtu = max(c.port, number(sec.Get("listenport"))), max(c.mtu, number(sec.Get("mtu")))
			c.table, c.private = cmp.Or(sec.Get("table"), c.table), c.private || sec.Get("privatekey") != ""
			c.addresses = append(c.addresses, prefixes(sec.All("address"))...)
			for _, line := range sec.Lines {
				key, value := seen.ConfSetting(line)
				if key != "preup" && key != "postup" {
					continue
				}
				if c.commands = append(c.commands, strings.ReplaceAll(value, "%i", iface)); strings.Contains(value, "preshared-key") {
					c.strange = append(c.strange, "a preshared key that a command sets")
				}
			}
		case "peer":
			p := &confPeer{endpoint: sec.Get("endpoint")}
			p.Keepalive, p.Shared = number(sec.Get("persistentkeepalive")), sec.Get("presharedkey")
			p.Endpoint, _ = netip.ParseAddrPort(p.endpoint)
			for _, a := range prefixes(sec.All("allowedips")) {
				p.Allowed = append(p.Allowed, a.Masked())
			}
			c.peers[sec.Get("publickey")] = p
		}
	}
	return c
}

func prefixes(texts []string) (all []netip.Prefix) {
	for _, one := range texts {
		if p, ok := seen.Prefix(one); ok {
			all = append(all, p)
		}
	}
	return all
}

var setsKey = regexp.MustCompile(`^wg set \S+ private-key (\S+)$`)

// key is the public key that the file will give the interface; why says what is wrong with it, or why it cannot be told.
func (c conf) key(file string, keys seen.PublicKeys) (key, why string, told bool) {
	from := ""
	for _, line := range c.commands {
		if set := setsKey.FindStringSubmatch(line); set != nil {
			from = set[1]
		}
	}
	switch {
	case from == file && keys.File == "":
		return "", file + " holds no key", true
	case from == file:
		return keys.File, "", true
	case from != "":
		return "", "its key comes from " + remote.Clean(from).Line(80) + ", which was not read", false
	case !c.private:
		return "", "the file gives the interface no private key", true
	case keys.Conf == "":
		return "", "the file's private key is none", true
	}
	return keys.Conf, "", true
}

// differs names what the file and the running interface do not agree on. A peer that moved is no difference, nor is the name
// of one: where the other end is dialled is asked apart.
func differs(c conf, w seen.WireGuard) []string {
	var wrong []string
	if c.port != 0 && c.port != w.Port {
		wrong = append(wrong, fmt.Sprintf("it listens on %d, and the file says %d", w.Port, c.port))
	}
	if c.mtu != 0 && w.MTU != 0 && c.mtu != w.MTU {
		wrong = append(wrong, fmt.Sprintf("its MTU is %d, and the file says %d", w.MTU, c.mtu))
	}
	for key, p := range c.peers {
		live := w.Peers[key]
		short := remote.Clean(key).Line(8)
		if live == nil {
			wrong = append(wrong, "the file's peer "+short+" does not run")
			continue
		}
		if spelled(p.Allowed) != spelled(live.Allowed) {
			wrong = append(wrong, fmt.Sprintf("peer %s runs with %s, and the file says %s", short, spelled(live.Allowed), spelled(p.Allowed)))
		}
		if p.Keepalive != live.Keepalive {
			wrong = append(wrong, fmt.Sprintf("peer %s runs with keepalive %d, and the file says %d", short, live.Keepalive, p.Keepalive))
		}
		if p.Shared != live.Shared && !slices.ContainsFunc(c.commands, func(line string) bool { return strings.Contains(line, "preshared-key") }) {
			wrong = append(wrong, "peer "+short+" runs with another preshared key than the file has")
		}
	}
	for key := range w.Peers {
		if c.peers[key] == nil {
			wrong = append(wrong, "a peer runs that the file does not have: "+remote.Clean(key).Line(8))
		}
	}
	slices.Sort(wrong)
	return wrong
}

// number is a decimal number, 0 when it is none.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func spelled(list []netip.Prefix) string {
	var all []string
	for _, p := range list {
		all = append(all, p.String())
	}
	sort.Strings(all)
	return cmp.Or(strings.Join(all, ", "), "nothing")
}
