package tunnel

import (
	"cmp"
	"context"
	"slices"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "tunnel.boot", Rests: []string{"tunnel.unit@"}, Step: "wireguard", Title: "After a reboot the tunnel is as it is now",
		Page: checks.Page{
			Asks:    "Would the tunnel be up after a reboot, as it is now? The unit, its file, the key that the file leads to and the routing that its commands make are compared with what runs on each host. Private and preshared keys do not leave it. Nothing is restarted for it.",
			OK:      "It starts at boot, with what runs now.",
			Fail:    "It would not start, or be another one: it was started by hand, or its file or key was edited and not loaded.",
			Unknown: "The host could not be read, or the file has settings whose effect is not judged.",
			Mends:   "The chapter WireGuard.",
		},
		Guide: "wireguard, Making WireGuard Persistent",
		Reads: func(s *site.Site, h *site.Host) []remote.Query {
			return checks.Join(seen.UnitsOf.Reads, seen.Tunnels.Reads, seen.Docker.Reads, seen.Keys.Reads, seen.Addresses.Reads,
				seen.Routing.Reads, seen.Rules.Reads, checks.Files(fileTunnel(s)))(s, h)
		},
		Ask: checks.Linux(askTunnelBoot),
	})
}

func fileTunnel(s *site.Site) string { return "/etc/wireguard/" + s.Tunnel.Interface + ".conf" }

func askTunnelBoot(_ context.Context, e *checks.Env) []checks.Result {
	unit := "wg-quick@" + e.Site.Tunnel.Interface
	q := checks.Question{Want: unit + " starts at boot with what runs now", Fix: "wireguard", Likely: "it was started by hand, or its file was edited and not loaded"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		u, err := checks.UnitsOf(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		if u.Armed {
			return q.Skip(checks.Waiting)
		}
		w, err := runs(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		file, known := v.Facts.File(fileTunnel(e.Site))
		switch {
		case !known:
			return q.Unknown(fileTunnel(e.Site)+" could not be read", "")
		case file == nil:
			return q.Fail("there is no "+fileTunnel(e.Site), "the chapter was not done yet", "")
		case w.Absent:
			return q.Fail("WireGuard is not installed", "", "")
		}
		var wrong []string
		own := u.By[unit+".service"]
		if !own.Enabled() {
			wrong = append(wrong, unit+" is "+cmp.Or(own.AtBoot, "absent"))
		}
		wrong = append(wrong, own.Fails(unit)...)
		if u.By["wireguard.service"].Enabled() {
			wrong = append(wrong, "the guide's wireguard.service starts too and makes the same interface")
		}
		if docker, err := seen.Docker.Of(v.Facts); err != nil || !docker.Absent {
			waits := u.By["docker.service"]
			if h.Role == site.Mail && waits.Enabled() && !slices.Contains(waits.After, unit+".service") {
				wrong = append(wrong, "Docker does not wait for the tunnel: containers on its address will not start")
			}
		}
		if !w.Link {
			return q.None(append(wrong, "the interface does not run"), "")
		}
		c := confOf(e.Site.Tunnel.Interface, file.Text)
		more, err := anew{e.Site, h, v.Facts, c, w}.differs()
		if err != nil {
			return q.Cannot(err)
		}
		if wrong = append(wrong, more...); len(wrong) == 0 && len(c.strange)+len(own.Altered) > 0 {
			return q.Unknown("what is not judged: "+checks.Few(append(c.strange, own.Altered...)), "it was put there by hand")
		}
		return q.None(wrong, "%s is enabled, and %s says what runs", unit, fileTunnel(e.Site))
	}, site.Proxy, site.Mail)
}
