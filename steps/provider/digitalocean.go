package provider

func init() {
	register(Provider{
		ID:       "digitalocean",
		Name:     "DigitalOcean",
		AsOf:     "2026-11-21",
		Networks: []uint32{14061},
		Firewall: Firewall{Default: Unsaid},
		In25:     Unsaid,
		Out25: Port25{Default: Never, Too: []int{465, 587}, Said: Said{
			Steps:   []string{"It holds for all Droplets, and for Reserved IPs. Its pages name no way to have it opened."},
			Sources: []Source{{"Why is SMTP blocked?", "docs.digitalocean.com/support/why-is-smtp-blocked, 2026-07-13, as others quote it"}},
			Reports: []Report{{"iredmail issue 258", "support refuses"}},
		}},
		Reverse: Said{
			Path:    "the Droplet's own name: give it the host name, and the reverse name follows",
			Steps:   []string{"Over IPv6 only the first of the Droplet's 16 addresses has one."},
			Sources: []Source{{"PTR Record", "docs.digitalocean.com, glossary"}},
		},
	})
}
