package provider

func init() {
	register(Provider{
		ID:       "gandi",
		Name:     "Gandi (GandiCloud VPS)",
		AsOf:     "2026-11-21",
		Networks: []uint32{29169, 203476},
		Firewall: Firewall{Default: Unsaid},
		In25:     Unsaid,
		Out25:    Port25{Default: Unsaid},
	})
}
