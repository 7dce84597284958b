package provider

func init() {
	register(Provider{
		ID:       "netcup",
		Name:     "netcup",
		AsOf:     "2026-11-21",
		Networks: []uint32{197540},
		Firewall: Firewall{Default: Open, Said: Said{
			Path: "SCP > server > Firewall",
			Steps: []string{
				"It keeps state for TCP only. As soon as rules of yours filter UDP, the tunnel's port needs an EGRESS rule beside its INGRESS rule.",
				"Servers of generation 12 have it since 2025-12-09, older ones get it bit by bit.",
			},
			Sources: []Source{{"Firewall", "helpcenter.netcup.com/en/wiki/server/firewall"}},
		}},
		In25: Open,
		Out25: Port25{Default: Blocked, Too: []int{465, 587}, Self: true, Takes: "minutes, without a reboot", Said: Said{
			Path:    "SCP > server > Firewall > policy \"netcup Mail block\" > Delete > Save",
			Steps:   []string{"Ask support only where the server has no such policy."},
			Sources: []Source{{"Firewall", "helpcenter.netcup.com/en/wiki/server/firewall"}},
			Reports: []Report{
				{"a public note of 2026-08", "25, 465 and 587 time out while 993 works and the host filters nothing"},
				{"another public note", "the policy blocks both directions"},
			},
		}},
		Reverse: Said{Reports: []Report{{"public notes", "SCP > server > Network > IPv4 or IPv6 > edit PTR"}}},
	})
}
