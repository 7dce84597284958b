package provider

import (
	"cmp"
	"fmt"
	"strings"
	"text/template"
)

// Letter is what support is told. Empty fields become blanks for a person to fill in.
type Letter struct {
	Hostname string // the mail system's public name
	Address4 string
	Address6 string
	Domain   string
	Port     int      // outgoing mail's port
	Evidence []string // what was just measured, a sentence each, with its time; none leaves the matter out
}

// Write is the letter to support with the fields filled in. It is empty where there is nobody to ask: the panel opens the port, or
// nobody does.
func (p Provider) Write(l Letter) (string, error) {
	if p.Out25.Self || p.Out25.Default == Never {
		return "", nil
	}
	blank := func(s string) string { return cmp.Or(s, "(please fill in)") }
	t, err := template.New(p.ID).Funcs(template.FuncMap{"or_blank": blank}).Parse(cmp.Or(p.Letter, common) + evidence)
	if err != nil {
		return "", fmt.Errorf("provider: %s: letter: %w", p.ID, err)
	}
	var b strings.Builder
	if err := t.Execute(&b, struct {
		Letter
		Asks []string
	}{l, p.Out25.Asks}); err != nil {
		return "", fmt.Errorf("provider: %s: letter: %w", p.ID, err)
	}
	return strings.TrimSpace(b.String()) + "\n", nil
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
{{- range .Asks}}
{{.}}: (please fill in)
{{- end}}

It is the mail server of this domain only: no bulk mail, no newsletters
to people who did not ask, and no open relay: only who logs in may send.
The host name resolves to this address, and we set the reverse DNS name
to it.

Please tell us whether incoming port {{.Port}} is filtered too, and what the
opening holds for (account, server or address).

Thank you
`

// evidence ends every letter that has some.
const evidence = `{{if .Evidence}}
What we measured:
{{range .Evidence}}- {{.}}
{{end}}{{end}}`
