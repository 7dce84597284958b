package provider

func init() {
	register(Provider{
		ID:       "strato",
		Name:     "STRATO",
		AsOf:     "2026-11-21",
		Networks: []uint32{6724},
		Names:    []string{"stratoserver.net"},
		Firewall: Firewall{Default: Unsaid, Said: Said{
			Path: "Kundenlogin > Firewall (VPS since July 2021), or Netzwerk > Firewall-Richtlinien (root servers)",
			Steps: []string{
				"A VPS: it is off until you switch it on, and then, without rules, cuts the server off: enter them first, the one of your SSH port too. Changes take 1 to 2 minutes; the VNC console is not filtered.",
				"A root server has policies from the start.",
			},
			Sources: []Source{{"De firewall van je STRATO VPS", "strato.nl"}, {"Netzwerk-Firewall bei meinem Root Server", "strato.de, FAQ"}},
		}},
		In25: Unsaid,
		Out25: Port25{Default: Unsaid, Said: Said{
			Reports: []Report{{"a mail server's source code, which cites STRATO's FAQ", "it is closed until support opens it"}},
		}},
	})
}
