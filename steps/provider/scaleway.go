package provider

func init() {
	register(Provider{
		ID:       "scaleway",
		Name:     "Scaleway",
		AsOf:     "2026-11-21",
		Networks: []uint32{12876},
		Names:    []string{"instances.scw.cloud"},
		Firewall: Firewall{Default: Unsaid, Said: Said{
			Path:    "Console > CPU & GPU Instances > Security groups > (the instance's group)",
			Steps:   []string{"Every instance is in a group: what it admits holds for all others in it, too."},
			Sources: []Source{{"Send emails from your Instance", "github.com/scaleway/docs-content, 2025-07-21"}},
		}},
		In25: Unsaid,
		Out25: Port25{Default: Blocked, Too: []int{465, 587}, Self: true, Holds: "all instances of the security group", Takes: "it is open at once when the identity is verified", Said: Said{
			Path:    "Console > CPU & GPU Instances > Security groups > (the instance's group) > Enable SMTP",
			Steps:   []string{"The account's identity must be verified (KYC) first, and only its owner, or who has the rights by IAM, can tick it."},
			Sources: []Source{{"Send emails from your Instance", "github.com/scaleway/docs-content, 2025-07-21"}},
		}, Needs: []string{"the identity verified (KYC)"}},
	})
}
