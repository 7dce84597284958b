package families

import (
	"fmt"
	"net/netip"
	"testing"

	"postern/checks"
	"postern/remote"
)

// A service of the mail host's own listens: who is connected there, while a connection of ours stands, tells whose
// address it sees.
func TestRealServiceTellsItsClient(t *testing.T) {
	for _, c := range []struct {
		name, sees    string
		late          int // how often it is looked for in vain
		dnat, clients checks.Outcome
	}{
		{"the client", hereOutside.String(), 0, checks.OK, checks.OK},
		{"the client, whose last packet is late", hereOutside.String(), 2, checks.OK, checks.OK},
		{"the proxy", "10.0.0.1", 0, checks.OK, checks.Fail},
		{"nobody", "", 0, checks.Fail, checks.Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.edit("mail", readListen, "== end", "tcp LISTEN 0 9 10.0.0.2:993 0.0.0.0:* users:((\"dovecot\",pid=9,fd=1))\n== end")
			w.listeners["mail 10.0.0.2:993"] = make(chan netip.AddrPort, 9)
			looks := 0
			w.runs["mail"] = func(q remote.Query) remote.Answer {
				if q.ID != "peers 993" {
					t.Errorf("ran %q", q.ID)
				}
				out := "== peers\n0 0 10.0.0.2:993 192.0.2.5:1\n"
				if looks++; looks%(c.late+2) == 0 && c.sees != "" {
					out += fmt.Sprintf("0 0 10.0.0.2:993 %s:4%d\n", c.sees, looks)
				}
				return remote.Answer{Out: out + "== end\n"}
			}
			if r := w.ask("firewall.dnat")["firewall.dnat.imaps@here"]; r.Outcome != c.dnat {
				t.Errorf("dnat is %s: %s", r.Outcome, r.Saw)
			}
			if r := w.ask("firewall.clients")["firewall.clients.imaps@here"]; r.Outcome != c.clients {
				t.Errorf("clients is %s: %s", r.Outcome, r.Saw)
			}
		})
	}
}
