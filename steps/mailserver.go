package steps

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

const mainCF = "/etc/postfix/main.cf"

// testMainCF has Postfix read a new main.cf, beside its own master.cf, before anything is changed.
const testMainCF = `d=$(mktemp -d)
cp "$NEW" "$d/main.cf" && cp /etc/postfix/master.cf "$d/" && postconf -c "$d" -n >/dev/null
rc=$?
rm -rf "$d"
exit $rc`

// mailReads is what must be seen of a mail host's own mail server.
func mailReads(s *site.Site, h *site.Host) []remote.Query {
	if s.Mail.Kind == "mailcow" {
		return append(seen.OfMailcow.Reads(s, h), mailcowServer(s, h).Reads()...)
	}
	return append(seen.Postfix.Reads(s, h), postfixTable(nil, false).Reads()...)
}

// postfixTable has Postfix set so; it takes most of it up by itself, but for where it listens and where it sends.
func postfixTable(keys []does.Key, anew bool) does.Table {
	return does.Table{Step: "haraka", Things: []does.Thing{
		does.Keys{Path: mainCF, Syntax: does.MainCF, Set: keys, Test: testMainCF, InTurn: true}, // each of its processes reads it as it starts
		does.Unit{Name: "postfix.service", Config: []string{mainCF}, Reload: !anew},
	}}
}

// planMailServer has a Postfix on the mail host do its part: the site's name, who may say who sent a mail, where outgoing mail goes, and
// nobody else's word for it. Another mail server is told by a person, and so is one in a container, whose files are none of the host's.
func planMailServer(s *site.Site, h *site.Host, f remote.Facts, p *Plan) {
	if s.Mail.Kind == "mailcow" {
		planMailcowServer(s, h, f, p)
		return
	}
	now, err := seen.Postfix.Of(f)
	switch {
	case err != nil:
		p.Refused = append(p.Refused, fmt.Sprintf("%s: %s: which mail server it has could not be seen: %v", p.Step, h.Name, err))
		return
	case now.Absent || !now.Active || now.Container != "":
		if w, missing := work(s, Step{Needs: []string{"hostname"}}); missing == "" {
			p.Tasks = append(p.Tasks, w.mailServerTask(now))
		}
		return
	}
	keys, notes := postfixKeys(s, h, now)
	for _, text := range notes {
		p.Notes = append(p.Notes, Note{Host: h.Name, Warn: true, Text: text})
	}
	if len(keys) == 0 {
		return
	}
	// What sends a mail just now would go on with the way that it began with, and try the next server by it.
	anew := slices.ContainsFunc(keys, func(k does.Key) bool { return strings.HasPrefix(k.Name, "inet_") || k.Name == "relayhost" })
	_, changes, err := postfixTable(keys, anew).Plan(f)
	if err != nil {
		p.Refused = append(p.Refused, err.Error())
		return
	}
	p.add(h, changes)
}

// add puts guarded changes of a host to those that it has.
func (p *Plan) add(h *site.Host, changes []remote.Change) {
	if len(changes) == 0 {
		return
	}
	at := slices.IndexFunc(p.Parts, func(one Part) bool { return one.Host == h.Name && !one.Inert })
	if at < 0 {
		at = len(p.Parts)
		p.Parts = append(p.Parts, Part{Host: h.Name})
	}
	p.Parts[at].Changes = append(p.Parts[at].Changes, changes...)
}

// postfixKeys are the settings that are not as they must be, and what is to be told of them.
//
// guide: mailcow, Starting Mailcow: the guide never tells Postfix whom to believe, nor where outgoing mail goes.
func postfixKeys(s *site.Site, h *site.Host, now seen.Mailer) (keys []does.Key, notes []string) {
	set := func(name, value string) {
		if now.Set[name] != value {
			keys = append(keys, does.Key{Name: name, Value: value})
		}
	}
	proxy, mail, relay := s.TunnelAddress(s.HostsOf(site.Proxy)[0]), s.TunnelAddress(h), relayOf(s)
	set("myhostname", s.Hostname)
	if believed, unsure := now.Believes(proxy); len(believed) > 0 {
		rest := slices.DeleteFunc(now.Words("mynetworks"), func(word string) bool { return slices.Contains(believed, word) })
		set("mynetworks", cmp.Or(strings.Join(rest, " "), "127.0.0.0/8 [::1]/128"))
		notes = append(notes, fmt.Sprintf("mynetworks holds %s, so whatever comes from the proxy's %s may be sent on to anybody: an open relay waiting; it is taken out", strings.Join(believed, ", "), proxy))
	} else if len(unsure) > 0 {
		notes = append(notes, "mynetworks names "+remote.Clean(strings.Join(unsure, ", ")).Line(80)+", of which it cannot be told whether the proxy's "+proxy.String()+" is in it: it must not be, that is an open relay waiting")
	}
	if listens := now.Words("inet_interfaces"); !slices.Contains(listens, "all") && !slices.Contains(listens, mail.String()) {
		set("inet_interfaces", "all")
	}
	trusted := now.Words("smtpd_authorized_xclient_hosts")
	if s.Mail.Path == "haraka" {
		set("inet_protocols", "all") // the address of a sender over IPv6 is told by XCLIENT
		if !slices.Contains(trusted, proxy.String()) {
			set("smtpd_authorized_xclient_hosts", strings.Join(append(trusted, proxy.String()), " "))
		}
	} else if slices.Contains(trusted, proxy.String()) {
		set("smtpd_authorized_xclient_hosts", strings.Join(slices.DeleteFunc(trusted, func(word string) bool { return word == proxy.String() }), " "))
	}
	switch was := now.Set["relayhost"]; {
	case s.Mail.Path == "haraka":
		if set("relayhost", relay); was != "" && was != relay {
			notes = append(notes, "outgoing mail went by "+remote.Clean(was).Line(80)+" (relayhost), and goes by the proxy then")
		}
	case was == relay:
		set("relayhost", "")
	case was != "":
		notes = append(notes, "outgoing mail goes by "+remote.Clean(was).Line(80)+" (relayhost), which stays: the SPF record must name what that sends from")
	}
	return keys, notes
}

// relayOf is where the mail host hands outgoing mail to on the proxy, as Postfix writes it.
func relayOf(s *site.Site) string {
	return fmt.Sprintf("[%s]:%d", s.TunnelAddress(s.HostsOf(site.Proxy)[0]), s.Ports.Relay)
}

// mailServerTask tells a person what another mail server than the host's own Postfix must be set to, such as a Postfix in a container.
func (w handwork) mailServerTask(now seen.Mailer) Task {
	text, copy := directServerText, directServerCopy
	if w.haraka() {
		text, copy = harakaServerText, harakaServerCopy
	}
	container, begin := now.Container, "No Postfix runs on %MAIL% itself; what follows is for it, others have the same.\n"
	if container != "" {
		if believed, _ := now.Believes(w.s.TunnelAddress(w.proxy)); len(believed) == 0 { // its neighbours may need what stands there
			copy = strings.Replace(copy, ownNetworks, "", 1)
		}
		begin = "Postfix runs on %MAIL% in the container " + container + ".\nOne that is made anew forgets this: put it also where its image reads its settings.\n"
		copy = strings.NewReplacer("\npostconf", "\ndocker exec "+container+" postconf", "systemctl restart postfix", "docker restart "+container).Replace(copy)
	}
	t := w.task("haraka.server", "set the mail server on %MAIL% up for its place behind the tunnel", begin+text, copy)
	if container != "" {
		return t.measuredBy("smtp.server") // which knows Postfix alone
	}
	return t
}

const ownNetworks = "postconf -e 'mynetworks = 127.0.0.0/8 [::1]/128'\n"

const harakaServerText = `It takes mail on %TM% port %SMTP%; where it listens on that alone, it starts after the tunnel.
XCLIENT: %PROXY% (%TP%) may say who really sent a mail, and nobody else may.
Without it every mail seems to come from %TP%, and spam filter and bans are blind.
Outgoing mail goes to %TP% port %RELAY%; the world must never see the address at home.
Do NOT add %TP% to mynetworks: that would make an open relay of whatever slips through.`

const harakaServerCopy = `
# on %MAIL%, as root
postconf -e 'myhostname = %HOST%' 'inet_interfaces = all' 'inet_protocols = all'
` + ownNetworks + `postconf -e 'smtpd_authorized_xclient_hosts = %TP%' 'relayhost = [%TP%]:%RELAY%'
systemctl restart postfix`

const directServerText = `It takes mail on %TM% port %SMTP%; where it listens on that alone, it starts after the tunnel.
Strangers come with their own addresses; outgoing mail finds its way through the tunnel by itself.
It says %HOST% where it greets, as the reverse name of %P4% does.
Do NOT add %TP% to mynetworks: that would make an open relay of whatever slips through.`

const directServerCopy = `
# on %MAIL%, as root
postconf -e 'myhostname = %HOST%' 'inet_interfaces = all'
` + ownNetworks + `postconf -e 'relayhost =' 'smtpd_authorized_xclient_hosts ='
systemctl restart postfix`
