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
	q := checks.Question{Want: "clients at home (mail.lan) reach Mailcow at the host's own address", Fix: "mailcow", Likely: "the answers changed and the chapter was not applied since, or the host has another address than it had"}
	checks.Register(checks.Check{
		ID: "mailcow.lan", Rests: []string{"mailcow.containers@", "host.ssh@"}, Step: "mailcow", Title: "Clients at home reach Mailcow directly, where that is asked for",
		Page: checks.Page{
			Asks: "Where the answer mail.lan names networks at home: does Mailcow publish the ports of mail programs at the host's address there, now and at its next start, and do the rules that run let these networks on? " +
				"Where this place is in one of them, it dials.",
			OK:      "Clients there are let on to it.",
			Fail:    "A port is not published there, or a rule keeps clients back; it is named.",
			Skip:    "Nobody at home is to reach it directly (mail.lan is empty), or there is no Mailcow, or it was not started yet, or the mail server is another.",
			Unknown: "The host could not be asked, its address at home is not known, or a rule is not understood.",
			Mends:   "The chapter Mailcow publishes them. Where a file of your own says what Compose does beside Mailcow's, it tells the lines to add there.",
		},
		Guide: "mailcow, Starting Mailcow", Reads: reads,
		Ask: func(ctx context.Context, e *checks.Env) []checks.Result {
			all := each(q, judgeLAN)(ctx, e)
			if len(e.Site.Mail.LAN) == 0 {
				return all
			}
			return append(all, fromHere(e, q, func(q checks.Question, v *checks.Vantage, _ seen.Mailcow, who, _ netip.Addr) checks.Result {
				ports := e.HomePorts(v)
				if len(ports) == 0 || !seen.Inside(e.Site.Mail.LAN, who) {
					return q.Skip("this place, %s, is in none of the networks of mail.lan", who)
				}
				var silent []string
				for i, p := range dialled(ctx, e, ports) {
					if p.Answer != checks.Open {
						silent = append(silent, ports[i].String()+": "+p.Said())
					}
				}
				return q.None(silent, "%d ports answer from here", len(ports))
			})...)
		},
	})
}

func judgeLAN(_ context.Context, e *checks.Env, q checks.Question, v *checks.Vantage, now seen.Mailcow) checks.Result {
	switch {
	case len(e.Site.Mail.LAN) == 0:
		return q.Skip("nobody at home is to reach it directly: mail.lan is empty")
	case !now.Begun():
		return q.Skip("it was not started yet")
	}
	k, err := houseOf(e, v, now)
	if err != nil {
		return q.Cannot(err)
	}
	ports := e.HomePorts(v)
	if len(ports) == 0 {
		return q.Unknown("no address of the host at home is known, of IPv4", "mail.lan names networks of IPv6 alone, or the host has no such address")
	}
	var wrong []string
	for _, to := range ports {
		published := func(p seen.Published) bool {
			return p.Proto == "tcp" && p.Addr == to.Addr() && p.First <= int(to.Port()) && int(to.Port()) <= p.Last
		}
		switch {
		case !slices.ContainsFunc(now.Publishes, published):
			wrong = append(wrong, fmt.Sprintf("Mailcow's files publish nothing at %s", to))
		case !slices.ContainsFunc(k.runs, published):
			wrong = append(wrong, fmt.Sprintf("no container listens at %s yet", to))
		}
	}
	if len(wrong) > 0 && (now.Set["COMPOSE_FILE"] != "" || len(now.Overrides) > 0) {
		q.Fix = "add to your own Compose file what 'postern plan mailcow' shows, then run: docker compose up -d, in " + seen.MailcowDir
	}
	if len(wrong) > 0 {
		return q.None(wrong, "")
	}
	unsure := k.lan(ports, &wrong)
	if len(wrong) == 0 && len(unsure) > 0 {
		return q.Unknown("it cannot be told whether they are let on: "+checks.Few(unsure), "a rule of another program, which is not understood")
	}
	return q.None(wrong, "%s reach it at %s", seen.Joined(e.Site.Mail.LAN), ports[0].Addr())
}

// lan follows what each network of mail.lan sends to these ports, which must be let on.
func (k *house) lan(ports []netip.AddrPort, wrong *[]string) (unsure []string) {
	for _, network := range k.e.Site.Mail.LAN {
		if network.Addr().Is6() {
			continue
		}
		for _, to := range ports {
			who, door := someone(network, []netip.Prefix{netip.PrefixFrom(to.Addr(), to.Addr().BitLen())}), k.doorOf(network)
			f, _ := k.rules.Reaches(seen.Packet{Proto: "tcp", Src: who, Dst: to.Addr(), Port: int(to.Port()), In: door}, k.at)
			what := fmt.Sprintf("%s to %s", who, to)
			switch {
			case f.Unsure:
				unsure = append(unsure, what+", by "+f.Doubt.Rule)
			case f.Verdict != "ACCEPT":
				*wrong = append(*wrong, what+" is turned away, by "+f.Rule)
			}
		}
	}
	return unsure
}

// doorOf is the interface by which those of a network come: one in it, else that of the route there.
func (k *house) doorOf(network netip.Prefix) string {
	for _, door := range k.at.Doors(k.e.Site.Tunnel.Interface) {
		if slices.ContainsFunc(k.at.On(door.Name), func(a seen.Address) bool { return a.Addr().Is4() && a.Masked().Overlaps(network) }) {
			return door.Name
		}
	}
	return k.at.Towards(network.Addr())
}
