package provider

func init() {
	register(Provider{
		ID:       "oracle",
		Name:     "Oracle Cloud",
		AsOf:     "2026-11-21",
		Networks: []uint32{31898},
		Firewall: Firewall{Default: Unsaid, Said: Said{
			Reports: []Report{{"public notes", "ports are opened in two places: in the panel, and on the host, whose image brings rules (iptables-persistent) that end in a REJECT"}},
		}},
		In25: Unsaid,
		Out25: Port25{Default: Blocked, For: "tenancies created after 2021-06-23", Said: Said{
			Steps:   []string{"Ask by a service limits request."},
			Sources: []Source{{"Outbound SMTP is blocked", "Oracle's release notes, as others quote them"}},
		}, Needs: []string{"a paid account"}, Asks: []string{"What the server is for"}},
	})
}
