package tunnel

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "tunnel.boot", Rests: []string{"tunnel.unit@"}, Step: "wireguard", Title: "After a reboot the tunnel is as it is now",
		Page: checks.Page{
			Asks:    "Would the tunnel be up after a reboot, as it is now? The unit (on FreeBSD rc.conf), its file, the key that the file leads to and the routing that its commands make are compared with what runs on each host. Private and preshared keys do not leave it. Nothing is restarted for it.",
			OK:      "It starts at boot, with what runs now.",
			Fail:    "It would not start, or be another one: it was started by hand, or its file or key was edited and not loaded.",
			Unknown: "The host could not be read, or the file has settings whose effect is not judged.",
			Mends:   "The chapter WireGuard.",
		},
		Guide: "wireguard, Making WireGuard Persistent",
		Reads: func(s *site.Site, h *site.Host) []remote.Query {
			return checks.Join(seen.Systems.Reads, seen.RCConf.Reads, seen.UnitsOf.Reads, seen.Tunnels.Reads, seen.Docker.Reads, seen.Keys.Reads, seen.Addresses.Reads,
				seen.Routing.Reads, seen.Rules.Reads, checks.Files(fileTunnel(s, nil), fileTunnel(s, &site.Host{System: site.FreeBSD})))(s, h)
		},
		Ask: checks.Linux(askTunnelBoot),
	})
}

// fileTunnel is the file of the tunnel on a host; nil stands for one of Linux.
func fileTunnel(s *site.Site, h *site.Host) string { return folder(h) + s.Tunnel.Interface + ".conf" }

func folder(h *site.Host) string {
	if h != nil && h.BSD() {
		return seen.WireGuardBSD + "/"
	}
	return "/etc/wireguard/"
}

// starts is what the host's init says of the tunnel: its unit, or what rc.conf makes of it; by what name, and whether a change is open.
func starts(e *checks.Env, h *site.Host, v *checks.Vantage) (name string, u seen.Unit, all seen.Units, err error) {
	name = "wg-quick@" + e.Site.Tunnel.Interface
	if !h.BSD() {
		all, err = checks.UnitsOf(v.Facts)
		return name, all.By[name+".service"], all, err
	}
	rc, err := seen.RCConf.Of(v.Facts)
	all.Armed = rc.Armed
	name = "rc's wireguard (wireguard_enable, wireguard_interfaces)"
	if u.AtBoot = "off for " + e.Site.Tunnel.Interface; rc.Yes("wireguard_enable") && slices.Contains(strings.Fields(rc.Value["wireguard_interfaces"]), e.Site.Tunnel.Interface) {
		u.AtBoot = "enabled"
	}
	return name, u, all, err
}

func askTunnelBoot(_ context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "the tunnel starts at boot with what runs now", Fix: "wireguard", Likely: "it was started by hand, or its file was edited and not loaded"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		unit, own, u, err := starts(e, h, v)
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
		file, known := v.Facts.File(fileTunnel(e.Site, h))
		switch {
		case !known:
			return q.Unknown(fileTunnel(e.Site, h)+" could not be read", "")
		case file == nil:
			return q.Fail("there is no "+fileTunnel(e.Site, h), "the chapter was not done yet", "")
		case w.Absent:
			return q.Fail("WireGuard is not installed", "", "")
		}
		var wrong []string
		if !own.Enabled() {
			wrong = append(wrong, unit+" is "+cmp.Or(own.AtBoot, "absent"))
		}
		wrong = append(wrong, own.Fails(unit)...)
		if u.By["wireguard.service"].Enabled() {
			wrong = append(wrong, "the guide's wireguard.service starts too and makes the same interface")
		}
		if docker, err := seen.Docker.Of(v.Facts); !h.BSD() && (err != nil || !docker.Absent) {
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
		return q.None(wrong, "%s is enabled, and %s says what runs", unit, fileTunnel(e.Site, h))
	}, site.Proxy, site.Mail)
}
