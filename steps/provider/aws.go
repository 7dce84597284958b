package provider

func init() {
	register(Provider{
		ID:       "aws",
		Name:     "Amazon (EC2, Lightsail)",
		AsOf:     "2026-11-21",
		Networks: []uint32{14618, 16509},
		Names:    []string{"compute.amazonaws.com", "compute-1.amazonaws.com"},
		Firewall: Firewall{Default: Unsaid, Said: Said{
			Steps:   []string{"EC2 has security groups, Lightsail rules of the instance, those for IPv6 apart: they must admit incoming port 25 and the tunnel's UDP port, too."},
			Sources: []Source{{"Configure reverse DNS for an email server", "Lightsail's user guide"}, {"ec2-resource-limits", "github.com/awsdocs, EC2 user guide"}},
		}},
		In25: Open,
		Out25: Port25{Default: Blocked, Holds: "one region", Said: Said{
			Path:    "the form \"Request to remove email sending limitations\"",
			Steps:   []string{"First an Elastic IP (Lightsail: a static IP), then an A record that leads to it, then the form: once for each region. It sets the reverse name, too."},
			Sources: []Source{{"ec2-resource-limits", "github.com/awsdocs, EC2 user guide"}},
			Reports: []Report{{"a public note of 2026", "a request still waited after a week"}},
		}, Needs: []string{"an Elastic or static IP", "the A record"}, Asks: []string{"Region", "What the server is for"}},
		Reverse: Said{
			Path:    "the form \"Request to remove email sending limitations\", which opens port 25, too",
			Steps:   []string{"The A record must lead to the Elastic or static IP first."},
			Sources: []Source{{"Configure reverse DNS for an email server", "Lightsail's user guide"}},
		},
	})
}
