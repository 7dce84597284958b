// Package host asks about each host by itself: whether one gets in, may change it, and its clock. It knows nothing of mail.
package host

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
		ID: "host.ssh", Step: "network", Way: true, Title: "A login works", Guide: "network, Network Architecture",
		Page: checks.Page{
			Asks:    "Does a login by SSH work, from where to where, and on which ports does sshd listen?",
			OK:      "It works; the addresses are those the firewall admits.",
			Unknown: "No login worked, or the host does not tell how we are connected (sudo may drop SSH_CONNECTION).",
			Skip:    "This program runs on the host itself, which needs no login.",
			Mends:   "Chapter Network asks for the destination; 'Ways in' in the wizard has others, through the proxy or by the console.",
		},
		Reads: checks.Join(seen.SSH.Reads, seen.Rules.Reads, seen.PFRules.Reads), Ask: askSSH,
	})
	checks.Register(checks.Check{
		ID: "host.privilege", Rests: []string{"host.ssh@"}, Step: "network", Way: true, Title: "The login can become root and change the system", Guide: "network, Network Architecture",
		Page: checks.Page{
			Asks:  "Can the login become root, and can the system be written? Each host says who we are and tries nothing.",
			OK:    "Root, and /etc can be written.",
			Fail:  "The login may not become root, or the file system is read only, which it often is after a disk error.",
			Mends: "Log in as root, or as a user who may use sudo or su: chapter Network asks for the destination. A read-only disk wants the provider, or fsck.",
		},
		Reads: seen.Privilege.Reads, Ask: askRoot,
	})
}

func askSSH(_ context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "a login that works", Fix: "network"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		via, err := seen.SSH.Of(v.Facts)
		switch {
		case err != nil:
			return q.Cannot(err)
		case h.Local || e.HereIs == h.Name:
			return q.Skip("the program runs on this host: it needs no login")
		case !via.Server.IsValid():
			return q.Unknown("the host did not tell how we are connected", "sudo or the login shell drops SSH_CONNECTION")
		}
		watch := ""
		switch limit, limits, err := seen.LimitsOf(v.Facts, via.Ports); {
		case err == nil && limits && h.BSD():
			via.Watch = append(via.Watch, fmt.Sprintf("a rule of pf (more than %d connections in %d s)", limit.Count, limit.Seconds))
		case err == nil && limits:
			via.Watch = append(via.Watch, "a limit of the firewall's")
		}
		if len(via.Watch) > 0 {
			watch = "; who connects too often is turned away by " + strings.Join(via.Watch, ", ")
		}
		return q.OK("logged in from %s to %s; sshd listens on port %s%s", via.Client.Addr(), via.Server, join(via.Ports), watch)
	}, site.Proxy, site.Mail)
}

var askRoot = checks.OfHosts(seen.Privilege, checks.Question{Want: "root, and a system that can be written", Fix: "network"},
	func(q checks.Question, may seen.Rights) checks.Result {
		switch {
		case !may.Root:
			return q.Fail(fmt.Sprintf("user %s", may.UID.Line(20)), "the login may not use sudo or su", "")
		case !may.Writable:
			return q.Fail("root, and /etc cannot be written", "the file system is mounted read only, often after a disk error", "")
		case may.User.String() != "":
			return q.OK("root by sudo as %s", may.User.Line(40))
		}
		return q.OK("root")
	})

func join(list []int) string {
	text := ""
	for i, n := range list {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprint(n)
	}
	return cmp.Or(text, "none that was told")
}
