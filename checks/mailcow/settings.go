package mailcow

import (
	"context"
	"fmt"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
)

func init() {
	checks.Register(checks.Check{
		ID: "mailcow.settings", Rests: []string{"host.ssh@"}, Step: "mailcow", Title: "Mailcow's settings are those that the tunnel needs",
		Page: checks.Page{
			Asks:    "Does mailcow.conf still bind what the world may use to the tunnel's address, and leave IPv6 and its own certificates off? An update of Mailcow writes the file anew, and switches IPv6 on wherever the host has it.",
			OK:      "It does.",
			Fail:    "Some settings are others; they are named with what they should be.",
			Skip:    "There is no Mailcow, or the mail server is another.",
			Unknown: "The host could not be asked.",
			Mends:   "The chapter Mailcow sets them again.",
		},
		Guide: "mailcow, Updating Mailcow", Reads: seen.OfMailcow.Reads,
		Ask: each(checks.Question{Want: "settings that keep Mailcow behind the tunnel", Fix: "mailcow", Likely: "its update or somebody wrote mailcow.conf anew, or the chapter was not done yet"}, there(judgeSettings)),
	})
}

func judgeSettings(_ context.Context, e *checks.Env, q checks.Question, v *checks.Vantage, now seen.Mailcow) checks.Result {
	s, addr := e.Site, e.Site.Tunnel.Mail.String()
	var wrong []string
	for _, one := range [][2]string{
		{"HTTP_BIND", addr}, {"HTTPS_BIND", addr}, {"HTTPS_PORT", fmt.Sprint(s.Ports.Web)},
		{"SMTP_PORT", fmt.Sprintf("%s:%d", addr, s.Ports.SMTP)}, {"SMTPS_PORT", fmt.Sprintf("%s:%d", addr, s.Ports.Submissions)},
		{"SUBMISSION_PORT", fmt.Sprintf("%s:%d", addr, s.Ports.Submission)}, {"IMAPS_PORT", fmt.Sprintf("%s:%d", addr, s.Ports.IMAPS)},
		{"ENABLE_IPV6", "false"}, {"SKIP_LETS_ENCRYPT", "y"}, {"MAILCOW_HOSTNAME", s.Hostname},
	} {
		if was, said := now.Set[one[0]]; !strings.EqualFold(was, one[1]) {
			is := remote.Clean(was).Line(40)
			if !said || was == "" {
				is = "not set"
			}
			wrong = append(wrong, one[0]+" is "+is+", not "+one[1])
		}
	}
	if now.Set["ENABLE_IPV6"] == "true" {
		q.Likely = "its update switched IPv6 on again, as it does wherever the host has it: over IPv6 Docker hides who connects"
	}
	return q.None(wrong, "mailcow.conf binds Mailcow to %s", addr)
}
