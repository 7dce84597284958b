package checks

import (
	"context"
	"fmt"

	"postern/remote"
	"postern/site"
)

func init() {
	register(Check{
		ID: "host.ssh", Step: "network", Way: true, Title: "A login works", Guide: "network, Network Architecture",
		Reads: reads(readSSH), Ask: askSSH,
	})
	register(Check{
		ID: "host.privilege", Step: "network", Way: true, Title: "The login can become root and change the system", Guide: "network, Network Architecture",
		Reads: reads(readRoot), Ask: askRoot,
	})
}

func askSSH(_ context.Context, e *Env) []Result {
	q := question{want: "a login that works", fix: "network"}
	return eachHost(e, q, func(q question, h *site.Host, v *Vantage) Result {
		via, listens, err := sshOf(v.Facts)
		switch {
		case err != nil:
			return q.cannot(err)
		case h.Local || e.HereIs == h.Name:
			return q.skip("the program runs on this host: it needs no login")
		case !via.server.IsValid():
			return q.unknown("the host did not tell how we are connected", "sudo or the login shell drops SSH_CONNECTION")
		}
		return q.ok("logged in from %s to %s; sshd listens on port %s", via.client.Addr(), via.server, join(listens))
	}, site.Proxy, site.Mail)
}

func askRoot(_ context.Context, e *Env) []Result {
	q := question{want: "root, and a system that can be written", fix: "network"}
	return eachHost(e, q, func(q question, h *site.Host, v *Vantage) Result {
		s, err := parts(v.Facts, readRoot)
		if err != nil {
			return q.cannot(err)
		}
		uid, etc := s.one("uid"), s.one("etc")
		switch {
		case uid == "" || (etc != "writable" && etc != "read only"):
			return q.unknown("the host did not say who we are", "")
		case uid != "0":
			return q.fail(fmt.Sprintf("user %s", remote.Clean(uid).Line(20)), "the login may not use sudo or su", "")
		case etc != "writable":
			return q.fail("root, and /etc cannot be written", "the file system is mounted read only, often after a disk error", "")
		case s.one("name") != "":
			return q.ok("root by sudo as %s", remote.Clean(s.one("name")).Line(40))
		}
		return q.ok("root")
	}, site.Proxy, site.Mail)
}

func join(list []int) string {
	text := ""
	for i, n := range list {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprint(n)
	}
	return blank(text, "none that was told")
}
