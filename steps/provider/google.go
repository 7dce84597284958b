package provider

func init() {
	register(Provider{
		ID:       "google",
		Name:     "Google Cloud",
		AsOf:     "2026-11-21",
		Networks: []uint32{15169, 396982},
		Names:    []string{"bc.googleusercontent.com"},
		Firewall: Firewall{Default: Unsaid, Said: Said{
			Reports: []Report{{"public notes", "the default network lets in only SSH, RDP, ICMP and its own machines"}},
		}},
		In25: Unsaid,
		Out25: Port25{Default: Never, Said: Said{
			Steps:   []string{"There is no exception. Outgoing ports 465 and 587 are open, so a smart host can be reached."},
			Sources: []Source{{"Sending email from an instance", "docs.cloud.google.com/compute/docs/sending-mail, as others quote it"}},
			Reports: []Report{{"mailcow issues 1675 and 3073", "connections time out"}},
		}},
	})
}
