package families

import (
	"fmt"
	"net/netip"
	"testing"

	"postern/checks"
	"postern/remote"
)

// A service of the mail host's own listens: who is connected there, while a connection of ours stands, tells whose
// address it sees. Others connect, too.
func TestRealServiceTellsItsClient(t *testing.T) {
	for _, c := range []struct {
		name, sees    string
		late          int // how often it is looked for in vain
		other         string
		dnat, clients checks.Outcome
	}{
		{"the client", hereOutside.String(), 0, "", checks.OK, checks.OK},
		{"the client, whose last packet is late", hereOutside.String(), 2, "", checks.OK, checks.OK},
		{"the client, and the proxy before it", hereOutside.String(), 3, "10.0.0.1", checks.OK, checks.OK},
		{"the proxy", "10.0.0.1", 0, "", checks.OK, checks.Fail},
		{"the proxy, and somebody else", "10.0.0.1", 0, "192.0.2.9", checks.OK, checks.Fail},
		{"nobody", "", 0, "", checks.Fail, checks.Unknown},
		{"somebody else", "", 0, "10.0.0.1", checks.Fail, checks.Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for id, want := range map[string]checks.Outcome{"firewall.dnat": c.dnat, "firewall.clients": c.clients} {
				w := newWorld(t)
				w.edit("mail", readListen, "== end", "tcp LISTEN 0 9 10.0.0.2:993 0.0.0.0:* users:((\"dovecot\",pid=9,fd=1))\n== end")
				dials := make(chan netip.AddrPort, 9)
				w.listeners["mail 10.0.0.2:993"] = dials
				first, since := 0, map[int]int{} // what was dialled before the first look, and how often each was looked for
				w.runs["mail"] = func(q remote.Query) remote.Answer {
					if q.ID != "peers 993" {
						t.Errorf("ran %q", q.ID)
					}
					out := "== peers\n0 0 10.0.0.2:993 192.0.2.5:1\n"
					if first == 0 {
						first = len(dials)
						return remote.Answer{Out: out + "== end\n"}
					}
					for dial := first + 1; dial <= len(dials); dial++ {
						if since[dial]++; since[dial] > c.late && c.sees != "" {
							out += fmt.Sprintf("0 0 10.0.0.2:993 %s:4%d\n", c.sees, dial)
						}
					}
					if c.other != "" && len(dials) == first+1 { // as long as the first of our connections stands
						out += fmt.Sprintf("0 0 10.0.0.2:993 %s:5000\n", c.other)
					}
					return remote.Answer{Out: out + "== end\n"}
				}
				if r := w.ask(id)[id+".imaps@here"]; r.Outcome != want {
					t.Errorf("%s is %s: %s", id, r.Outcome, r.Saw)
				}
			}
		})
	}
}
