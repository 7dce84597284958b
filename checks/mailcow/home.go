package mailcow

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

func init() {
	q := checks.Question{Want: "nobody at home reaches Mailcow's containers but those of mail.lan", Fix: "mailcow",
		Likely: "the rules that keep them off were taken away, or another rule comes first"}
	checks.Register(checks.Check{
		ID: "mailcow.home", Rests: []string{"mailcow.containers@", "host.ssh@"}, Step: "mailcow", Title: "Nobody at home comes to Mailcow past the tunnel",
		Page: checks.Page{
			Asks: "Would somebody at home be let on to Mailcow's containers? A neighbour can send what is for the tunnel's address, or for a container's own, to the mail host as to a router, and Docker sends it on before ufw is asked. " +
				"Such packets are followed through the rules that run, from every network of the host; the same is asked of ports that an update may publish one day, and of mail that containers send by themselves. " +
				"Where this place is at home, it dials the host there, too.",
			OK:      "They are turned away, now and after a reboot; only the networks of mail.lan are let on to the ports that are theirs.",
			Fail:    "They are let on, and the rule is named; or mail of the containers may leave by the line at home.",
			Skip:    "There is no Mailcow, or it was not started yet, or the mail server is another.",
			Unknown: "The host's rules could not be read, or one of them is not understood: it is quoted.",
			Mends:   "The chapter Mailcow puts its rules before all others of DOCKER-USER. A rule of somebody else's that comes before Docker's own is theirs to take away.",
		},
		Guide: "firewall, Client Server Firewall Configuration", Reads: reads,
		Ask: func(ctx context.Context, e *checks.Env) []checks.Result {
			return append(each(q, judgeHome)(ctx, e), fromHere(e, q, func(q checks.Question, v *checks.Vantage, now seen.Mailcow, who, met netip.Addr) checks.Result {
				return dialHome(ctx, e, q, v, now, who, met)
			})...)
		},
	})
}

func judgeHome(_ context.Context, e *checks.Env, q checks.Question, v *checks.Vantage, now seen.Mailcow) checks.Result {
	if !now.Begun() {
		return q.Skip("it was not started yet")
	}
	k, err := houseOf(e, v, now)
	if err != nil {
		return q.Cannot(err)
	}
	units, err := checks.UnitsOf(v.Facts)
	if err != nil {
		return q.Cannot(err)
	}
	asked := k.published()
	k.later()
	if e.Site.Mail.Path != "direct" { // there smtp.leaves asks the routing
		k.leaves()
	}
	if !units.Armed && !units.By[seen.MailcowUnit].Enabled() {
		k.wrong = append(k.wrong, "after a reboot nobody would be turned away: "+seen.MailcowUnit+" does not start then")
	}
	switch {
	case len(k.wrong) > 0:
		r := q.Fail(checks.Few(k.wrong), "", strings.Join(k.wrong, "\n"))
		r.Type = k.undo
		return r
	case len(k.unsure) > 0:
		return q.Unknown("it cannot be told whether somebody at home is let on: "+checks.Few(k.unsure), "a rule of another program, which is not understood")
	}
	return q.OK("of %d ways to it from home none is open", asked)
}

// boxes are the containers and ports that Docker lets connections on to, and the bridge that they are behind. Those of what is published on the
// loopback are among them: who knows a container's address reaches them as well.
func (k *house) boxes() (all []seen.Packet) {
	for _, way := range k.ways(true) {
		_, end := k.rules.Reaches(seen.Packet{Proto: "tcp", Src: k.rules.Strangers()[0], Dst: way.Addr(), Port: int(way.Port()), In: k.e.Site.Tunnel.Interface}, k.at)
		if end.Beyond && end.Dst != way.Addr() && !slices.ContainsFunc(all, func(had seen.Packet) bool { return had.Dst == end.Dst && had.Port == end.Port }) {
			all = append(all, end)
		}
	}
	return all
}

// published follows what somebody at home may send to the addresses that Mailcow is published at, and to the containers' own.
func (k *house) published() (asked int) {
	ways := k.ways(false)
	for _, box := range k.boxes() {
		ways = append(ways, netip.AddrPortFrom(box.Dst, uint16(box.Port)))
	}
	k.each(func(door string, who netip.Addr) {
		for _, to := range ways {
			f, end := k.rules.Reaches(seen.Packet{Proto: "tcp", Src: who, Dst: to.Addr(), Port: int(to.Port()), In: door}, k.at)
			if end.Beyond && slices.ContainsFunc(k.at.Doors(""), func(out seen.Interface) bool { return out.Name == end.Out }) {
				continue // while the tunnel is down its address is nobody's here, and is sent elsewhere
			}
			k.judge(f, who, fmt.Sprintf("%s reaches %s, coming by %s", who, to, door))
			asked++
		}
	})
	return asked
}

// later asks of ports that nobody publishes now: once Docker does, it lets in whom nothing in DOCKER-USER turns away before.
func (k *house) later() {
	const hook = "DOCKER-USER"
	bridge, inside := seen.MailcowBridge, [2]netip.Addr{netip.MustParseAddr("172.22.1.254"), netip.MustParseAddr("fd4d:6169:6c63:6f77::fe")}
	boxes := k.boxes()
	if len(boxes) > 0 {
		bridge, inside[0] = cmp.Or(boxes[0].Out, bridge), boxes[0].Dst
	}
	for i, family := range k.rules.Families() {
		if family.Hangs("filter", "FORWARD", hook) == 0 {
			if i == 0 && len(boxes) > 0 {
				k.wrong = append(k.wrong, "Docker sends connections on, and nothing asks "+hook+" before")
			}
			continue // nothing of that family is sent on by Docker
		}
		k.each(func(door string, who netip.Addr) {
			if i == 1 {
				who = k.rules.Strangers()[1]
			}
			for _, one := range site.MailcowInside {
				p := seen.Packet{Proto: "tcp", Src: who, Dst: inside[i], Port: one.Port, In: door, Out: bridge, Beyond: true, Was: netip.AddrPortFrom(inside[i], uint16(one.Port))}
				f := family.Tables["filter"].Lets(hook, p)
				falls := strings.HasPrefix(f.Rule, "policy of ")
				if falls {
					f.Verdict = "ACCEPT"
				}
				what := fmt.Sprintf("what an update publishes would be open over IP%s to who comes by %s", family.Name, door)
				switch {
				case one.Port == 0:
				case !falls || f.Unsure:
					k.judge(f, who, what)
				case !slices.Contains(k.wrong, what+": no rule of "+hook+" turns them away"):
					k.wrong = append(k.wrong, what+": no rule of "+hook+" turns them away")
				}
			}
		})
	}
}

// leaves asks whether mail that a container sends to the world by itself is kept from the line at home.
func (k *house) leaves() {
	boxes := k.boxes()
	if len(boxes) == 0 || k.at.Device == k.e.Site.Tunnel.Interface {
		return
	}
	box := boxes[0] // all are behind one bridge
	p := seen.Packet{Proto: "tcp", Src: box.Dst, Dst: k.rules.Strangers()[0], Port: site.WorldSMTP, In: box.Out, Out: k.at.Device, Beyond: true}
	p.Was = netip.AddrPortFrom(p.Dst, uint16(p.Port))
	k.judge(k.rules.Crosses(p), p.Dst, fmt.Sprintf("mail that %s sends by itself leaves by %s", box.Dst, k.at.Device))
}

// dialHome dials the host from where the program runs, at home: at the ports of the mail system, and those that are published.
func dialHome(ctx context.Context, e *checks.Env, q checks.Question, v *checks.Vantage, now seen.Mailcow, who, met netip.Addr) checks.Result {
	k, err := houseOf(e, v, now)
	if err != nil {
		return q.Cannot(err)
	}
	var ports []netip.AddrPort
	add := func(port int) {
		at := netip.AddrPortFrom(met, uint16(port))
		if admitted := seen.Inside(e.Site.Mail.LAN, who) && slices.Contains(e.HomePorts(v), at); !admitted && !slices.Contains(ports, at) && len(ports) < 12 {
			ports = append(ports, at)
		}
	}
	for _, port := range []int{e.Site.Ports.SMTP, e.Site.Ports.Submissions, e.Site.Ports.Submission, e.Site.Ports.IMAPS, e.Site.Ports.Web} {
		add(port)
	}
	for _, at := range k.ways(false) {
		add(int(at.Port()))
	}
	var open []string
	for i, p := range dialled(ctx, e, ports) {
		switch {
		case p.Answer == checks.Open:
			open = append(open, ports[i].String()+" answers")
		case p.Mute():
			return q.Unknown(ports[i].String()+": "+p.Said(), "this place cannot ask")
		}
	}
	return q.None(open, "at home none of %d ports answers at %s", len(ports), met)
}
