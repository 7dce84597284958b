package families

import (
	"net/netip"
	"strings"

	"postern/checks"
)

// What Docker and the second layer add to the rules of a mail host, as iptables-save shows them.
const (
	dockerForward = `-A FORWARD -j DOCKER-USER
-A FORWARD -o br-mailcow -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o br-mailcow -j DOCKER
-A FORWARD -i br-mailcow ! -o br-mailcow -j ACCEPT
-A FORWARD -i br-mailcow -o br-mailcow -j ACCEPT
`
	dockerAccepts = `-A DOCKER -d 172.22.1.253/32 ! -i br-mailcow -o br-mailcow -p tcp -m tcp --dport 25 -j ACCEPT
-A DOCKER -d 172.22.1.250/32 ! -i br-mailcow -o br-mailcow -p tcp -m tcp --dport 993 -j ACCEPT
-A DOCKER -d 172.22.1.3/32 ! -i br-mailcow -o br-mailcow -p tcp -m tcp --dport 3306 -j ACCEPT
`
	layerRules = `-A DOCKER-USER -j postern-mailcow
-A DOCKER-USER -j RETURN
-A postern-mailcow -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN
-A postern-mailcow -d 192.168.0.0/16 -i br-mailcow -p tcp -m tcp --dport 25 -j RETURN
-A postern-mailcow -i br-mailcow ! -o wg0 -p tcp -m tcp --dport 25 -j REJECT --reject-with icmp-admin-prohibited
-A postern-mailcow -i br-mailcow -j RETURN
-A postern-mailcow ! -o br-mailcow -j RETURN
-A postern-mailcow -i wg0 -j RETURN
-A postern-mailcow -s 192.168.50.0/24 -p tcp -m conntrack --ctorigdst 192.168.50.2 --ctorigdstport 993 -j RETURN
-A postern-mailcow -j DROP
`
	dockerNAT = `*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER -i br-mailcow -j RETURN
-A DOCKER -d 10.0.0.2/32 ! -i br-mailcow -p tcp -m tcp --dport 25 -j DNAT --to-destination 172.22.1.253:25
-A DOCKER -d 10.0.0.2/32 ! -i br-mailcow -p tcp -m tcp --dport 993 -j DNAT --to-destination 172.22.1.250:993
-A DOCKER -d 127.0.0.1/32 ! -i br-mailcow -p tcp -m tcp --dport 13306 -j DNAT --to-destination 172.22.1.3:3306
-A DOCKER -d 192.168.50.2/32 ! -i br-mailcow -p tcp -m tcp --dport 993 -j DNAT --to-destination 172.22.1.250:993
COMMIT
`
)

// neighbourly is a world whose mail host has a Mailcow with its rules, of which something is said otherwise.
func neighbourly(old, new string) func(*world) {
	return func(w *world) {
		mailcow("", "")(w)
		const input, forward, mangle = ":INPUT DROP [466:27960]\n", "-A FORWARD -j ufw-before-logging-forward\n", "*mangle\n"
		w.edit("mail", readRules, input, input+":DOCKER - [0:0]\n:DOCKER-USER - [0:0]\n:postern-mailcow - [0:0]\n")
		w.edit("mail", readRules, forward, dockerForward+forward+layerRules+dockerAccepts)
		w.edit("mail", readRules, mangle, dockerNAT+mangle)
		w.edit("mail", readUnits, "== units\n", "== units\nId=postern-mailcow.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\n")
		w.edit("mail", "addresses", "== routes4\n", "7: br-mailcow    inet 172.22.1.1/24 scope global br-mailcow\\ x\n== routes4\n172.22.1.0/24 dev br-mailcow proto kernel scope link src 172.22.1.1\n192.168.50.0/24 dev eth0 proto kernel scope link src 192.168.50.2\n")
		w.edit("mail", readDocker, "10.0.0.2:993->993/tcp", "10.0.0.2:993->993/tcp, 127.0.0.1:13306->3306/tcp")
		for id, a := range w.env.Hosts["mail"].Facts.Answers {
			a.Out = strings.Replace(a.Out, old, new, 1)
			w.env.Hosts["mail"].Facts.Answers[id] = a
		}
	}
}

// admitting has clients at home connect directly: what is published says so, and the answers.
func admitting(old, new string) func(*world) {
	return func(w *world) {
		neighbourly("", "")(w)
		w.env.Site.Mail.LAN = []netip.Prefix{netip.MustParsePrefix("192.168.50.0/24")}
		w.edit("mail", readRules, "--ctorigdstport 993 -j RETURN\n", "--ctorigdstport 993 -j RETURN\n"+sameFor("465")+sameFor("587"))
		w.edit("mail", readRules, "--dport 993 -j DNAT --to-destination 172.22.1.250:993\nCOMMIT", "--dport 993 -j DNAT --to-destination 172.22.1.250:993\n"+
			"-A DOCKER -d 192.168.50.2/32 -p tcp -m tcp --dport 465 -j DNAT --to-destination 172.22.1.253:465\n-A DOCKER -d 192.168.50.2/32 -p tcp -m tcp --dport 587 -j DNAT --to-destination 172.22.1.253:587\nCOMMIT")
		w.edit("mail", readRules, dockerAccepts, dockerAccepts+"-A DOCKER -d 172.22.1.253/32 -o br-mailcow -p tcp -m tcp --dport 465 -j ACCEPT\n-A DOCKER -d 172.22.1.253/32 -o br-mailcow -p tcp -m tcp --dport 587 -j ACCEPT\n")
		w.edit("mail", "mailcow", "== now\n", "dovecot-mailcow|192.168.50.2|993|tcp\npostfix-mailcow|192.168.50.2|465|tcp\npostfix-mailcow|192.168.50.2|587|tcp\n== now\n")
		w.edit("mail", readDocker, "== ps\n", "== ps\nmc-postfix-mailcow-1|192.168.50.2:993->993/tcp, 192.168.50.2:465->465/tcp, 192.168.50.2:587->587/tcp\n")
		for id, a := range w.env.Hosts["mail"].Facts.Answers {
			a.Out = strings.Replace(a.Out, old, new, 1)
			w.env.Hosts["mail"].Facts.Answers[id] = a
		}
	}
}

func sameFor(port string) string {
	return "-A postern-mailcow -s 192.168.50.0/24 -p tcp -m conntrack --ctorigdst 192.168.50.2 --ctorigdstport " + port + " -j RETURN\n"
}

func answering(key string) func(*world) { return func(w *world) { w.strangers = key } }

var mailcowHomeStories = []story{
	{"nobody comes in", "mailcow.home", "mailcow.home@mail", neighbourly("", ""), checks.OK, "none is open"},
	{"nobody is hung in", "mailcow.home", "mailcow.home@mail", neighbourly("-A DOCKER-USER -j postern-mailcow\n", ""), checks.Fail, "192.168.50.3 reaches 10.0.0.2:25, coming by eth0, by -A DOCKER -d 172.22.1.253/32"},
	{"no last rule", "mailcow.home", "mailcow.home@mail", neighbourly("-A postern-mailcow -j DROP\n", ""), checks.Fail, "what an update publishes would be open over IPv4 to who comes by eth0"},
	{"only what is published is turned away", "mailcow.home", "mailcow.home@mail", neighbourly("-A postern-mailcow -j DROP\n", "-A postern-mailcow -p tcp -m multiport --dports 25,465,587,993,8443 -j DROP\n"), checks.Fail, "what an update publishes"},
	{"a container's own address", "mailcow.home", "mailcow.home@mail", neighbourly("-A postern-mailcow -j DROP\n", "-A postern-mailcow -m conntrack --ctorigdst 10.0.0.2 -j DROP\n"), checks.Fail, "reaches 172.22.1.253:25"},
	{"what is published on the loopback", "mailcow.home", "mailcow.home@mail", neighbourly("-A postern-mailcow -j DROP\n", "-A postern-mailcow -p tcp -m multiport ! --dports 3306 -j DROP\n"), checks.Fail, "reaches 172.22.1.3:3306"},
	{"another rule first", "mailcow.home", "mailcow.home@mail", neighbourly("-A DOCKER-USER -j postern-mailcow\n", "-A DOCKER-USER -s 192.168.50.0/24 -j ACCEPT\n-A DOCKER-USER -j postern-mailcow\n"), checks.Fail, "by -A DOCKER-USER -s 192.168.50.0/24 -j ACCEPT"},
	{"another rule before Docker's", "mailcow.home", "mailcow.home@mail", neighbourly("-A FORWARD -j DOCKER-USER\n", "-A FORWARD -i eth0 -p tcp -j ACCEPT\n-A FORWARD -j DOCKER-USER\n"), checks.Fail, "by -A FORWARD -i eth0 -p tcp -j ACCEPT"},
	{"nobody asks it", "mailcow.home", "mailcow.home@mail", neighbourly("-A FORWARD -j DOCKER-USER\n", ""), checks.Fail, "nothing asks DOCKER-USER before"},
	{"a rule that is not understood", "mailcow.home", "mailcow.home@mail", neighbourly("-A DOCKER-USER -j postern-mailcow\n", "-A DOCKER-USER -m set --match-set friends src -j ACCEPT\n-A DOCKER-USER -j postern-mailcow\n"), checks.Unknown, "--match-set friends"},
	{"bans come first", "mailcow.home", "mailcow.home@mail", neighbourly("-A DOCKER-USER -j postern-mailcow\n", "-A DOCKER-USER -m set --match-set bad src -j DROP\n-A DOCKER-USER -j postern-mailcow\n"), checks.OK, "none is open"},
	{"mail leaves by itself", "mailcow.home", "mailcow.home@mail", neighbourly("-A postern-mailcow -i br-mailcow ! -o wg0", "-A postern-mailcow -i br-other ! -o wg0"), checks.Fail, "mail that 172.22.1.253 sends by itself leaves by eth0"},
	{"mail is kept by the routing", "mailcow.home", "mailcow.home@mail", also(neighbourly("-A postern-mailcow -i br-mailcow ! -o wg0", "-A postern-mailcow -i br-other ! -o wg0"), func(w *world) { w.env.Site.Mail.Path = "direct" }), checks.OK, "none is open"},
	{"not at boot", "mailcow.home", "mailcow.home@mail", neighbourly("Id=postern-mailcow.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled", "Id=postern-mailcow.service\nLoadState=loaded\nActiveState=active\nUnitFileState=disabled"), checks.Fail, "after a reboot nobody would be turned away"},
	{"the tunnel is down", "mailcow.home", "mailcow.home@mail", also(neighbourly("", ""), edit("mail", "addresses", "6: wg0    inet 10.0.0.2/24 scope global wg0", "6: wg1    inet 10.7.0.2/24 scope global wg1"),
		edit("mail", readRules, ":FORWARD DROP", ":FORWARD ACCEPT")), checks.OK, "none is open"},
	{"not started", "mailcow.home", "mailcow.home@mail", also(neighbourly("", ""), mailcow("postfix-mailcow|/mc-postfix-mailcow-1|running|0|2026-11-30T05:00:00.1Z\nnginx-mailcow|/mc-nginx-mailcow-1|running|0|2026-11-30T05:00:00.1Z\n", "")), checks.Skip, "not started"},
	{"open over IPv6 one day", "mailcow.home", "mailcow.home@mail", also(neighbourly("", ""), edit("mail", readRules, "-A FORWARD -j ufw6-before-logging-forward\n", "-A FORWARD -j DOCKER-USER\n-A FORWARD -j ufw6-before-logging-forward\n"),
		edit("mail", readRules, ":ufw6-after-forward - [0:0]\n", ":ufw6-after-forward - [0:0]\n:DOCKER-USER - [0:0]\n")), checks.Fail, "would be open over IPv6"},
	{"silent from here", "mailcow.home", "mailcow.home@here", neighbourly("", ""), checks.OK, "none of 5 ports answers at 192.168.50.2"},
	{"it answers here", "mailcow.home", "mailcow.home@here", also(neighbourly("", ""), answering("here>192.168.50.2:993")), checks.Fail, "192.168.50.2:993 answers"},
	{"it answers here as it is to", "mailcow.home", "mailcow.home@here", also(admitting("", ""), answering("here>192.168.50.2:993")), checks.OK, "none of 2 ports"},
	{"it answers here beside it", "mailcow.home", "mailcow.home@here", also(admitting("", ""), answering("here>192.168.50.2:25")), checks.Fail, "192.168.50.2:25 answers"},
	{"it answers whom nobody named", "mailcow.home", "mailcow.home@here", also(admitting("", ""), func(w *world) { w.env.Site.Mail.LAN = []netip.Prefix{netip.MustParsePrefix("192.168.50.77/32")} }, answering("here>192.168.50.2:993")), checks.Fail, "192.168.50.2:993 answers"},
	{"it cannot be dialled", "mailcow.home", "mailcow.home@here", also(neighbourly("", ""), func(w *world) { w.env.Here.Dial = nowhere{} }), checks.Unknown, "cannot ask"},

	{"nobody is named", "mailcow.lan", "mailcow.lan@mail", neighbourly("", ""), checks.Skip, "mail.lan is empty"},
	{"they are let on", "mailcow.lan", "mailcow.lan@mail", admitting("", ""), checks.OK, "192.168.50.0/24 reach it at 192.168.50.2"},
	{"others are not let on", "mailcow.home", "mailcow.home@mail", admitting("", ""), checks.OK, "none is open"},
	{"more than they are let on", "mailcow.home", "mailcow.home@mail", also(admitting("-s 192.168.50.0/24 -p tcp -m conntrack --ctorigdst 192.168.50.2 --ctorigdstport 465", "-p tcp -m conntrack --ctorigdst 192.168.50.2 --ctorigdstport 465")), checks.Fail, "192.0.2.77 reaches 192.168.50.2:465"},
	{"not published", "mailcow.lan", "mailcow.lan@mail", admitting("postfix-mailcow|192.168.50.2|465|tcp\n", ""), checks.Fail, "publish nothing at 192.168.50.2:465"},
	{"not published yet", "mailcow.lan", "mailcow.lan@mail", admitting("192.168.50.2:587->587/tcp", "587/tcp"), checks.Fail, "no container listens at 192.168.50.2:587 yet"},
	{"they are turned away", "mailcow.lan", "mailcow.lan@mail", admitting("--ctorigdstport 587", "--ctorigdstport 588"), checks.Fail, "to 192.168.50.2:587 is turned away, by -A postern-mailcow -j DROP"},
	{"an address that is another's", "mailcow.lan", "mailcow.lan@mail", also(admitting("", ""), edit("mail", "addresses", "192.168.50.2", "192.168.50.9")), checks.Fail, "publish nothing at 192.168.50.9:993"},
	{"IPv6 alone", "mailcow.lan", "mailcow.lan@mail", also(neighbourly("", ""), func(w *world) { w.env.Site.Mail.LAN = []netip.Prefix{netip.MustParsePrefix("fd00::/64")} }), checks.Unknown, "no address of the host at home"},
	{"silent where it should answer", "mailcow.lan", "mailcow.lan@here", admitting("", ""), checks.Fail, "192.168.50.2:993: "},
	{"here is none of them", "mailcow.lan", "mailcow.lan@here", also(admitting("", ""), func(w *world) { w.env.Site.Mail.LAN = []netip.Prefix{netip.MustParsePrefix("192.168.50.77/32")} }), checks.Skip, "in none of the networks"},

	{"Mailcow's own chain", "firewall.boot", "firewall.boot@mail", neighbourly("", ""), checks.OK, "with the rules that run"},
	{"at home, too", "mailcow.ports", "mailcow.ports@mail", admitting("", ""), checks.OK, "for clients at home on 192.168.50.2,"},
	{"at home, where nobody asked for it", "mailcow.ports", "mailcow.ports@mail", also(admitting("", ""), func(w *world) { w.env.Site.Mail.LAN = nil }), checks.Fail, "993/tcp of mc-postfix-mailcow-1 is on 192.168.50.2"},
	{"another port at home", "mailcow.ports", "mailcow.ports@mail", admitting("192.168.50.2:587->587/tcp", "192.168.50.2:25->25/tcp"), checks.Fail, "25/tcp of mc-postfix-mailcow-1 is on 192.168.50.2"},
	{"at home, past ufw", "firewall.docker", "firewall.docker@mail", admitting("", ""), checks.OK, "none on all addresses"},
	{"at home, past ufw, where nobody asked for it", "firewall.docker", "firewall.docker@mail", also(admitting("", ""), func(w *world) { w.env.Site.Mail.LAN = nil }), checks.Warn, "3 ports past ufw"},
}
