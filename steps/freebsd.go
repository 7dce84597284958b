package steps

import (
	"strings"

	"postern/seen"
	"postern/site"
)

// oldFreeBSD says why a FreeBSD host cannot be set up, "" where it can.
func oldFreeBSD(h *site.Host, now seen.Host) string {
	major, _, _ := strings.Cut(now.Release, ".")
	switch {
	case now.Release == "":
		return h.Name + ": which release of FreeBSD it runs could not be told, so it is left alone"
	case major != "13" && major != "14" && major != "15":
		return h.Name + " runs FreeBSD " + now.Release + ", and 13, 14 and 15 are set up: bring it to one of them"
	case now.Tools != nil && !now.Tools["lockf"]:
		return h.Name + " runs FreeBSD " + now.Release + ", whose lockf cannot lock a file that is open (14.0 has such a one): nothing could take a change back there, so bring it to a newer release (freebsd-update upgrade)"
	case onlyIPv6(h, now):
		return onlyIPv6Text(h)
	}
	return ""
}

// unproven tells of a FreeBSD host what was never tried on one.
func unproven(h *site.Host, now seen.Host) []Note {
	if now.Kernel != site.FreeBSD || oldFreeBSD(h, now) != "" {
		return nil
	}
	return []Note{{Host: h.Name, Warn: true, Text: "runs FreeBSD: chapters 1 to 3 are set up there, and were never run on a FreeBSD host by us; have its console at hand"}}
}

// abroad are the hosts of a role that run FreeBSD.
func abroad(s *site.Site, look Look, role site.Role) (names []string) {
	for _, h := range s.HostsOf(role) {
		if now, err := seen.Systems.Of(look[h.Name]); err == nil && now.Kernel == site.FreeBSD {
			names = append(names, h.Name)
		}
	}
	return names
}

// foreignMailcow says why Mailcow is not set up on the mail host's system.
func foreignMailcow(s *site.Site, look Look) (why []string) {
	for _, name := range abroad(s, look, site.Mail) {
		why = append(why, name+" runs FreeBSD, and Mailcow needs Docker under Linux: take a Debian host for it, or a mail server of your own (mail.kind = plain)")
	}
	return why
}

// foreignMail says why neither path of mail is set up on the system of a host.
func foreignMail(s *site.Site, look Look) (why []string) {
	for _, name := range abroad(s, look, site.Proxy) {
		if s.Mail.Path == "haraka" {
			why = append(why, name+" runs FreeBSD, where Haraka is not set up, because its services are units of systemd: have the mail host take mail itself (mail.path = direct), or set Haraka up there by hand")
		}
	}
	for _, name := range abroad(s, look, site.Mail) {
		why = append(why, name+" runs FreeBSD, where the way of its mail through the tunnel is not set up, because it needs Linux's routing by port: set its mail server up by hand, and ask with 'postern check smtp'")
	}
	return why
}

// foreignWeb says why no web server is set up on the system of a host.
func foreignWeb(s *site.Site, look Look) (why []string) {
	for _, name := range append(abroad(s, look, site.Proxy), abroad(s, look, site.Mail)...) {
		why = append(why, name+" runs FreeBSD, where neither Caddy nor what hands its certificate over is set up, because they are packages of Debian and units of systemd: set a web server up there by hand, and ask with 'postern check web'")
	}
	return why
}
