package steps

import (
	"fmt"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

// The files by which Mailcow has its Postfix set: it reads them as it starts.
const (
	extraCF   = seen.MailcowDir + "/data/conf/postfix/extra.cf"
	permitted = seen.MailcowDir + "/data/conf/postfix/custom_postscreen_whitelist.cidr"
)

// mailcowServer has Mailcow's Postfix believe the proxy about who sent a mail, where Haraka says so, and send by it. At each start Mailcow
// writes myhostname anew, at the beginning and nowhere else: as it stands there, the file stays as it is.
//
// guide: mailcow, Starting Mailcow: the guide never tells Postfix whom to believe, nor where outgoing mail goes.
func mailcowServer(s *site.Site, h *site.Host) does.Table {
	proxy := s.TunnelAddress(s.HostsOf(site.Proxy)[0]).String()
	believed, relay, family, permit := proxy, relayOf(s), "all", proxy+"/32 permit\n" // the address of a sender over IPv6 is told by XCLIENT
	if s.Mail.Path != "haraka" {
		believed, relay, family, permit = "", "", "ipv4", "" // the proxy's address, by which it leaves, is one of IPv4
	}
	keys := []does.Key{{Name: "myhostname", Value: s.Hostname}, {Name: "inet_protocols", Value: family},
		{Name: "smtpd_authorized_xclient_hosts", Value: believed}, {Name: "relayhost", Value: relay}}
	again := mailcowProject(s, h).Again("postfix", seen.MailcowPostfix)
	again.Config = []string{extraCF, permitted}
	again.Test = "i=$(docker ps -q --filter label=com.docker.compose.service=" + seen.MailcowPostfix + " 2>/dev/null | head -n 1)\n[ -n \"$i\" ] || exit 0\n"
	for _, key := range keys {
		again.Test += fmt.Sprintf("[ \"$(docker exec \"$i\" postconf -h %s)\" = %s ] || exit 1\n", key.Name, remote.Quote(key.Value))
	}
	return does.Table{Step: "haraka", Things: []does.Thing{
		does.Keys{Path: extraCF, Syntax: does.MainCF, Set: keys, Made: true, Top: true, InTurn: true},
		does.Block{Path: permitted, Text: permit, Made: true, Title: "spare the proxy the wait that strangers get at the greeting, in " + permitted},
		again,
	}}
}

// planMailcowServer sets it, where there is a Mailcow.
func planMailcowServer(s *site.Site, h *site.Host, f remote.Facts, p *Plan) {
	now, err := seen.OfMailcow.Of(f)
	if err != nil {
		p.Refused = append(p.Refused, fmt.Sprintf("%s: %s: how Mailcow stands could not be seen: %v", p.Step, h.Name, err))
		return
	}
	if now.Absent || !current(now) {
		p.Notes = append(p.Notes, Note{Host: h.Name, Text: "there is no Mailcow yet: once the chapter Mailcow is in place, apply this one again"})
		return
	}
	_, changes, err := mailcowServer(s, h).Plan(f)
	if err != nil {
		p.Refused = append(p.Refused, err.Error())
		return
	}
	p.add(h, changes)
}
