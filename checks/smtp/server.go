package smtp

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "smtp.server", Rests: []string{"host.ssh@"}, Step: "haraka", Title: "The mail host's server knows its place behind the proxy",
		Page: checks.Page{
			Asks:    "Is the mail host's Postfix, its own or one in a container, set so that it believes the proxy about who sent a mail where Haraka passes it on, believes it in nothing else, and sends its mail by the proxy? Its settings are read, as Postfix itself tells them.",
			OK:      "It is.",
			Warn:    "It is not told whether all of it is so: a setting is a table of its own.",
			Fail:    "It would relay whatever comes from the proxy; or it does not know who sends; or its mail leaves by another way. The result says which.",
			Skip:    "No Postfix is found on the mail host. What another server does, smtp.relay and the others see from outside.",
			Unknown: "The host could not be asked.",
			Mends:   "The chapter Haraka sets these, and shows each before. Mailcow's it sets in its extra.cf; for a Postfix in another container it has the lines to copy.",
		},
		Guide: "mailcow, Starting Mailcow", Reads: seen.Postfix.Reads, Ask: checks.Linux(askServer),
	})
}

func askServer(_ context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "a mail server that believes the proxy about senders at most, and sends by it", Fix: "haraka", Likely: "it was set up for another place, or changed by hand"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		if e.Site.Hostname == "" {
			return q.Skip("the site has no names yet")
		}
		now, err := seen.Postfix.Of(v.Facts)
		switch {
		case err != nil:
			return q.Cannot(err)
		case now.Absent, !now.Active:
			return q.Skip("no Postfix is found on %s", h.Name)
		}
		if now.Container != "" && e.Site.Mail.Kind == "plain" {
			q.Fix = "set it in the container " + now.Container + ": 'postern plan haraka' has the lines to copy"
		}
		return judgeServer(q, e.Site, now)
	}, site.Mail)
}

func judgeServer(q checks.Question, s *site.Site, now seen.Mailer) checks.Result {
	var wrong []string
	proxy := s.TunnelAddress(s.HostsOf(site.Proxy)[0])
	relay := fmt.Sprintf("[%s]:%d", proxy, s.Ports.Relay)
	quote := func(name string) string { return remote.Clean(now.Set[name]).Line(80) }
	believed, unsure := now.Believes(proxy)
	trusts := slices.Contains(now.Words("smtpd_authorized_xclient_hosts"), proxy.String())
	if len(believed) > 0 {
		wrong = append(wrong, fmt.Sprintf("mynetworks holds %s, so whatever comes from the proxy is sent on to anybody: an open relay waiting", remote.Clean(strings.Join(believed, ", ")).Line(80)))
	}
	if name := now.Set["myhostname"]; !strings.EqualFold(name, s.Hostname) {
		wrong = append(wrong, "it calls itself "+quote("myhostname")+", which is not the name of the proxy's address")
	}
	switch was := now.Set["relayhost"]; {
	case s.Mail.Path == "haraka" && was == "":
		wrong = append(wrong, "relayhost is empty: mail leaves from home")
	case s.Mail.Path == "haraka" && was != relay:
		wrong = append(wrong, "mail leaves by "+quote("relayhost")+", not by the proxy")
	case s.Mail.Path == "direct" && was == relay:
		wrong = append(wrong, "mail is handed to "+relay+", where nobody takes it any more")
	}
	switch {
	case s.Mail.Path == "haraka" && !trusts:
		wrong = append(wrong, "XCLIENT from the proxy is not believed: every mail seems to come from "+proxy.String())
	case s.Mail.Path == "haraka" && now.Set["inet_protocols"] != "all":
		wrong = append(wrong, "inet_protocols is "+quote("inet_protocols")+": it does not take the address of a sender over IPv6")
	case s.Mail.Path == "direct" && trusts:
		wrong = append(wrong, "XCLIENT from the proxy is still believed, and nothing there needs it")
	}
	if len(wrong) == 0 && len(unsure) > 0 {
		return q.Warn("mynetworks names "+remote.Clean(strings.Join(unsure, ", ")).Line(80)+", of which it cannot be told whether the proxy is in it", "a table of its own", "")
	}
	return q.None(wrong, "it is set for %s", s.Mail.Path)
}
