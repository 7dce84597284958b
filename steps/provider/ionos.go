package provider

func init() {
	register(Provider{
		ID:       "ionos",
		Name:     "IONOS",
		AsOf:     "2026-11-21",
		Networks: []uint32{8560},
		Names:    []string{"online-server.cloud"},
		// guide: firewall, Opening Required Ports in IONOS Control Panel; the guide's menu name and its list without
		// incoming 25 are wrong.
		Firewall: Firewall{Default: Blocked, DropsICMP: true, Said: Said{
			Path: "Menu > Servers & Cloud > (your contract) > Network > Firewall Policies",
			Steps: []string{
				"Add an incoming rule for each line below: Allowed IP empty unless a source is named, then protocol and port. UDP needs a rule of its own.",
				"Incoming port 25 is a rule like the others that you add yourself; support is needed only for outgoing.",
				"Assign the policy to the server's public address. Only one policy is active per address, and an address without one is not reachable at all.",
				"That is the panel of VPS and servers (Cloud Panel); the Data Center Designer (docs.ionos.com) is another product with another one.",
				"Keep the rule of your SSH port. While the status reads \"Being configured\" the policy is not active yet: wait.",
			},
			Sources: []Source{
				{"Creating a Firewall Policy", "ionos.com help"},
				{"Overview: Firewall Policies (VPS)", "ionos.com help"},
				{"Notes on the external firewall", "ionos.com help"},
			},
		}},
		In25: Open,
		// guide: firewall, Special Case: Port 25 (SMTP)
		Out25: Port25{Default: Blocked, Said: Said{
			Steps: []string{
				"Incoming and outgoing are two different blocks: the incoming one is a rule in the panel, the outgoing one only customer service removes.",
				"Ask for outgoing port 25 on this server's address to be opened for a mail server.",
			},
			Sources: []Source{
				{"Creating a Firewall Policy", "ionos.com help"},
				{"Unblocking port 25 for sending emails", "ionos.com help, as others sum it up"},
			},
			Reports: []Report{
				{"the setup guide", "call customer service, by phone, 24/7, from the contract's owner; they verify the account first"},
				{"a note that quotes the panel", "incoming port 25 works without support, once its rule is there"},
			},
		}, Needs: []string{"a full host name", "its reverse DNS name (Network > Public IP)", "an SPF record"}},
		Reverse: Said{
			Path:  "Cloud Panel > Network > Public IP",
			Steps: []string{"In the Data Center Designer: Network Services > Cloud DNS, for reserved IPv4 addresses and IPv6 addresses of the data center."},
			Sources: []Source{
				{"Creating a public IP address (VPS)", "ionos.com help, its title only"},
				{"Reverse DNS", "docs.ionos.com"},
			},
		},
		Letter: `What to tell IONOS customer service, by phone:

Please open outgoing port {{.Port}} (SMTP) for this server.

Contract and customer number: (please fill in)
Server:                       {{or_blank .Address4}}{{if .Address6}} and {{.Address6}}{{end}}
Host name:                    {{or_blank .Hostname}}
Mail domain:                  {{or_blank .Domain}}

It is the mail server of this domain only, no bulk mail, no open relay.
The host name, its reverse DNS name and SPF are set. The incoming rule
for port {{.Port}} is in the firewall policy already.
`,
	})
}
