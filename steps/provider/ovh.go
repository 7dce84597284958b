package provider

func init() {
	register(Provider{
		ID:       "ovh",
		Name:     "OVHcloud",
		AsOf:     "2026-11-21",
		Networks: []uint32{16276},
		Names:    []string{"vps.ovh.net"},
		Firewall: Firewall{Default: Open, Stateless: true, Said: Said{
			Path: "Bare Metal Cloud > Network > IP (Public IP addresses) > ... > Edge Network Firewall",
			Steps: []string{
				"It is off until you switch it on, but goes on by itself, with your rules, while an address is attacked: so its rules must be right. At most 20, IPv4 only.",
				"Its first rule (0) lets in TCP that is established: else the answers to outgoing mail are dropped.",
				"While it is on it drops fragments of UDP, which the tunnel must not need: see tunnel.mtu.",
				"It filters only what comes from outside of OVH: asked from another server there, a port looks open that is not.",
			},
			Sources: []Source{{"firewall_network", "github.com/ovh/docs, 2023-12-11"}},
		}},
		In25: Unsaid,
		Out25: Port25{Default: Blocked, For: "some products (which ones was rewritten in August 2026, and is unknown here)", Holds: "the address", Said: Said{
			Steps: []string{
				"Ask the support team to open it.",
				"Where it was closed for spam: stop sending and empty the queue first; then Network > IP > ... > Anti-spam unblocking, which takes several minutes. A second block lasts longer.",
			},
			Sources: []Source{
				{"Mail sending optimization", "github.com/ovh/ovhcloud-docs, 2026-08-03, and its change 593 of 2026-08-18"},
				{"Anti-spam best practices", "github.com/ovh/ovhcloud-docs, 2026-01-06"},
			},
		}},
		Reverse: Said{
			Path:    "Network > IP > ... > Modify the reverse path",
			Steps:   []string{"The A record must lead to the address first; write the name in lower case."},
			Sources: []Source{{"Mail sending optimization", "github.com/ovh/ovhcloud-docs, 2026-08-03"}},
		},
	})
}
