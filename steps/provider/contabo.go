package provider

func init() {
	register(Provider{
		ID:       "contabo",
		Name:     "Contabo",
		AsOf:     "2026-11-21",
		Networks: []uint32{40021, 51167},
		Names:    []string{"contaboserver.net"},
		Firewall: Firewall{Default: Open, Said: Said{
			Path:    "Customer Panel > Firewall (VPS and VDS only)",
			Steps:   []string{"It is off until you switch it on; once it is assigned, what no incoming rule admits is dropped. It does not filter what goes out."},
			Sources: []Source{{"Managing port access and OS-level firewall on your server", "help.contabo.com, without a date"}},
		}},
		In25: Open,
		Out25: Port25{Default: Unsaid, Said: Said{
			Steps:   []string{"Its own page says that it does not restrict any port by default. Others say otherwise: only measuring tells."},
			Sources: []Source{{"Managing port access and OS-level firewall on your server", "help.contabo.com, without a date"}},
			Reports: []Report{
				{"several public notes of 2026", "outgoing port 25 is blocked, one says 465 and 587 too"},
				{"stalwartlabs discussion 23", "it is allowed"},
			},
		}},
	})
}
