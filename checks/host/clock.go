package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

// WireGuard refuses a handshake that is older than the last, certificates begin and end, and one-time codes last 30 s.
const (
	clockWarn = 30 * time.Second
	clockFail = 5 * time.Minute
)

func init() {
	checks.Register(checks.Check{
		ID: "host.clock", Rests: []string{"host.ssh@"}, Step: "network", Title: "The clocks agree", Guide: "network, Network Architecture",
		Page: checks.Page{
			Asks:  "Do the clocks of the hosts and of this machine agree? Certificates, log lines and the tunnel's handshake go by them.",
			OK:    "They agree.",
			Warn:  "They differ a little, or only the clock of this machine is off.",
			Fail:  "They differ so much that certificates or handshakes may be refused.",
			Mends: "On the host that is off: timedatectl set-ntp true; on FreeBSD: sysrc ntpd_enable=YES && service ntpd start. If it stays off, packets of the time service (UDP 123) may not leave.",
		},
		Reads: checks.Join(seen.Systems.Reads, seen.Clock.Reads), Ask: askClock,
	})
}

func askClock(_ context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "clocks that differ by less than " + clockWarn.String(), Fix: "set the host's clock: timedatectl set-ntp true",
		Likely: "no time service runs on the host, or its packets are filtered"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		if h.BSD() {
			q.Fix = "set the host's clock: sysrc ntpd_enable=YES && service ntpd start"
		}
		ahead, synced, err := clockOf(v)
		if err != nil {
			return q.Cannot(err)
		}
		apart, agrees := ahead.Abs(), false
		saw := drift(ahead) + " against here"
		for _, other := range e.Site.Hosts {
			ov, err := e.Look(other)
			if other.Name == h.Name || err != nil {
				continue
			}
			if oa, _, err := clockOf(ov); err == nil {
				between := ahead - oa
				saw += fmt.Sprintf(", %s against %s", drift(between), other.Name)
				apart, agrees = max(apart, between.Abs()), agrees || between.Abs() <= clockWarn
			}
		}
		if synced {
			saw += "; set by its time service"
		}
		switch {
		case apart > clockWarn && agrees:
			return q.Warn(saw, "the clock here is wrong: the hosts agree", "")
		case apart > clockFail:
			return q.Fail(saw, "", "")
		case apart > clockWarn:
			return q.Warn(saw, "", "")
		}
		return q.OK("%s", saw)
	}, site.Proxy, site.Mail)
}

// clockOf is how far the host's clock is ahead of ours.
func clockOf(v *checks.Vantage) (ahead time.Duration, synced bool, err error) {
	clock, err := seen.Clock.Of(v.Facts)
	if err == nil && v.Facts.At.IsZero() {
		err = errors.New("it is not known when the host was looked at")
	}
	return clock.Now.Sub(v.Facts.At.Truncate(time.Second)), clock.Synced, err
}

func drift(d time.Duration) string {
	switch {
	case d > 0:
		return d.String() + " ahead"
	case d < 0:
		return (-d).String() + " behind"
	}
	return "equal"
}
