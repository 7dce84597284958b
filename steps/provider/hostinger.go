package provider

func init() {
	register(Provider{
		ID:       "hostinger",
		Name:     "Hostinger",
		AsOf:     "2026-11-21",
		Networks: []uint32{47583},
		Names:    []string{"hstgr.cloud"},
		Firewall: Firewall{Default: Unsaid, Said: Said{
			Reports: []Report{{"arjtech, and other public notes", "a firewall that was made in hPanel drops what it does not list, and is gone after a new installation"}},
		}},
		In25: Unsaid,
		Out25: Port25{Default: Unsaid, Said: Said{
			Reports: []Report{{"four public notes", "outgoing port 25 is blocked on new servers"}},
		}},
		Reverse: Said{Reports: []Report{{"a public note", "IPv6 is off until it is switched on"}}},
	})
}
