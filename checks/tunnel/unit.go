package tunnel

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "tunnel.unit", Rests: []string{"host.ssh@"}, Step: "wireguard", Title: "The tunnel's unit has it up",
		Page: checks.Page{
			Asks:    "Does each host have the tunnel's interface, and where it has none, what does the unit say that brings it up? Its last words are read.",
			OK:      "The interface is there.",
			Fail:    "It is not: the unit was stopped, or it failed, or somebody took the interface away. All that goes through the tunnel fails with it.",
			Unknown: "The host could not be read, or has neither systemd nor FreeBSD's rc.",
			Mends:   "The chapter WireGuard starts it. Where it fails again, its last words say why.",
		},
		Guide: "wireguard, Making WireGuard Persistent",
		Reads: checks.Join(seen.Systems.Reads, seen.RCConf.Reads, seen.UnitsOf.Reads, seen.Tunnels.Reads), Ask: checks.Linux(askUnit),
	})
}

func askUnit(ctx context.Context, e *checks.Env) []checks.Result {
	iface := e.Site.Tunnel.Interface
	unit := strings.TrimSuffix(seen.TunnelUnit(iface), ".service")
	q := checks.Question{Want: "the interface " + iface + ", which " + unit + " brings up", Fix: "wireguard"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		w, err := runs(v.Facts)
		switch {
		case err != nil:
			return q.Cannot(err)
		case w.Runs():
			return q.OK("%s is there", iface)
		case w.Unset:
			return q.Fail("there is no "+fileTunnel(e.Site, h), "the chapter was not done yet", "")
		case w.Absent:
			return q.Fail("WireGuard is not installed", "its package was taken away", "")
		}
		if h.BSD() {
			name, rc, _, err := starts(e, h, v)
			if err != nil {
				return q.Cannot(err)
			}
			return q.Fail(fmt.Sprintf("there is no interface %s; %s is %s", iface, name, rc.AtBoot), "somebody took it down (wg-quick down), or it was not started at boot", "")
		}
		units, err := checks.UnitsOf(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		u := units.By[unit+".service"]
		said, _ := checks.Ask(ctx, e.Site, v, seen.LastWords(unit))
		evidence := fmt.Sprintf("%s: %s, %s at boot\n%s", unit, cmp.Or(u.State, "dead"), cmp.Or(u.AtBoot, "not"), strings.Join(said, "\n"))
		switch {
		case u.Active:
			return q.Fail(fmt.Sprintf("there is no interface %s, and %s says that it is active", iface, unit), "somebody took the interface away, or its program died", evidence)
		case u.Failed && len(said) > 0:
			return q.Fail(unit+" "+u.Stopped(e.Now), "its last words: "+said[len(said)-1], evidence)
		}
		return q.Fail(unit+" "+u.Stopped(e.Now), "somebody stopped it, or it was not started at boot", evidence)
	}, site.Proxy, site.Mail)
}
