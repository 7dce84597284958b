package provider

func init() {
	register(Provider{
		ID:       "azure",
		Name:     "Microsoft Azure",
		AsOf:     "2026-11-21",
		Networks: []uint32{8075},
		Firewall: Firewall{Default: Unsaid},
		In25:     Unsaid,
		Out25: Port25{Default: Blocked, For: "all but Enterprise Agreements and MCA-E", Holds: "the subscription", Said: Said{
			Path: "Virtual Network > Diagnose and Solve > Cannot send email (SMTP-Port 25)",
			Steps: []string{
				"Pay-as-you-go was let through with a good standing and payments enough (2021); a newer page names Enterprise Agreements and MCA-E alone. Free, Student, MSDN and Visual Studio: never.",
				"Afterwards the virtual machine must be stopped and started. It holds only for what goes straight to the Internet.",
			},
			Sources: []Source{
				{"Troubleshoot outbound SMTP connectivity", "github.com/MicrosoftDocs/azure-docs, 2021-04-28"},
				{"the same, newer", "as others quote it"},
			},
		}, Asks: []string{"Subscription and its kind"}},
		Reverse: Said{
			Path:    "PowerShell or the CLI (--reverse-fqdn); the portal cannot",
			Steps:   []string{"The name must lead to the address first. IPv4 only."},
			Sources: []Source{{"Reverse DNS for services hosted in Azure", "github.com/MicrosoftDocs/azure-docs, 2023-01-09"}},
		},
	})
}
