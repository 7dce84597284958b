package checks

import (
	"errors"
	"testing"
)

// What could not be asked says what would let it be asked, by why it could not: never only that it should be possible.
func TestUnknownSaysWhatToDo(t *testing.T) {
	for why, fix := range map[string]string{
		"mail could not be looked at: no answer in time":                                  "let postern reach it first: 'postern check host.ssh' asks the login alone",
		"mail could not be looked at: mail: 192.0.2.1:22 refuses the connection":          "on the host's console: systemctl start ssh. Where it runs, wait a while: it turns away who connects too often",
		"mail could not be looked at: mail: there is no way to 192.168.50.2:22 from here": "see on its console that the host is on, and that no firewall drops SSH from here; the wizard's 'Ways in' has other ways",
		"there is no iptables on the host":                                                "install iptables on it, or apply the chapter that does, then ask again",
		"/etc/default/ufw could not be read":                                              "look at /etc/default/ufw on the host: is it there, and whole? Then ask again",
		"proxy's public address is not known":                                             "give it: --set host.proxy.public4=ADDRESS --save (or public6), then ask again",
		"no answer":                                                                       "ask again in a while, and from another network: a provider may drop what goes there",
		"the port of its sshd is not known":                                               "mend what is likely, then ask again",
	} {
		r := Question{From: "mail", Want: "something"}.Unknown(why, "")
		if r.Fix != fix {
			t.Errorf("%s: %q, want %q", why, r.Fix, fix)
		}
	}
	if r := (Question{From: "mail"}).Cannot(errors.New("there is no iptables on the host")); r.Fix != "install iptables on it, or apply the chapter that does, then ask again" {
		t.Errorf("a tool that is missing: %q", r.Fix)
	}
	if r := (Question{From: "mail"}).Unknown("587 is not reached: no answer", "firewall.dnat tells why"); r.Fix != "ask that one: postern check firewall.dnat" {
		t.Errorf("another check tells: %q", r.Fix)
	}
}
