package host

import (
	"context"
	"slices"
	"strings"
	"time"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{ID: "host.boot", Rests: []string{"host.ssh@"}, Step: "network", Title: "After a reboot one gets in by SSH", Guide: "network, Network Architecture",
		Page: checks.Page{
			Asks:    "Would sshd start if the host did? Its units are asked by all of their names, drop-ins and conditions included: ssh.service, sshd.service, and ssh.socket, which starts it when somebody comes. Nothing is restarted for it.",
			OK:      "One of them starts at boot.",
			Fail:    "No sshd waits for anybody now, or none does after a reboot: the sshd that runs was started by hand, or its unit was disabled since. After a reboot only the provider's console leads in.",
			Unknown: "The host has neither systemd nor FreeBSD's rc, no unit of sshd is known there, or what it starts was altered.",
			Mends:   "On the host: systemctl enable ssh (on FreeBSD: sysrc sshd_enable=YES), or what keeps its condition from holding taken away.",
		}, Reads: checks.Join(seen.Systems.Reads, seen.RCConf.Reads, seen.Listeners.Reads, seen.UnitsOf.Reads), Ask: askBoot})
}

// doors are the units that start sshd, by all of their names.
var doors = []string{"ssh.service", "sshd.service", "ssh.socket"}

// shut says that no sshd waits for anybody now, "" when one does or none is known.
func shut(u seen.Units, now time.Time) (why string) {
	for _, name := range doors {
		switch unit := u.By[name]; {
		case unit.Active:
			return ""
		case unit.Loaded && why == "":
			why = name + " " + unit.Stopped(now)
		}
	}
	return why
}

func askBoot(_ context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "sshd starts at boot", Fix: "on the host: systemctl enable ssh", Likely: "it was disabled, and the one that runs was started before or by hand"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		if h.BSD() {
			return askRC(e, q, h, v)
		}
		u, err := checks.UnitsOf(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		if why := shut(u, e.Now); why != "" && (h.Local || e.HereIs == h.Name) { // who came by SSH knows that it runs
			q.Fix = "on the host: systemctl start ssh"
			return q.Fail(why, "somebody stopped it: nobody gets in by SSH now", "")
		}
		var off, fails, unsure []string
		for _, name := range doors {
			switch unit := u.By[name]; {
			case !unit.Loaded && unit.AtBoot == "", unit.AtBoot == "alias":
			case !unit.Enabled():
				off = append(off, name+" is "+unit.AtBoot)
			case len(unit.Fail) > 0:
				fails = append(fails, unit.Fails(name)...)
			case len(unit.Altered) > 0:
				unsure = append(unsure, unit.Altered...)
			default:
				return q.OK("%s starts at boot", name)
			}
		}
		switch {
		case len(unsure) > 0:
			return q.Unknown(checks.Few(unsure), "a file of the administrator's changes the unit")
		case len(off)+len(fails) > 0:
			return q.Fail(strings.Join(append(fails, off...), "; "), "", "")
		case h.Local || e.HereIs == h.Name:
			return q.Skip("the program runs on this host: it needs no login")
		}
		return q.Unknown("no unit of sshd is known on the host", "another program lets you in")
	}, site.Proxy, site.Mail)
}

// askRC asks rc.conf of a FreeBSD host: sshd of the base system, or that of the package.
func askRC(e *checks.Env, q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
	q.Fix = "on the host: sysrc sshd_enable=YES"
	rc, err := seen.RCConf.Of(v.Facts)
	if err != nil {
		return q.Cannot(err)
	}
	listeners, err := seen.Listeners.Of(v.Facts)
	runs := slices.ContainsFunc(listeners, func(l seen.Listener) bool { return l.Process == "sshd" })
	switch {
	case err != nil:
		return q.Cannot(err)
	case rc.Yes("sshd_enable") || rc.Yes("openssh_enable"):
		return q.OK("sshd starts at boot, by rc.conf")
	case !runs && (h.Local || e.HereIs == h.Name):
		return q.Skip("the program runs on this host: it needs no login")
	case !runs:
		return q.Unknown("no sshd is known on the host", "another program lets you in")
	}
	return q.Fail("sshd_enable is not YES in rc.conf", "", "")
}
