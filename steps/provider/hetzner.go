package provider

func init() {
	register(Provider{
		ID:       "hetzner",
		Name:     "Hetzner",
		AsOf:     "2026-11-21",
		Networks: []uint32{24940, 212317, 213230},
		Names:    []string{"your-server.de"},
		Firewall: Firewall{Default: Open, Said: Said{
			Steps: []string{
				"Once a firewall is attached to the server, what no incoming rule admits is dropped; all goes out until there is a first outgoing rule, then only what such rules admit.",
				"It keeps state: answers need no rule.",
			},
			Sources: []Source{{"Firewalls FAQ", "docs.hetzner.com/cloud/firewalls/faq, 2023-11-16"}},
		}},
		In25: Unsaid,
		Out25: Port25{Default: Blocked, Too: []int{465}, Holds: "the account", Said: Said{
			Path: "Console > Limits > limit request",
			Steps: []string{
				"It takes a customer of at least a month whose first invoice is paid, and is decided case by case: describe what the mail server is for.",
			},
			Sources: []Source{{"Servers FAQ", "docs.hetzner.com/cloud/servers/faq, as emailwiz issue 317 quotes it"}},
			Reports: []Report{
				{"a live probe of 2026-07-31", "incoming port 25 is reached"},
				{"another public note", "both directions are blocked"},
			},
		}, Needs: []string{"a month as a customer", "the first invoice paid"}, Asks: []string{"Customer since", "First invoice paid on", "What the server is for"}},
		Reverse: Said{
			Steps:   []string{"Each address has its own: set it for the exact IPv6 address that mail leaves from, too. The API and Ansible (rdns) do it as well."},
			Sources: []Source{{"hetzner.hcloud rdns", "docs.ansible.com"}},
		},
	})
}
