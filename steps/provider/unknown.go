package provider

func init() {
	register(Provider{
		ID:   Unknown,
		Name: "an unknown provider",
		Firewall: Firewall{
			Default: Unsaid,
			Steps: []string{
				"Nothing is known here about this provider's own firewall. Look in its panel for Firewall, Security group or Network policy.",
				"If there is one, let these in; if there is none, there is nothing to do.",
				"A panel firewall that keeps no state needs the answers let in as well: ask the provider.",
			},
		},
		In25: Unsaid,
		Out25: Port25{
			Default: Unsaid,
			Needs:   []string{"the host name", "its reverse DNS name", "an SPF record"},
			Takes:   "not known",
		},
	})
}

// common is the letter where a provider has none of its own.
const common = `Subject: please open outgoing port {{.Port}} for {{or_blank .Address4}}

Hello,

please open outgoing TCP port {{.Port}} (SMTP) for our server.

Account or contract: (please fill in)
Server name or ID:   (please fill in)
IPv4:                {{or_blank .Address4}}
{{- if .Address6}}
IPv6:                {{.Address6}}
{{- end}}
Host name:           {{or_blank .Hostname}}
Mail domain:         {{or_blank .Domain}}

It is the mail server of this domain only: no bulk mail, no newsletters
to people who did not ask, and no open relay. The host name resolves to
this address, and we set the reverse DNS name to it.

Please tell us whether incoming port {{.Port}} is filtered too, and what the
opening holds for (account, server or address).

Thank you
`
