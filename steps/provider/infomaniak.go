package provider

func init() {
	register(Provider{
		ID:       "infomaniak",
		Name:     "Infomaniak",
		AsOf:     "2026-11-21",
		Networks: []uint32{29222},
		Firewall: Firewall{Default: Unsaid, Said: Said{
			Path:    "Manager > Cloud VPS > Firewall",
			Steps:   []string{"Public Cloud: its security group drops what no rule admits."},
			Sources: []Source{{"FAQ 2822", "infomaniak.com, as others cite it"}},
		}},
		In25: Unsaid,
		Out25: Port25{Default: Blocked, Holds: "this server", Said: Said{
			Steps:   []string{"A Cloud VPS is opened by support, when asked with a reason. A VPS Lite cannot be opened: take another product, or a smart host."},
			Sources: []Source{{"FAQ 2822", "infomaniak.com, as others cite it"}},
		}, Needs: []string{"a Cloud VPS (no VPS Lite)"}, Asks: []string{"Why it is needed"}},
		Reverse: Said{
			Path:    "Manager > create a PTR, for IPv4 and IPv6",
			Sources: []Source{{"FAQ 2012", "infomaniak.com, as others cite it"}},
		},
	})
}
