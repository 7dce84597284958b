package mailcow

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"postern/checks"
	"postern/seen"
)

func init() {
	checks.Register(checks.Check{
		ID: "mailcow.ports", Rests: []string{"mailcow.settings@", "mailcow.containers@", "tunnel.unit@", "host.ssh@"}, Step: "mailcow", Title: "Mailcow listens behind the tunnel alone",
		Page: checks.Page{
			Asks:    "Which ports does Mailcow publish, and on which addresses? Docker is asked what it publishes now, and Compose what Mailcow's files would have it publish at the next start.",
			OK:      "Those of the mail system are on the tunnel's address, the others on the loopback; where clients at home may connect directly (mail.lan), theirs are on the host's address there, too.",
			Fail:    "A port is on another address, past the firewall of the host; or one that the mail system needs is not on the tunnel's.",
			Skip:    "There is no Mailcow, or the mail server is another.",
			Unknown: "The host could not be asked.",
			Mends:   "The chapter Mailcow binds them. What a docker-compose.override.yml publishes, whoever wrote that changes.",
		},
		Guide: "mailcow, Starting Mailcow", Reads: checks.Join(seen.OfMailcow.Reads, seen.Docker.Reads, seen.Addresses.Reads),
		Ask: each(checks.Question{Want: "ports on the tunnel's address or the loopback only", Fix: "mailcow", Likely: "Mailcow's usual settings publish on all addresses, and Docker lets that in before ufw"}, there(judgePorts)),
	})
}

func judgePorts(_ context.Context, e *checks.Env, q checks.Question, v *checks.Vantage, now seen.Mailcow) checks.Result {
	docker, err := seen.Docker.Of(v.Facts)
	if err != nil {
		return q.Cannot(err)
	}
	runs := publishedBy(now, docker)
	home := e.HomePorts(v)
	inside := func(p seen.Published) bool {
		return p.Addr.IsLoopback() || p.Addr == e.Site.Tunnel.Mail || p.First == p.Last && slices.Contains(home, netip.AddrPortFrom(p.Addr, uint16(p.First)))
	}
	var wrong []string
	for _, list := range [][]seen.Published{runs, now.Publishes} {
		for _, p := range list {
			if text := fmt.Sprintf("%d/%s of %s is on %s", p.First, p.Proto, p.Container, p.Addr); !inside(p) && !slices.Contains(wrong, text) {
				wrong = append(wrong, text)
			}
		}
	}
	if len(wrong) == 0 && now.Begun() {
		for _, port := range []int{e.Site.Ports.SMTP, e.Site.Ports.Submissions, e.Site.Ports.Submission, e.Site.Ports.IMAPS, e.Site.Ports.Web} {
			if !slices.ContainsFunc(runs, func(p seen.Published) bool {
				return p.Addr == e.Site.Tunnel.Mail && p.First <= port && port <= p.Last
			}) {
				wrong = append(wrong, fmt.Sprintf("%d/tcp is not on %s", port, e.Site.Tunnel.Mail))
			}
		}
	}
	also := ""
	if len(home) > 0 {
		also = fmt.Sprintf(", for clients at home on %s,", home[0].Addr())
	}
	return q.None(wrong, "%d ports, on %s%s and the loopback alone", len(runs), e.Site.Tunnel.Mail, also)
}
