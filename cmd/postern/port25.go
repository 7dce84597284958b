package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"postern/checks"
	"postern/checks/smtp"
	"postern/remote"
	"postern/report"
	"postern/site"
)

// port25Cmd is the checklist of outgoing port 25.
type port25Cmd struct {
	Watch    bool          `help:"Ask one mail server after the other until one answers: then ring the bell, and exit 0."`
	Interval time.Duration `default:"3m" help:"How long --watch waits between two of them; 10s at least."`
	Asked    bool          `help:"Note that the provider was asked today."`
	Ticket   string        `placeholder:"NUMBER" help:"Note its number for that."`
	Answer   string        `placeholder:"WORDS" help:"Note what it said."`
}

type port25JSON struct {
	Schema  int          `json:"schema"`
	At      time.Time    `json:"at"`
	Open    bool         `json:"open"`
	State   string       `json:"state"`
	Asked   string       `json:"asked"`
	Ticket  string       `json:"ticket"`
	Answer  string       `json:"answer"`
	Opened  string       `json:"opened"`
	Letter  string       `json:"letter"`
	Results []resultJSON `json:"results"` // with the signals of each
	Exit    int          `json:"exit"`
}

// Run measures, and says what is left to do: by hand, at the host or at the provider.
func (c *port25Cmd) Run(ctx context.Context, a *app) error {
	if c.Interval < 10*time.Second {
		return usage("", "--interval %q is less than 10s", c.Interval)
	}
	from, err := a.answers(true)
	if err == nil {
		err = c.note(a, from)
	}
	if err != nil {
		return err
	}
	results, err := c.ask(ctx, a, from, false, report.Port25Checks...)
	if err != nil {
		return unasked(err)
	}
	if out, _ := report.Outbound(results); strings.Contains(out.Likely, smtp.Packets) && !c.Watch && c.agree(ctx, a) {
		again, err := c.ask(ctx, a, from, true, "smtp.outbound")
		if err != nil {
			return unasked(err)
		}
		results = append(slices.DeleteFunc(results, func(r checks.Result) bool { return r.Step == again[0].Step }), again...)
	}
	if err := c.tell(a, from, results); err != nil {
		return err
	}
	if out, _ := report.Outbound(results); c.Watch && (out.Outcome == checks.Fail || out.Outcome == checks.Unknown) {
		if results, err = c.watch(ctx, a, from, results); err != nil {
			return err
		}
	}
	if code := c.exit(results); code != exitOK {
		return silent(code)
	}
	return nil
}

// exit is about the port alone: what else is not ok has checks of its own.
func (c *port25Cmd) exit(results []checks.Result) int {
	out, _ := report.Outbound(results)
	return checks.Exit([]checks.Result{out})
}

// note keeps what became of asking.
func (c *port25Cmd) note(a *app, from *answers) error {
	notes := [][2]string{{"port25.ticket", c.Ticket}, {"port25.answer", c.Answer}}
	if c.Asked || c.Ticket != "" && from.file.Site.Port25.Asked == "" {
		notes = append(notes, [2]string{"port25.asked", a.world.now().Format(time.DateOnly)})
	}
	return from.keep(notes...)
}

// ask asks checks over new logins, of the answers with the mail servers of this round.
func (c *port25Cmd) ask(ctx context.Context, a *app, from *answers, packets bool, ids ...string) ([]checks.Result, error) {
	r, err := a.begin("port25", from)
	if err != nil {
		return nil, err
	}
	defer a.finish(r)
	r.Packet = packets
	r.Result = func(one checks.Result) { a.log.line(report.Result(one).Text) }
	results, err := r.Check(ctx, ids)
	if err == nil && len(results) == 0 {
		err = fmt.Errorf("nothing was asked")
	}
	return results, err
}

// agree asks whether a host may be looked at more closely, which tells its own firewall from the provider.
func (c *port25Cmd) agree(ctx context.Context, a *app) bool {
	if a.sim != nil {
		return false
	}
	a.say.prose(plain, "To tell the server's own firewall from the provider, the same mail servers are dialled once more while the server tells which packets to and from port %d pass it. Nothing is changed there, and nothing stays.", site.WorldSMTP)
	agreed, err := a.agreed(ctx, "Do that now?", "it", "dialled again")
	return err == nil && agreed
}

// tell shows the checklist, and notes since when the port is open, or that it is not any more.
func (c *port25Cmd) tell(a *app, from *answers, results []checks.Result) error {
	now := a.world.now()
	letter, open := report.Port25Letter(detected(from.site, results), results), report.Port25Open(results)
	a.say.lines(report.Port25(from.site, results, letter, now))
	if _, ask := report.Outbound(results); ask && from.site.Port25.Asked == "" && letter.Copy != "" {
		a.say.prose(plain, "When you have asked: postern port25 --ticket NUMBER (or --asked) keeps it; --watch tells when it is open.")
	}
	if today := now.Format(time.DateOnly); open && from.site.Port25.Opened != today {
		if err := from.keep([2]string{"port25.opened", today}); err != nil {
			return err
		}
	}
	if a.JSON {
		p := from.site.Port25
		object := port25JSON{schema, now, open, report.Port25State(from.site, results, now), p.Asked, p.Ticket, p.Answer, p.Opened, letter.Copy, resultObjects(results), c.exit(results)}
		if c.Watch && !open {
			return a.say.json(object, false)
		}
		a.final(object)
	}
	return nil
}

// detected is the answers, with the proxy's address as it was seen where nobody gave it.
func detected(s *site.Site, results []checks.Result) *site.Site {
	out, _ := report.Outbound(results)
	signals, _ := out.Signals.(smtp.Signals)
	at, err := netip.ParseAddr(signals.From)
	s = s.Clone()
	for _, h := range s.HostsOf(site.Proxy) {
		if err == nil && !h.Public4.IsValid() {
			h.Public4 = at
		}
	}
	return s
}

// watch asks one mail server after the other, until one answers and a whole measurement says so, too.
func (c *port25Cmd) watch(ctx context.Context, a *app, from *answers, results []checks.Result) ([]checks.Result, error) {
	a.say.line(plain, "asking one mail server every %s; ctrl+c ends it", c.Interval)
	a.quiet = true
	all := from.site.Port25.Exchangers
	tick := time.NewTicker(c.Interval)
	defer tick.Stop()
	for last, i := "", 0; ; i++ {
		select {
		case <-ctx.Done():
			return results, nil
		case <-tick.C:
		}
		one := *from
		one.site = from.site.Clone()
		one.site.Port25.Exchangers = all[i%len(all) : i%len(all)+1]
		found, err := c.ask(ctx, a, &one, false, "smtp.outbound")
		if err == nil && report.Port25Open(found) {
			found, err = c.ask(ctx, a, from, false, report.Port25Checks...)
		}
		switch {
		case ctx.Err() != nil:
			return results, nil
		case err != nil:
			a.say.line(amber, "%s could not ask: %s", a.world.now().Format(time.TimeOnly), remote.Words(err))
			continue
		case report.Port25Open(found):
			a.say.bell()
			return found, c.tell(a, from, found)
		}
		out, _ := report.Outbound(found)
		if said := string(out.Outcome) + out.Saw.Line(40); said != last {
			a.say.line(plain, "%s %s", a.world.now().Format(time.TimeOnly), strings.TrimSpace(report.Result(out).Text))
			last = said
		}
	}
}
