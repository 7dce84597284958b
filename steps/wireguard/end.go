// Package wireguard knows how the tunnel is made on a host: its file, its keys, its units and the routing around it, from what
// was seen there to the changes that are wanting. It does no I/O, and knows no chapter.
package wireguard

import (
	"slices"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

// folder is where a host keeps WireGuard's files.
func folder(h *site.Host) string {
	if h.BSD() {
		return seen.WireGuardBSD + "/"
	}
	return "/etc/wireguard/"
}

// ConfPath is the file of a tunnel's interface on a host.
func ConfPath(h *site.Host, iface string) string { return folder(h) + iface + ".conf" }

func (e End) confPath(iface string) string { return ConfPath(e.Host, iface) }

func (e End) keyPath() string { return folder(e.Host) + e.Site.Tunnel.Interface + ".key" }

// Note is something found that the operator should know.
type Note struct {
	Warn bool
	Text string
}

// End is one host of the tunnel, with what was seen there.
type End struct {
	Site *site.Site
	Host *site.Host
	Now  seen.Host

	conf     *remote.File    // nil when absent
	known    bool            // somebody looked at conf, and it could be read
	keys     seen.PublicKeys // of the key file, and of a PrivateKey that stands in conf
	runs     seen.WireGuard
	policies seen.Policies // looked at where we make some
	rules    []string      // policy rules at our preference, IPv4
	rules6   []string
	chain    bool // our chain is hooked in
	marked   bool // net.ipv4.conf.all.src_valid_mark is on
	units    seen.Units
	rc       seen.RC // of FreeBSD
	rcErr    error   // why that could not be told
	facts    remote.Facts
	path     seen.Path // to the other end
}

// Reads are what must be seen of a host.
func Reads(s *site.Site, h *site.Host) []remote.Query {
	queries := slices.Concat(seen.HostReads(s, h), seen.Tunnels.Reads(s, h), seen.Keys.Reads(s, h), seen.UnitsOf.Reads(s, h),
		[]remote.Query{remote.ReadFile(ConfPath(h, s.Tunnel.Interface))})
	if h.BSD() {
		queries = append(queries, seen.RCConf.Reads(s, h)...)
	}
	if routes(s, h) {
		queries = slices.Concat(queries, seen.Routing.Reads(s, h), seen.Rules.Reads(s, h), seen.Sysctl.Reads(s, h))
	}
	if h.Role == site.Mail {
		queries = append(queries, remote.ReadFile(dockerDropIn))
		if path, ok := pathTo(s); ok {
			queries = append(queries, path.Reads(s, h)...)
		}
	}
	return queries
}

// See is an end as it was seen.
func See(s *site.Site, h *site.Host, f remote.Facts) End {
	e := End{Site: s, Host: h, Now: seen.Look(f), facts: f}
	e.conf, e.known = f.File(ConfPath(h, s.Tunnel.Interface))
	e.keys, _ = seen.Keys.Of(f)
	e.runs, _ = seen.Tunnels.Of(f)
	e.units, _ = seen.UnitsOf.Of(f)
	if h.BSD() {
		e.rc, e.rcErr = seen.RCConf.Of(f)
		e.units = e.rcUnits()
	}
	e.policies, _ = seen.Routing.Of(f)
	pref := e.preference()
	for _, r := range e.policies.Rules {
		switch here := r.Preference == pref; {
		case !here && r.Lookup() != tableText:
		case !here: // at another place than it should
			e.rules = append(e.rules, "at "+r.Preference)
		case r.Six:
			e.rules6 = append(e.rules6, r.Text)
		default:
			e.rules = append(e.rules, r.Text)
		}
	}
	rules, _ := seen.Rules.Of(f)
	e.chain = rules.Four.Hangs("mangle", "PREROUTING", markChain) > 0
	settings, _ := seen.Sysctl.Of(f)
	e.marked = settings.Live["net.ipv4.conf.all.src_valid_mark"] == "1"
	if path, ok := pathTo(s); ok {
		e.path, _ = path.Of(f)
	}
	return e
}

// Kept says whether the operator wants a hand-made tunnel left alone.
func (e End) Kept() bool {
	return e.Site.Guide.Tunnel == "keep" && e.conf != nil && kindOf(e.Site, e.conf.Text) == guideConf
}

// PublicKey is what the other end knows this one by; "" when there is none yet.
func (e End) PublicKey() string {
	if e.Kept() {
		return e.keys.Conf
	}
	return e.keys.File
}

// Packages installs those that are missing, nil where none is.
func (e End) Packages() *remote.Change {
	if e.Host.BSD() {
		return e.port()
	}
	var missing does.Packages
	if !e.Now.Tools["wg"] || !e.Now.Tools["wg-quick"] {
		missing = append(missing, "wireguard-tools")
	}
	if !e.Now.Tools["wireguard"] && !e.Now.Tools["wireguard-go"] {
		missing = append(missing, "wireguard-go")
	}
	if routes(e.Site, e.Host) && !e.Now.Tools["iptables"] {
		missing = append(missing, "iptables")
	}
	if len(missing) == 0 {
		return nil
	}
	c := missing.Install(e.Host.Name)
	return &c
}
