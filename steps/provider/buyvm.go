package provider

func init() {
	register(Provider{
		ID:       "buyvm",
		Name:     "BuyVM (FranTech)",
		AsOf:     "2026-11-21",
		Networks: []uint32{53667},
		Firewall: Firewall{Default: Unsaid},
		In25:     Unsaid,
		Out25: Port25{Default: Unsaid, Said: Said{
			Reports: []Report{{"one public note of 2026-07-31, not sure of it", "ports 25, 465, 587 and 2525 are blocked in both directions until a ticket to billing or sales"}},
		}},
	})
}
