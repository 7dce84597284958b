package haraka

import (
	_ "embed"
	"encoding/json"

	"postern/site"
	"postern/zone"
)

// straightHome has Haraka hand mail for our own domains straight to the mail host.
//
//go:embed homeward.js
var straightHome string

const (
	homewardFile   = "config/homeward.json"
	homewardPlugin = "plugins/homeward.js"
)

// homeward is what changes of the instance that sends when the other is gone, and mail still waits.
func homeward(s *site.Site, h *site.Host) map[string]string {
	to := map[string]any{"domains": zone.Domains(s), "exchange": s.Tunnel.Mail.String(), "port": s.Ports.SMTP}
	if h.Public4.IsValid() {
		to["bind"] = h.Public4.String()
	}
	text, err := json.MarshalIndent(to, "", "  ")
	if err != nil {
		panic(err) // a map of texts
	}
	return map[string]string{"config/plugins": lines("homeward", "relay", "as_it_came", "put_off"), homewardFile: string(text) + "\n", homewardPlugin: straightHome}
}
