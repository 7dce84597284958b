package steps

import (
	"slices"

	"postern/remote"
	"postern/seen"
	"postern/site"
)

const wireguardDir = "/etc/wireguard/"

func confPath(iface string) string { return wireguardDir + iface + ".conf" }
func keyPath(iface string) string  { return wireguardDir + iface + ".key" }

// tunnelReads are what the tunnel's plan wants to know of a host.
func tunnelReads(s *site.Site, h *site.Host) []remote.Query {
	queries := slices.Concat(seen.HostReads(s, h), seen.Tunnels.Reads(s, h), seen.Keys.Reads(s, h), seen.UnitsOf.Reads(s, h),
		[]remote.Query{remote.ReadFile(confPath(s.Tunnel.Interface))})
	if preserves(s, h) {
		queries = slices.Concat(queries, seen.Routing.Reads(s, h), seen.Rules.Reads(s, h), seen.Sysctl.Reads(s, h))
	}
	if h.Role == site.Mail {
		queries = append(queries, remote.ReadFile(dockerDropIn))
		if path, ok := measured(s); ok {
			queries = append(queries, path.Reads(s, h)...)
		}
	}
	return queries
}

// tunnelSeen is what a look told about the tunnel on one host.
type tunnelSeen struct {
	Conf   *remote.File    // nil when absent
	Known  bool            // somebody looked at Conf, and it could be read
	Keys   seen.PublicKeys // of the key file, and of a PrivateKey that stands in Conf
	Runs   seen.WireGuard
	Rules  []string // policy rules at our preference, IPv4; looked at where we make them
	Rules6 []string
	Chain  bool // our chain is hooked in
	Marked bool // net.ipv4.conf.all.src_valid_mark is on
	Units  seen.Units
}

func seeTunnel(s *site.Site, f remote.Facts) tunnelSeen {
	var t tunnelSeen
	t.Conf, t.Known = f.File(confPath(s.Tunnel.Interface))
	t.Keys, _ = seen.Keys.Of(f)
	t.Runs, _ = seen.Tunnels.Of(f)
	t.Units, _ = seen.UnitsOf.Of(f)
	routing, _ := seen.Routing.Of(f)
	for _, r := range routing {
		switch {
		case r.Preference != tableText:
		case r.Six:
			t.Rules6 = append(t.Rules6, r.Text)
		default:
			t.Rules = append(t.Rules, r.Text)
		}
	}
	rules, _ := seen.Rules.Of(f)
	t.Chain = rules.Four.Hangs("mangle", "PREROUTING", markChain) > 0
	settings, _ := seen.Sysctl.Of(f)
	t.Marked = settings.Live["net.ipv4.conf.all.src_valid_mark"] == "1"
	return t
}
