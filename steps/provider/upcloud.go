package provider

func init() {
	register(Provider{
		ID:       "upcloud",
		Name:     "UpCloud",
		AsOf:     "2026-11-21",
		Networks: []uint32{25697, 202053},
		Names:    []string{"upcloud.host"},
		Firewall: Firewall{Default: Open, Stateless: true, Said: Said{
			Steps:   []string{"It is optional. Without rules for the answers DNS and outgoing mail break. The block of outgoing mail shows in it, and cannot be edited."},
			Sources: []Source{{"Firewall", "UpCloud's docs"}},
		}},
		In25: Unsaid,
		Out25: Port25{Default: Blocked, For: "new accounts", Holds: "the account", Said: Said{
			Steps: []string{
				"Ask its support. It may be closed again when spam is sent.",
				"A trial account has the usual web ports only, and incoming port 25 is none of them.",
			},
			Sources: []Source{{"Sending email and SMTP best practices", "UpCloud's docs"}, {"Free trial", "UpCloud's docs"}},
		}, Needs: []string{"a proof of identity or a payment method"}, Asks: []string{"What the server is for"}},
		Reverse: Said{Reports: []Report{{"public notes", "in the control panel or by the API, for public IPv4 and IPv6 addresses"}}},
	})
}
