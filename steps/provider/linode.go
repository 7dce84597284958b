package provider

func init() {
	register(Provider{
		ID:       "linode",
		Name:     "Linode (Akamai)",
		AsOf:     "2026-11-21",
		Networks: []uint32{63949},
		Names:    []string{"ip.linodeusercontent.com", "members.linode.com"},
		Firewall: Firewall{Default: Unsaid, Said: Said{
			Path:    "Cloud Manager > Firewalls",
			Steps:   []string{"It is optional; for what no rule names you choose yourself, incoming and outgoing."},
			Sources: []Source{{"Manage firewall rules", "techdocs.akamai.com"}},
		}},
		In25: Unsaid,
		Out25: Port25{Default: Blocked, For: "some accounts made since 2019-11-05", Too: []int{465, 587}, Said: Said{
			Steps: []string{"Open a support ticket once the A record and the reverse name are set."},
			Sources: []Source{
				{"Send email", "github.com/linode/docs, get-started/guides/send-email, 2023-05-02"},
				{"A New Policy to Help Fight Spam", "Linode's blog, 2019-11-05"},
			},
		}, Needs: []string{"the A record", "the reverse DNS name"},
			Asks: []string{"First and last name", "What is sent, and what keeps spam out", "Sending domains", "Public information about us (links)"}},
	})
}
