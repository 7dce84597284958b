package provider

func init() {
	register(Provider{
		ID:   "racknerd",
		Name: "RackNerd",
		AsOf: "2026-11-21",
		Firewall: Firewall{Default: Unsaid, Said: Said{
			Reports: []Report{{"a public note", "there is no firewall of the provider's: the host's own is all there is"}},
		}},
		In25: Unsaid,
		Out25: Port25{Default: Unsaid, Said: Said{
			Reports: []Report{{"a public note of 2026-07-29", "ask whether port 25 is open before you buy"}},
		}},
	})
}
