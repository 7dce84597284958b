package provider

func init() {
	register(Provider{
		ID:       "vultr",
		Name:     "Vultr",
		AsOf:     "2026-11-21",
		Networks: []uint32{20473},
		Names:    []string{"vultrusercontent.com"},
		Firewall: Firewall{Default: Unsaid, Said: Said{
			Path:    "Control panel > Firewall > group",
			Steps:   []string{"It never filters what goes out."},
			Sources: []Source{{"Does Vultr Firewall Filter Outgoing Traffic", "docs.vultr.com, 2025-12-18"}},
			Reports: []Report{{"primeaitech", "without a group all comes in; with one, only what its rules admit"}},
		}},
		In25: Open,
		Out25: Port25{Default: Blocked, Said: Said{
			Steps:   []string{"Ask by a support ticket. It is decided case by case, and not guaranteed."},
			Sources: []Source{{"What Ports Are Blocked", "docs.vultr.com, as emailwiz issues 313 and 317 quote it"}},
			Reports: []Report{{"emailwiz issues 172, 313 and 317", "one was opened within 12 hours (2022), new accounts were refused, a customer of three years got it (2024)"}},
		}, Asks: []string{"Customer since", "What the server is for"}},
		Reverse: Said{
			Path:  "vultr-cli instance reverse-dns set-ipv4 and set-ipv6, or its API",
			Steps: []string{"A change may take 6 to 12 hours."},
			Sources: []Source{
				{"vultr-cli instance reverse-dns", "docs.vultr.com, 2025-11-07"},
				{"vultr_reverse_ipv4", "docs.vultr.com, 2025-09-15"},
			},
		},
	})
}
