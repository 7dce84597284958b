package wireguard

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"postern/remote"
	"postern/seen"
	"postern/site"
)

// Key makes the private key on its host, or takes it over from a hand-made wg-quick file; it never leaves the host,
// never stands in a command line, and an existing key file is never touched.
//
// guide: wireguard, Key Generation
func (e End) Key() *remote.Change {
	if e.keys.File != "" {
		return nil
	}
	iface := e.Site.Tunnel.Interface
	key, fresh := remote.Quote(e.keyPath()), remote.Quote(e.keyPath()+".new")
	c := remote.Change{
		ID: "wireguard.key", Step: "wireguard",
		Title: "make the tunnel's private key on the host, in " + e.keyPath(),
		Why:   "Each host keeps its own key; only the public one is read.",
	}
	make := "wg genkey > " + fresh
	if e.conf != nil && e.Site.Guide.Tunnel != "replace" && kindOf(e.Site, e.conf.Text) == guideConf {
		c.Title = "keep the key of " + e.confPath(iface) + " in a file of its own, " + e.keyPath()
		c.Why = "The other end goes on knowing this host by it. A file without a usable key gets a new one."
		make = seen.KeyOf(remote.Quote(e.confPath(iface))) + " > " + fresh + "\nif ! wg pubkey < " + fresh + " > /dev/null 2>&1; then wg genkey > " + fresh + "; fi"
	}
	c.Undo = "rm -f " + key
	c.Do = "umask 077\nmkdir -p " + folder(e.Host) + "\nif [ ! -s " + key + " ]; then\n" + make + "\nmv " + fresh + " " + key + "\nfi"
	return &c
}

// confChange writes the host's wg-quick file and makes it run; nil when both are so already.
func (e End) confChange(keys map[string]string, mtu int) (*remote.Change, []Note) {
	iface := e.Site.Tunnel.Interface
	text, notes := e.wantedConf(keys, mtu)
	c := remote.Change{
		ID: "wireguard.conf", Step: "wireguard", Path: e.confPath(iface), Old: e.conf,
		New:  &remote.File{Text: text, Mode: 0o600, Owner: e.owner()},
		Test: e.test(), Undo: e.undo(), Risk: e.risk(),
	}
	same := e.conf != nil && *e.conf == *c.New
	unit := e.units.By[seen.TunnelUnit(iface)]
	if !unit.Enabled() {
		c.Keep = e.enable()
	}
	switch runs := e.running(keys); {
	case same && runs == up && unit.Enabled() && unit.Active:
		return nil, notes
	case same && runs == up && unit.Active:
		c.Title, c.Do = "bring the tunnel "+iface+" up at boot", ""
		c.Undo, c.Risk = e.disable(), remote.NoRisk
	case runs != down && unit.Active && onlyPeers(e.conf, text) && e.Now.Tools["wg"]:
		c.Title = "tell the running tunnel its peers"
		// While the host boots there is no interface yet, and it will come up with the old file.
		c.Do, c.Undo = e.sync(), onlyWith(e.confPath(iface), e.whileUp(e.sync()))
		if c.Risk == remote.LoseMail { // nothing that is up goes down for it
			c.Risk = remote.NoRisk
		}
	case e.runs.Link:
		c.Title = "start the tunnel " + iface + " anew"
		c.Do = e.restart()
	default:
		c.Title = "start the tunnel " + iface
		c.Do = e.restart()
	}
	if same { // the file is right, what runs is not: that is no state before us for an undo to come back to
		c.ID, c.Path, c.Old, c.New, c.Test, c.Forget = "wireguard.unit", "", nil, nil, "", true
	}
	return &c, notes
}

// risk is what a restart of the tunnel costs: the connection, when the operator came through it.
func (e End) risk() remote.Risk {
	if e.through() {
		return remote.LoseSSH
	}
	return remote.LoseMail
}

// through says whether the operator came through this tunnel.
func (e End) through() bool {
	s, h := e.Site, e.Host
	if s.Tunnel.Network.Contains(e.Now.Client.Addr()) {
		return e.Now.Within(s.Tunnel.Network) == s.Tunnel.Interface
	}
	return h.Role == site.Mail && h.Jump != "" && h.SSHHost() == s.TunnelAddress(h).String()
}

// runState is what runs, against what the file wants.
type runState int

const (
	down  runState = iota // not there, or not as the file's [Interface] wants it
	peers                 // only its peers differ
	up
)

// running is what runs of the tunnel.
func (e End) running(keys map[string]string) runState {
	s, h := e.Site, e.Host
	if !e.runs.Link || e.runs.Key != keys[h.Name] || (h.Role == site.Proxy && e.runs.Port != s.Tunnel.Port) || !e.routed() {
		return down
	}
	has := map[string]bool{}
	for _, i := range e.Now.Interfaces {
		if i.Name == s.Tunnel.Interface {
			for _, a := range i.Addresses {
				has[a.String()] = true
			}
		}
	}
	if four := s.TunnelAddress(h); !has[fmt.Sprintf("%s/%d", four, s.Tunnel.Network.Bits())] {
		return down
	}
	if six := s.TunnelAddress6(h); six.IsValid() && !has[fmt.Sprintf("%s/%d", six, s.Tunnel.Network6.Bits())] {
		return down
	}
	for _, other := range s.Hosts {
		if other.Role == h.Role {
			continue
		}
		if got, ok := e.runs.Peers[keys[other.Name]]; !ok || seen.Joined(got.Allowed) != seen.Joined(allowed(s, h, other)) || e.astray(other, got) {
			return peers
		}
	}
	return up
}

// astray says whether the host dials somewhere else than its file says, and is not heard there: what the other end sends moves the endpoint, too.
func (e End) astray(other *site.Host, got *seen.Peer) bool {
	to, err := netip.ParseAddrPort(Endpoint(e.Site))
	return other.Role == site.Proxy && err == nil && got.Endpoint != to && e.runs.Now.Sub(got.Handshake) > sessionAge
}

// sessionAge is after how long a session ends that could not be renewed (WireGuard, 6.1: Reject-After-Time).
const sessionAge = 180 * time.Second

// onlyPeers says whether two files differ in nothing that wg-quick does: only in what `wg syncconf` can set on a running
// interface without a restart.
func onlyPeers(old *remote.File, text string) bool {
	return old != nil && ours(old.Text) && interfaceLines(old.Text) == interfaceLines(text)
}

func interfaceLines(text string) string {
	var all []string
	for _, sec := range seen.ParseConf(text) {
		if sec.Name != "interface" {
			continue
		}
		for _, line := range sec.Lines {
			if key, value := seen.ConfSetting(line); key != "" {
				all = append(all, key+"="+value)
			}
		}
	}
	return strings.Join(all, "\n")
}

// test checks a staged file with wg-quick's own parser, which wants it under the interface's name.
func (e End) test() string {
	staged, path := `"$d"/`+remote.Quote(e.Site.Tunnel.Interface+".conf"), ""
	if e.Host.BSD() {
		path = bsdPath
	}
	return path + "umask 077\nd=$(mktemp -d)\ncp \"$NEW\" " + staged + "\nif wg-quick strip " + staged + ` > /dev/null; then rm -rf "$d"; else rm -rf "$d"; exit 1; fi`
}

// stop takes an interface and everything of ours around it away, whatever state it is in: wg-quick's own way first,
// then by hand what that leaves when its file has gone or the daemon of wireguard-go died.
func (e End) stop(iface string) string {
	unit, dev := remote.Quote(seen.TunnelUnit(iface)), remote.Quote(iface)
	if e.Host.BSD() {
		return bsdPath + "wg-quick down " + dev + " 2>/dev/null || true\nif ifconfig " + dev + " >/dev/null 2>&1; then ifconfig " + dev + " destroy; fi"
	}
	all := append([]string{
		"systemctl stop " + unit + " 2>/dev/null || true",
		"ip link delete dev " + dev + " 2>/dev/null || true",
	}, routeDown("")...)
	return strings.Join(append(all, "systemctl reset-failed "+unit+" 2>/dev/null || true"), "\n")
}

// start brings the interface up by its file.
func (e End) start() string {
	if iface := e.Site.Tunnel.Interface; e.Host.BSD() {
		return "wg-quick up " + remote.Quote(iface)
	}
	return "systemctl start " + remote.Quote(seen.TunnelUnit(e.Site.Tunnel.Interface))
}

func (e End) restart() string { return e.stop(e.Site.Tunnel.Interface) + "\n" + e.start() }

// sync sets a running interface to its file without cutting it. wg would forget the private key, which is not in the
// file, so the shell puts it in front, through the pipe.
func (e End) sync() string {
	dev := remote.Quote(e.Site.Tunnel.Interface)
	script := "umask 077\nwg-quick strip " + dev + " > /dev/null\n" +
		"{ printf '[Interface]\\nPrivateKey = '; cat " + remote.Quote(e.keyPath()) + "; wg-quick strip " + dev + "; } | wg syncconf " + dev + " /dev/stdin"
	if e.Host.BSD() {
		return bsdPath + script
	}
	return script
}

// onlyWith runs a script where a file is there: an undo of everything has taken away by then what was not before us.
func onlyWith(path, script string) string {
	return "if [ -e " + remote.Quote(path) + " ]; then\n" + script + "\nfi"
}

// undo gives back what ran before, from any point the change may have come to. The files are back by then.
func (e End) undo() string {
	iface := e.Site.Tunnel.Interface
	was := e.units.By[seen.TunnelUnit(iface)]
	script := ""
	if !was.Enabled() {
		script = "\n" + e.disable()
	}
	if e.Host.BSD() { // a boot reads rc.conf next, and nothing runs yet
		script = strings.TrimPrefix(script, "\n") + "[ ! \"${BOOTING-}\" ] || exit 0\n" + e.stop(iface)
	} else {
		script = e.stop(iface) + script
	}
	switch {
	case was.Active && e.runs.Link:
		script += "\n" + onlyWith(e.confPath(iface), e.start())
	case e.runs.Link && e.conf != nil && !e.guideRuns():
		script += "\nwg-quick up " + remote.Quote(iface) + " || true"
	}
	return script
}
