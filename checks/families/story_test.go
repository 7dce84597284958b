package families

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"postern/checks"
	"postern/remote"
)

// story breaks one thing in a healthy world and says which result must tell of it, and with which words.
type story struct {
	name  string
	check string
	key   string // of the result: ID@from
	spoil func(*world)
	want  checks.Outcome
	words string // in what was seen, is likely, or is the evidence
}

func refuse(keys ...string) func(*world) {
	return func(w *world) {
		for _, k := range keys {
			w.answer[k] = syscall.ECONNREFUSED
		}
	}
}

func timeout(keys ...string) func(*world) {
	return func(w *world) {
		for _, k := range keys {
			w.answer[k] = syscall.ETIMEDOUT
		}
	}
}

func edit(host, id, old, new string) func(*world) {
	return func(w *world) { w.edit(host, id, old, new) }
}

// noRoute6 leaves the proxy no way to what the mail host has of IPv6.
func noRoute6(w *world) {
	for _, p := range w.env.Site.Unwanted() {
		w.answer[fmt.Sprintf("proxy>[2001:db8:50::2]:%d", p.Port)] = syscall.ENETUNREACH
	}
	w.answer["proxy>[2001:db8:50::2]:22"] = syscall.ENETUNREACH
}

func withoutIPv6(w *world) {
	noRoute6(w)
	w.edit("proxy", "addresses", "default via 2001:db8:113::1", "2001:db8:114::/64 via 2001:db8:113::1")
}

// guessed has the tunnel run with the guess of its MTU, while the path outside answers so.
func guessed(path string) func(*world) {
	return also(edit("mail", readTunnel, "mtu 1420", "mtu 1280"), func(w *world) {
		w.runs["mail"] = func(q remote.Query) remote.Answer {
			if strings.HasPrefix(q.ID, "path ") {
				return remote.Answer{Out: "== sizes\n" + path + "\n== end\n"}
			}
			return carried(q, 1280)
		}
	})
}

// carried answers pings of several sizes over a path that carries so many bytes.
func carried(q remote.Query, most int) remote.Answer {
	out := "== sizes\n"
	for _, size := range strings.Fields(q.ID)[2:] {
		if n, _ := strconv.Atoi(size); n <= most {
			out += "reply " + size + "\n"
		} else {
			out += "limit \n"
		}
	}
	return remote.Answer{Out: out + "== end\n"}
}

func also(all ...func(*world)) func(*world) {
	return func(w *world) {
		for _, f := range all {
			f(w)
		}
	}
}

const (
	allow25   = "-A ufw-user-input -p tcp -m tcp --dport 25 -j ACCEPT"
	dnat993   = "-A postern-pre -d 203.0.113.10/32 -i eth0 -p tcp -m tcp --dport 993 -j DNAT --to-destination 10.0.0.2:993"
	tuple443  = "### tuple ### allow tcp 443 0.0.0.0/0 any 0.0.0.0/0 in comment=706f737465726e206874747073"
	guideNAT  = "-A PREROUTING -p tcp -m tcp --dport 587 -j DNAT --to-destination 10.0.0.2:587\n"
	proxyKey  = "F2rFQjV+otc0wqjrdMv4ZzOSmnOa4qQD4YNlc6DvW0w="
	otherKey  = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	handshake = "1795254682"
)

var hostStories = []story{
	{"no SSH_CONNECTION", "host.ssh", "host.ssh@proxy", edit("proxy", readSSH, "198.51.100.20 40000 203.0.113.10 22", ""), checks.Unknown, "did not tell"},
	{"runs here", "host.ssh", "host.ssh@mail", func(w *world) { w.env.HereIs = "mail" }, checks.Skip, "runs on this host"},
	{"not root", "host.privilege", "host.privilege@mail", func(w *world) { w.say("mail", readRoot, "== uid\n1000\n== name\n== etc\nread only\n== end\n") }, checks.Fail, "user 1000"},
	{"read only", "host.privilege", "host.privilege@mail", func(w *world) { w.say("mail", readRoot, "== uid\n0\n== name\n== etc\nread only\n== end\n") }, checks.Fail, "cannot be written"},
	{"dpkg cut short", "host.packages", "host.packages@mail", func(w *world) { w.say("mail", "dpkg", "== busy\n== list\n310\nwireguard-tools\n== end\n") }, checks.Warn, "half done: wireguard-tools"},
	{"apt at work", "host.packages", "host.packages@proxy", func(w *world) { w.say("proxy", "dpkg", "== busy\n1: x\n== list\n310\nufw\n== end\n") }, checks.Unknown, "right now"},
	{"no ssh at boot", "host.boot", "host.boot@mail", edit("mail", readUnits, "Id=ssh.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled", "Id=ssh.service\nLoadState=loaded\nActiveState=active\nUnitFileState=disabled"), checks.Fail, "ssh.service is disabled"},
	{"ssh by its socket", "host.boot", "host.boot@mail", also(edit("mail", readUnits, "Id=ssh.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled", "Id=ssh.service\nLoadState=loaded\nActiveState=active\nUnitFileState=disabled"),
		edit("mail", readUnits, "Id=ssh.socket\nLoadState=loaded\nActiveState=inactive\nUnitFileState=disabled", "Id=ssh.socket\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled")), checks.OK, "ssh.socket starts"},
	{"ssh by another name", "host.boot", "host.boot@proxy", also(edit("proxy", readUnits, "Id=sshd.service", "Id=another.service"), edit("proxy", readUnits, "Id=ssh.service\n", "Id=sshd.service\n")), checks.OK, "sshd.service starts"},
	{"sshd is stopped, and the program runs there", "host.boot", "host.boot@mail", also(func(w *world) { w.env.HereIs = "mail" }, edit("mail", readUnits, "Id=ssh.service\nLoadState=loaded\nActiveState=active", "Id=ssh.service\nLoadState=loaded\nActiveState=inactive")), checks.Fail, "ssh.service is stopped, and was not started"},
	{"ssh masked", "host.boot", "host.boot@proxy", edit("proxy", readUnits, "Id=ssh.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled", "Id=ssh.service\nLoadState=masked\nActiveState=active\nUnitFileState=masked"), checks.Fail, "ssh.service is masked"},
	{"ssh on a condition", "host.boot", "host.boot@proxy", edit("proxy", readUnits, "== effect", "== effect\nssh.service fails ConditionPathExists=!/etc/ssh/sshd_not_to_be_run"), checks.Fail, "sshd_not_to_be_run"},
	{"no sshd that is known", "host.boot", "host.boot@proxy", edit("proxy", readUnits, "Id=ssh.", "Id=dropbear."), checks.Unknown, "no unit of sshd"},
	{"clock behind", "host.clock", "host.clock@mail", func(w *world) { w.say("mail", readClock, "== now\n1795250000\n== synced\n== end\n") }, checks.Fail, "behind"},
	{"clock a little off", "host.clock", "host.clock@mail", func(w *world) { w.say("mail", readClock, "== now\n1795254750\n== synced\nyes\n== end\n") }, checks.Warn, "1m0s ahead"},
	{"clock here off", "host.clock", "host.clock@mail", func(w *world) {
		for _, h := range []string{"mail", "proxy"} {
			w.say(h, readClock, "== now\n1795250000\n== synced\nyes\n== end\n")
		}
	}, checks.Warn, "the hosts agree"},
	{"one way in", "host.ways", "host.ways@mail", timeout("proxy>10.0.0.2:22"), checks.Warn, "1: from here at home"},
	{"SSH from home alone", "host.ways", "host.ways@mail", also(timeout("proxy>10.0.0.2:22"), func(w *world) {
		w.env.Site.Host("mail").SSHFrom = []netip.Prefix{netip.MustParsePrefix("192.168.50.0/24")}
	}), checks.Warn, "host.mail.ssh_from leaves the tunnel out"},
	{"held only", "host.ways", "host.ways@mail", timeout("proxy>10.0.0.2:22", "here>192.168.50.2:22"), checks.Warn, "0: none"},
}

var firewallStories = []story{
	{"forwarding off", "firewall.forwarding", "firewall.forwarding@proxy", edit("proxy", readSysctl, "net/ipv4/ip_forward 1", "net/ipv4/ip_forward 0"), checks.Fail, "= 0"},
	{"inactive", "firewall.active", "firewall.active@mail", func(w *world) { w.say("mail", readUfw, "== status\nStatus: inactive\n== end\n") }, checks.Fail, "inactive"},
	{"not installed", "firewall.active", "firewall.active@mail", func(w *world) { w.say("mail", readUfw, "== absent\n== end\n") }, checks.Fail, "not installed"},
	{"allows incoming", "firewall.active", "firewall.active@proxy", edit("proxy", readUfw, "deny (incoming)", "allow (incoming)"), checks.Fail, "incoming: allow"},
	{"denies outgoing, mail too", "firewall.active", "firewall.active@proxy", also(edit("proxy", readUfw, "allow (outgoing)", "deny (outgoing)"), edit("proxy", readRules, ":OUTPUT ACCEPT", ":OUTPUT DROP"),
		edit("proxy", readRules, "-A ufw-track-output", "-A ufw-track-nothing")), checks.Fail, "no rule lets out dns 53/udp"},
	{"denies outgoing, but for what is needed", "firewall.active", "firewall.active@proxy", also(edit("proxy", readUfw, "allow (outgoing)", "deny (outgoing)"), edit("proxy", readRules, ":OUTPUT ACCEPT", ":OUTPUT DROP")), checks.OK, "deny outgoing"},
	{"what is let out is wanted", "firewall.rules", "firewall.rules@proxy", edit("proxy", "/etc/ufw/user.rules", tuple443, tuple443+"\n### tuple ### allow udp 123 0.0.0.0/0 any 0.0.0.0/0 out comment=706f737465726e2074696d65"), checks.OK, "let in as wanted"},
	{"what is let out is more", "firewall.rules", "firewall.rules@proxy", edit("proxy", "/etc/ufw/user.rules", tuple443, tuple443+"\n### tuple ### allow udp 124 0.0.0.0/0 any 0.0.0.0/0 out comment=706f737465726e2074696d65"), checks.Fail, "not wanted: allow out 124/udp"},
	{"global forward", "firewall.active", "firewall.active@proxy", edit("proxy", readUfw, "deny (routed)", "allow (routed)"), checks.Fail, "routed: allow"},
	{"global forward kept", "firewall.active", "firewall.active@proxy", also(edit("proxy", readUfw, "deny (routed)", "allow (routed)"),
		func(w *world) { w.env.Site.Guide.Forward = "keep" }), checks.Warn, "kept as you answered"},
	{"no IPv6 filter", "firewall.active", "firewall.active@mail", edit("mail", "/etc/default/ufw", "IPV6=yes", "IPV6=no"), checks.Fail, "IPV6=no"},
	{"says active, lets in", "firewall.active", "firewall.active@mail", edit("mail", readRules, ":INPUT DROP", ":INPUT ACCEPT"), checks.Fail, "comes in by default"},
	{"ssh from one home network of two", "firewall.rules", "firewall.rules@mail", edit("mail", "addresses", "2: eth0    inet6 2001",
		"2: eth0    inet 192.168.60.2/24 scope global secondary eth0\\       valid_lft forever preferred_lft forever\n2: eth0    inet6 2001"), checks.Fail, "missing: ssh 22/tcp from 192.168.50.0/24, 192.168.60.0/24"},
	{"rule missing", "firewall.rules", "firewall.rules@proxy", edit("proxy", readRules, allow25+"\n", ""), checks.Fail, "missing: smtp 25/tcp"},
	{"rule shadowed by others", "firewall.rules", "firewall.rules@proxy", edit("proxy", readRules, allow25, "-A ufw-user-input -p tcp -m tcp --dport 25 -j REJECT\n"+allow25), checks.Fail, "missing: smtp"},
	{"refused by a rule of the operator's", "firewall.rules", "firewall.rules@proxy", also(edit("proxy", readRules, allow25, "-A ufw-user-input -p tcp -m tcp --dport 25 -j DROP\n"+allow25),
		edit("proxy", "/etc/ufw/user.rules", "### RULES ###\n", "### RULES ###\n\n### tuple ### deny tcp 25 0.0.0.0/0 any 0.0.0.0/0 in\n")), checks.Fail, "until you type: ufw delete deny 25/tcp"},
	{"rule of ours left over", "firewall.rules", "firewall.rules@proxy", edit("proxy", "/etc/ufw/user.rules", tuple443, tuple443+"\n"+strings.Replace(tuple443, "443", "9999", 1)), checks.Fail, "not wanted: allow 9999/tcp"},
	{"rule of others", "firewall.rules", "firewall.rules@proxy", edit("proxy", "/etc/ufw/user.rules", tuple443, tuple443+"\n### tuple ### allow tcp 9999 0.0.0.0/0 any 0.0.0.0/0 in"), checks.OK, "1 of other people"},
	{"relay for everyone", "firewall.rules", "firewall.rules@proxy", edit("proxy", readRules, allow25, allow25+"\n-A ufw-user-input -p tcp -m tcp --dport 2526 -j ACCEPT"), checks.Fail, "wider than wanted: relay"},
	{"ssh at home for everyone", "firewall.rules", "firewall.rules@mail", edit("mail", readRules, "-A ufw-user-input -s 192.168.50.0/24 -p tcp -m tcp --dport 22", "-A ufw-user-input -p tcp -m tcp --dport 22"), checks.Fail, "wider than wanted: ssh"},
	{"ssh for everyone by others", "firewall.rules", "firewall.rules@mail", also(edit("mail", readRules, "-A ufw-user-input -s 192.168.50.0/24 -p tcp -m tcp --dport 22", "-A ufw-user-input -p tcp -m tcp --dport 22"),
		edit("mail", "/etc/ufw/user.rules", "### RULES ###\n", "### RULES ###\n\n### tuple ### limit tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n")), checks.Warn, "by a rule of other people"},
	{"ssh for everyone by others, with no protocol", "firewall.rules", "firewall.rules@mail", also(edit("mail", readRules, "-A ufw-user-input -s 192.168.50.0/24 -p tcp -m tcp --dport 22", "-A ufw-user-input -p tcp -m tcp --dport 22"),
		edit("mail", "/etc/ufw/user.rules", "### RULES ###\n", "### RULES ###\n\n### tuple ### allow any 22 0.0.0.0/0 any 0.0.0.0/0 in\n")), checks.Warn, "by a rule of other people"},
	{"nothing sent on", "firewall.rules", "firewall.rules@proxy", edit("proxy", readRules, dnat993+"\n", ""), checks.Fail, "imaps 993/tcp is not sent"},
	{"sent on and dropped", "firewall.rules", "firewall.rules@proxy", edit("proxy", readRules, "-A ufw-user-forward -d 10.0.0.2/32 -i eth0 -o wg0 -p tcp -m tcp --dport 993 -j ACCEPT\n", ""), checks.Fail, "then ends in DROP"},
	{"the guide's DNAT", "firewall.rules", "firewall.rules@proxy", edit("proxy", readRules, dnat993, "-A postern-pre -p tcp -m tcp --dport 993 -j DNAT --to-destination 10.0.0.2:993"), checks.Fail, "catches what the mail host sends"},
	{"the guide's forward", "firewall.rules", "firewall.rules@proxy", edit("proxy", readRules, ":FORWARD DROP", ":FORWARD ACCEPT"), checks.Fail, "forwarding is accepted"},
	{"doubled NAT", "firewall.doubled", "firewall.doubled@proxy", edit("proxy", readRules, dnat993, dnat993+"\n"+dnat993), checks.Fail, "2 times"},
	{"doubled by others", "firewall.doubled", "firewall.doubled@mail", edit("mail", readRules, "*filter\n", "*filter\n-A INPUT -s 192.0.2.9/32 -j DROP\n-A INPUT -s 192.0.2.9/32 -j DROP\n"), checks.Warn, "other programs"},
	{"a port the operator opened too", "firewall.doubled", "firewall.doubled@proxy", edit("proxy", readRules, allow25, allow25+"\n"+allow25), checks.OK, "each once"},
	{"our jump twice", "firewall.doubled", "firewall.doubled@proxy", edit("proxy", readRules, "-A PREROUTING -j postern-pre", "-A PREROUTING -j postern-pre\n-A PREROUTING -j postern-pre"), checks.Fail, "2 times: -A PREROUTING"},
	{"the guide's block, reloaded", "firewall.doubled", "firewall.doubled@proxy", edit("proxy", readRules, "-A PREROUTING -j postern-pre", "-A PREROUTING -j postern-pre\n"+guideNAT+guideNAT), checks.Fail, "2 times"},
	{"another program's NAT", "firewall.doubled", "firewall.doubled@mail", edit("mail", readRules, "*filter\n", "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n*filter\n"), checks.Warn, "other programs"},
	{"answers broke off", "firewall.doubled", "firewall.doubled@mail", edit("mail", readRules, "== end", ""), checks.Unknown, "broke off"},
	{"not at boot", "firewall.boot", "firewall.boot@mail", edit("mail", readUnits, "UnitFileState=enabled", "UnitFileState=disabled"), checks.Fail, "starts at boot: false"},
	{"not enabled", "firewall.boot", "firewall.boot@mail", edit("mail", "/etc/ufw/ufw.conf", "ENABLED=yes", "ENABLED=no"), checks.Fail, "starts at boot: false"},
	{"not in the file", "firewall.boot", "firewall.boot@proxy", edit("proxy", "/etc/ufw/user.rules", "-A ufw-user-input -p tcp --dport 25 -j ACCEPT", ""), checks.Fail, "does not have"},
	{"not loaded", "firewall.boot", "firewall.boot@proxy", edit("proxy", readRules, allow25+"\n", ""), checks.Fail, "does not run"},
	{"forwarding not kept", "firewall.boot", "firewall.boot@proxy", edit("proxy", readSysctl, "60-postern.conf:net.ipv4.ip_forward = 1", "60-postern.conf:# net.ipv4.ip_forward"), checks.Fail, "will be 0"},
	{"another file wins", "firewall.boot", "firewall.boot@proxy", edit("proxy", readSysctl, "99-sysctl.conf:#net.ipv4.ip_forward=1", "99-sysctl.conf:net.ipv4.ip_forward=0"), checks.Fail, "will be 0"},
	{"ufw sets it back", "firewall.boot", "firewall.boot@proxy", edit("proxy", readSysctl, "#net/ipv4/ip_forward=1", "net/ipv4/ip_forward=0"), checks.Fail, "will be 0"},
	{"hook not executable", "firewall.boot", "firewall.boot@proxy", edit("proxy", readBoot, "executable\n== calls\nif [ -x /etc/ufw/postern.init ]; then /etc/ufw/postern.init \"$1\" || exit $?; fi", "file\n== calls"), checks.Fail, "nothing that runs at boot sends"},
	{"no ufw at boot", "firewall.boot", "firewall.boot@proxy", func(w *world) { w.say("proxy", readUfw, "== absent\n== end\n") }, checks.Fail, "not installed"},
	{"commented out at boot", "firewall.boot", "firewall.boot@proxy", edit("proxy", readBoot, "|-A postern-pre", "|# -A postern-pre"), checks.Fail, "nothing that runs at boot sends"},
	{"another protocol of ours", "firewall.rules", "firewall.rules@proxy", edit("proxy", "/etc/ufw/user.rules", tuple443, tuple443+"\n"+strings.Replace(tuple443, "tcp", "udp", 1)), checks.Fail, "not wanted: allow 443/udp"},
	{"all let in before", "firewall.boot", "firewall.boot@mail", edit("mail", "/etc/ufw/before.rules", "-A ufw-before-input -i lo", "-A ufw-before-input -j ACCEPT\n-A ufw-before-input -i lo"), checks.Fail, "has a rule that does not run: -A ufw-before-input -j ACCEPT"},
	{"all let in before, over IPv6", "firewall.boot", "firewall.boot@proxy", edit("proxy", "/etc/ufw/before6.rules", "-A ufw6-before-input -i lo", "-A ufw6-before-input -j ACCEPT\n-A ufw6-before-input -i lo"), checks.Fail, "has a rule that does not run"},
	{"all let in after", "firewall.boot", "firewall.boot@mail", edit("mail", "/etc/ufw/after.rules", "COMMIT", "-A ufw-after-input -j ACCEPT\nCOMMIT"), checks.Fail, "after.rules has a rule"},
	{"answers not let in", "firewall.boot", "firewall.boot@proxy", edit("proxy", "/etc/ufw/before.rules", "-A ufw-before-input -m conntrack --ctstate RELATED", "# --ctstate RELATED"), checks.Fail, "a rule runs that /etc/ufw/before.rules does not have"},
	{"in another order", "firewall.boot", "firewall.boot@proxy", edit("proxy", "/etc/ufw/before.rules", "-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN\n-A ufw-not-local -m addrtype --dst-type MULTICAST -j RETURN", "-A ufw-not-local -m addrtype --dst-type MULTICAST -j RETURN\n-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN"), checks.Fail, "another order"},
	{"a rule nobody can compare", "firewall.boot", "firewall.boot@proxy", edit("proxy", "/etc/ufw/before.rules", "COMMIT", "-A ufw-before-input -p tcp --dport ssh -j ACCEPT\nCOMMIT"), checks.Unknown, "--dport ssh"},
	{"NAT that does not run", "firewall.boot", "firewall.boot@proxy", edit("proxy", "/etc/ufw/before.rules", "*filter", "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n*filter"), checks.Fail, "MASQUERADE"},
	{"files before that cannot be read", "firewall.boot", "firewall.boot@proxy", func(w *world) {
		w.env.Hosts["proxy"].Facts.Answers["/etc/ufw/before.rules"] = remote.Answer{Code: 2}
	}, checks.Unknown, "could not be read"},
	{"not called at boot", "firewall.boot", "firewall.boot@proxy", edit("proxy", readBoot, "if [ -x /etc/ufw/postern.init ]; then /etc/ufw/postern.init \"$1\" || exit $?; fi\n", ""), checks.Fail, "nothing that runs at boot sends"},
	{"a forward that only runs", "firewall.boot", "firewall.boot@proxy", edit("proxy", readRules, dnat993, dnat993+"\n-A postern-pre -p tcp -m tcp --dport 995 -j DNAT --to-destination 10.0.0.9:995"), checks.Fail, "does not have: -A postern-pre -p tcp -m tcp --dport 995"},
	{"one interface does not forward", "firewall.boot", "firewall.boot@proxy", edit("proxy", readSysctl, "/etc/ufw/sysctl.conf:", "/etc/sysctl.d/99-zz.conf:net.ipv4.conf.eth0.forwarding=0\n/etc/ufw/sysctl.conf:"), checks.Fail, "net.ipv4.conf.eth0.forwarding is 1 and will be 0"},
	{"the tunnel does not forward IPv6", "firewall.boot", "firewall.boot@proxy", also(func(w *world) { w.env.Site.Tunnel.Network6 = netip.MustParsePrefix("fd00:50::/64") },
		edit("proxy", readSysctl, "forwarding 0", "forwarding 1"),
		edit("proxy", readSysctl, "60-postern.conf:net.ipv4.ip_forward = 1", "60-postern.conf:net.ipv4.ip_forward = 1\n/etc/sysctl.d/60-postern.conf:net.ipv6.conf.all.forwarding=1\n/etc/sysctl.d/99-zz.conf:net.ipv6.conf.wg0.forwarding=0")), checks.Fail, "net.ipv6.conf.wg0.forwarding is 1 and will be 0"},
	{"a condition that never holds", "firewall.boot", "firewall.boot@mail", edit("mail", readUnits, "== effect", "== effect\nufw.service fails ConditionPathExists=/nowhere"), checks.Fail, "ConditionPathExists=/nowhere"},
	{"a unit that starts something else", "firewall.boot", "firewall.boot@mail", edit("mail", readUnits, "== effect", "== effect\nufw.service altered /etc/systemd/system/ufw.service.d/x.conf has ExecStart=/bin/true"), checks.Unknown, "ExecStart=/bin/true"},
	{"another program loads rules", "firewall.boot", "firewall.boot@mail", edit("mail", readUnits, "== units", "== units\nId=nftables.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nAfter=\n"), checks.Unknown, "nftables.service"},
	{"armed", "firewall.boot", "firewall.boot@proxy", edit("proxy", readUnits, "== armed", "== armed\nyes"), checks.Skip, "waits for its confirmation"},
}

var outsideStories = []story{
	{"dropped", "firewall.open", "firewall.open.https@here", timeout("here>203.0.113.10:443"), checks.Fail, "the host lets it in"},
	{"dropped by the host", "firewall.open", "firewall.open.https@here", also(timeout("here>203.0.113.10:443"),
		edit("proxy", readRules, "-A ufw-user-input -p tcp -m tcp --dport 443 -j ACCEPT\n", "")), checks.Fail, "own firewall"},
	{"port 25 dropped", "firewall.open", "firewall.open.smtp@here", timeout("here>203.0.113.10:25"), checks.Unknown, "cannot be told from here"},
	{"port 25 dropped by the host", "firewall.open", "firewall.open.smtp@here", also(timeout("here>203.0.113.10:25"),
		edit("proxy", readRules, allow25+"\n", "")), checks.Fail, "own firewall"},
	{"rejected", "firewall.open", "firewall.open.http@here", func(w *world) { w.answer["here>203.0.113.10:80"] = syscall.EHOSTUNREACH }, checks.Fail, "rejects"},
	{"refused", "firewall.open", "firewall.open.http.v6@here", refuse("here>[2001:db8:113::10]:80"), checks.Fail, "refused"},
	{"no IPv6 here", "firewall.open", "firewall.open.http.v6@here", func(w *world) { w.answer["here>[2001:db8:113::10]:80"] = syscall.ENETUNREACH }, checks.Unknown, "no route"},
	{"limited", "firewall.open", "firewall.open.imaps@here", also(func(w *world) { w.env.Site.From["imaps"] = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} }), checks.Fail, "answers all the same"},
	{"SSH limited to IPv4 sources", "firewall.open", "firewall.open.ssh.v6@here", also(timeout("here>[2001:db8:113::10]:22"),
		func(w *world) {
			w.env.Site.Host("proxy").SSHFrom = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
		}), checks.Skip, "in that family is not known"},
	{"limited and kept", "firewall.open", "firewall.open.imaps@here", also(timeout("here>203.0.113.10:993"),
		func(w *world) { w.env.Site.From["imaps"] = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} }), checks.Skip, "as it should"},
	{"let through", "firewall.closed", "firewall.closed.proxy@here", refuse("here>203.0.113.10:110"), checks.Fail, "110 (pop3) is refused"},
	{"let through over IPv6", "firewall.closed", "firewall.closed.proxy.v6@here", refuse("here>[2001:db8:113::10]:143"), checks.Fail, "143 (imap) is refused"},
	{"open at home over IPv6", "firewall.closed", "firewall.closed.mail.v6@proxy", refuse("proxy>[2001:db8:50::2]:995"), checks.Fail, "995 (pop3s)"},
	{"a VPS without IPv6", "firewall.closed", "firewall.closed.mail.v6@proxy", withoutIPv6, checks.Skip, "no IPv6 to ask from; the host's own rules drop"},
	{"a VPS without IPv6, and open", "firewall.closed", "firewall.closed.mail.v6@proxy", also(withoutIPv6, edit("mail", readRules, ":INPUT DROP", ":INPUT ACCEPT")), checks.Unknown, "its rules let"},
	{"a VPS with IPv6, and no route", "firewall.closed", "firewall.closed.mail.v6@proxy", noRoute6, checks.Unknown, "no route"},
	{"open on the home network", "firewall.closed", "firewall.closed.mail.home@here", refuse("here>192.168.50.2:995"), checks.Fail, "995 (pop3s)"},
	{"opened by others", "firewall.closed", "firewall.closed.proxy@here", also(refuse("here>203.0.113.10:110"),
		edit("proxy", "/etc/ufw/user.rules", tuple443, tuple443+"\n### tuple ### allow tcp 110 0.0.0.0/0 any 0.0.0.0/0 in")), checks.Warn, "not ours"},
	{"rejected by the host", "firewall.closed", "firewall.closed.proxy@here", also(refuse("here>203.0.113.10:110"),
		edit("proxy", readRules, allow25, "-A ufw-user-input -p tcp -m tcp --dport 110 -j REJECT\n"+allow25)), checks.OK, "110 (pop3) is rejected"},
	{"silence that proves nothing", "firewall.closed", "firewall.closed.proxy@here", also(timeout("here>203.0.113.10:22"),
		edit("proxy", readRules, "COMMIT", "")), checks.Unknown, "nothing answers at all"},
	{"relay does not answer", "firewall.relay", "firewall.relay.inside@mail", timeout("mail>10.0.0.1:2526"), checks.Fail, "does not admit"},
	{"relay answers outside", "firewall.relay", "firewall.relay.outside@here", refuse("here>203.0.113.10:2526"), checks.Fail, "lets it through"},
	{"relay listens outside", "firewall.relay", "firewall.relay.outside@here", func(w *world) {
		w.answer["here>203.0.113.10:2526"] = nil
		w.listeners["proxy 203.0.113.10:2526"] = make(chan netip.AddrPort, 9)
	}, checks.Fail, "answers everyone"},
	{"SSH from elsewhere only", "firewall.relay", "firewall.relay.outside@here", timeout("here>203.0.113.10:22"), checks.OK, "gives no answer"},
	{"relay, silence that proves nothing", "firewall.relay", "firewall.relay.outside@here", also(timeout("here>203.0.113.10:22"),
		edit("proxy", readRules, "COMMIT", "")), checks.Unknown, "nothing else of the host answers"},
	{"another answers", "firewall.open", "firewall.open.http@here", func(w *world) { w.strangers = "here>203.0.113.10:80" }, checks.Fail, "saw nobody"},
	{"relay, no forwarding in sshd", "firewall.relay", "firewall.relay.inside@mail", func(w *world) { w.answer["mail>10.0.0.1:2526"] = remote.ErrNoVantage }, checks.Unknown, "cannot be asked"},
	{"no tunnel yet", "firewall.relay", "firewall.relay.inside@mail", func(w *world) { w.say("mail", readTunnel, "== unset\n== absent\n== end\n") }, checks.Skip, "chapter 3"},
	{"no tunnel yet", "firewall.dnat", "firewall.dnat.imaps@here", func(w *world) { w.say("mail", readTunnel, "== unset\n== down\n== end\n") }, checks.Skip, "chapter 3"},
	{"no tunnel yet", "firewall.open", "firewall.open.imaps@here", func(w *world) { w.say("proxy", readTunnel, "== unset\n== down\n== end\n") }, checks.Skip, "chapter 3"},
	{"set up and down", "firewall.open", "firewall.open.imaps@here", also(timeout("here>203.0.113.10:993"),
		func(w *world) { w.say("mail", readTunnel, "== down\n== end\n") }), checks.Unknown, "is not there"},
	{"home found by SSH", "firewall.closed", "firewall.closed.mail@proxy", func(w *world) { w.say("proxy", readTunnel, "== absent\n== end\n") }, checks.OK, "198.51.100.20: "},
	{"home not found", "firewall.closed", "firewall.closed.mail@proxy", also(func(w *world) { w.say("proxy", readTunnel, "== absent\n== end\n") },
		edit("proxy", readSSH, "198.51.100.20 40000 203.0.113.10 22", "")), checks.Unknown, "not known"},
	{"no relay", "firewall.relay", "firewall.relay@here", func(w *world) { w.env.Site.Mail.Path = "direct" }, checks.Skip, "no relay"},
	{"not sent on", "firewall.dnat", "firewall.dnat.imaps@here", timeout("here>203.0.113.10:993"), checks.Fail, "no answer"},
	{"sent elsewhere", "firewall.dnat", "firewall.dnat.imaps@here", edit("mail", readListen, "== end", "tcp LISTEN 0 9 10.0.0.2:993 0.0.0.0:*\n== end"), checks.Fail, "refused"},
	{"masqueraded", "firewall.clients", "firewall.clients.imaps@here", func(w *world) { w.seen = netip.MustParseAddr("10.0.0.1") }, checks.Fail, "masquerades"},
	{"docker's own proxy", "firewall.clients", "firewall.clients.imaps@here", func(w *world) { w.seen = netip.MustParseAddr("172.22.1.1") }, checks.Fail, "Docker's own proxy"},
	{"masquerade chosen", "firewall.clients", "firewall.clients@here", func(w *world) { w.env.Site.Clients.Addresses = "masquerade" }, checks.Skip, "was chosen"},
	{"docker on all addresses", "firewall.docker", "firewall.docker@mail", func(w *world) {
		w.say("mail", readDocker, "== ps\npostfix|0.0.0.0:143->143/tcp, [::]:143->143/tcp, 110/tcp\n== end\n")
	}, checks.Warn, "postfix 143/tcp on 0.0.0.0"},
	{"docker past ufw", "firewall.docker", "firewall.docker@mail", also(func(w *world) {
		w.say("mail", readDocker, "== ps\npostfix|0.0.0.0:143->143/tcp, [::]:143->143/tcp\n== end\n")
	}, func(w *world) {
		w.answer["proxy>[2001:db8:50::2]:143"] = nil
		w.listeners["mail [2001:db8:50::2]:143"] = make(chan netip.AddrPort, 9)
	}), checks.Fail, "reached from outside past ufw: [2001:db8:50::2]:143"},
	{"docker past ufw at home", "firewall.docker", "firewall.docker@mail", func(w *world) {
		w.say("mail", readDocker, "== ps\nimap|0.0.0.0:143->143/tcp\n== end\n")
		w.answer["here>192.168.50.2:143"] = nil
		w.listeners["mail 192.168.50.2:143"] = make(chan netip.AddrPort, 9)
	}, checks.Fail, "192.168.50.2:143 (from here)"},
	{"docker on the tunnel", "firewall.docker", "firewall.docker@mail", func(w *world) {
		w.say("mail", readDocker, "== ps\npostfix|10.0.0.2:993->993/tcp\n== end\n")
	}, checks.OK, "none on all addresses"},
	{"docker is silent", "firewall.docker", "firewall.docker@mail", func(w *world) {
		w.env.Hosts["mail"].Facts.Answers[readDocker] = remote.Answer{Out: "docker gave no answer\n", Code: 3}
	}, checks.Unknown, "gave no answer"},
}

var tunnelStories = []story{
	{"never", "tunnel.handshake", "tunnel.handshake@mail", also(edit("mail", readTunnel, handshake, "0"), edit("mail", readTunnel, " 232080 ", " 0 ")), checks.Fail, "does not reach the proxy"},
	{"old", "tunnel.handshake", "tunnel.handshake@proxy", edit("proxy", readTunnel, handshake, "1795253000"), checks.Fail, "old"},
	{"in the future", "tunnel.handshake", "tunnel.handshake@proxy", edit("proxy", readTunnel, handshake, "1795259999"), checks.Warn, "in the future"},
	{"another key", "tunnel.handshake", "tunnel.handshake@mail", also(edit("mail", readTunnel, handshake, "0"), edit("mail", readTunnel, proxyKey, otherKey)), checks.Fail, "keys do not fit"},
	{"another port", "tunnel.handshake", "tunnel.handshake@mail", also(edit("mail", readTunnel, handshake, "0"), edit("mail", readTunnel, ":51820", ":51821")), checks.Fail, "dials port 51821"},
	{"another proxy", "tunnel.handshake", "tunnel.handshake@mail", also(edit("mail", readTunnel, handshake, "0"), edit("mail", readTunnel, "203.0.113.10:", "203.0.113.99:")), checks.Fail, "dials 203.0.113.99"},
	{"no endpoint", "tunnel.handshake", "tunnel.handshake@mail", also(edit("mail", readTunnel, handshake, "0"), edit("mail", readTunnel, "203.0.113.10:51820", "(none)")), checks.Fail, "no endpoint"},
	{"the unit is stopped", "tunnel.unit", "tunnel.unit@mail", stopped, checks.Fail, "wg-quick@wg0 is stopped, and was not started since the boot"},
	{"the unit failed", "tunnel.unit", "tunnel.unit@mail", also(stopped, edit("mail", readUnits, "Id=wg-quick@wg0.service\nLoadState=loaded\nActiveState=inactive", "Id=wg-quick@wg0.service\nLoadState=loaded\nActiveState=failed\nInactiveEnterTimestampMonotonic=4000000000"),
		edit("mail", readUnits, "== units", "== uptime\n4060.1 9.0\n== units"), func(w *world) {
			w.runs["mail"] = func(remote.Query) remote.Answer {
				return remote.Answer{Out: "== words\nName or service not known\n== end\n"}
			}
		}), checks.Fail, "since 2026-11-21 09:50 UTC\nits last words: Name or service not known"},
	{"the interface was taken away", "tunnel.unit", "tunnel.unit@mail", func(w *world) { w.say("mail", readTunnel, "== down\n== end\n") }, checks.Fail, "says that it is active"},
	{"no interface", "tunnel.handshake", "tunnel.handshake@mail", func(w *world) { w.say("mail", readTunnel, "== down\n== end\n") }, checks.Fail, "no interface wg0"},
	{"no peer", "tunnel.handshake", "tunnel.handshake@proxy", edit("proxy", readTunnel, "10.0.0.2/32", "10.0.0.9/32"), checks.Fail, "no peer leads"},
	{"nothing received", "tunnel.bytes", "tunnel.bytes@mail", edit("mail", readTunnel, " 232080 ", " 0 "), checks.Fail, "received 0"},
	{"not installed", "tunnel.bytes", "tunnel.bytes@mail", func(w *world) { w.say("mail", readTunnel, "== absent\n== end\n") }, checks.Fail, "not installed"},
	{"no TCP towards mail", "tunnel.tcp", "tunnel.tcp@proxy", timeout("proxy>10.0.0.2:993"), checks.Fail, "drops what comes out"},
	{"no TCP towards the proxy", "tunnel.tcp", "tunnel.tcp@mail", timeout("mail>10.0.0.1:2526"), checks.Fail, "drops what comes out"},
	{"no interface for TCP", "tunnel.tcp", "tunnel.tcp@proxy", func(w *world) { w.say("mail", readTunnel, "== down\n== end\n") }, checks.Fail, "no interface wg0 on mail"},
	{"small path", "tunnel.mtu", "tunnel.mtu@mail", func(w *world) {
		w.runs["mail"] = func(q remote.Query) remote.Answer { return carried(q, 1370) }
	}, checks.Fail, "1360 bytes get through"},
	{"a guess, and the path carries more", "tunnel.mtu", "tunnel.mtu@mail", guessed("reply 1500"), checks.Warn, "which was a guess: the path carries 1420"},
	{"a guess that is right", "tunnel.mtu", "tunnel.mtu@mail", guessed("reply 1340"), checks.OK, "1280 bytes"},
	{"a guess that nothing can measure", "tunnel.mtu", "tunnel.mtu@mail", guessed("limit "), checks.OK, "a guess that works"},
	{"another VPN was started later", "tunnel.routing", "tunnel.routing@mail", edit("mail", readRoutes, "20720:\tfrom 10.0.0.2", "20719:\tnot from all fwmark 0xca6c lookup main\n20720:\tfrom 10.0.0.2"), checks.Fail, "20719: not from all fwmark 0xca6c"},
	{"no rule of ours", "tunnel.routing", "tunnel.routing@mail", edit("mail", readRoutes, "20720:\tfrom 10.0.0.2", "20720:\tfrom 10.0.0.9"), checks.Fail, "lookup main"},
	{"one user's packets elsewhere", "tunnel.routing", "tunnel.routing@mail", edit("mail", readRoutes, "20720:\tfrom 10.0.0.2", "100:\tfrom all uidrange 7-7 lookup main\n20720:\tfrom 10.0.0.2"), checks.Unknown, "uidrange"},
	{"masked clients need no rule", "tunnel.routing", "tunnel.routing@mail", func(w *world) { w.env.Site.Clients.Addresses = "masquerade" }, checks.Skip, "masks"},
	{"ping dropped", "tunnel.mtu", "tunnel.mtu@mail", func(w *world) {
		w.runs["mail"] = func(remote.Query) remote.Answer { return remote.Answer{Out: "== sizes\nlimit \n== end\n"} }
	}, checks.Unknown, "no ping of any size"},
	{"no ping", "tunnel.mtu", "tunnel.mtu@mail", func(w *world) {
		w.runs["mail"] = func(remote.Query) remote.Answer { return remote.Answer{Out: "there is no ping command\n", Code: 3} }
	}, checks.Unknown, "no ping command"},
	{"readable key", "tunnel.keys", "tunnel.keys@mail", edit("mail", readKeys, "600 root:root regular file|/etc/wireguard/wg0.key", "644 root:root regular file|/etc/wireguard/wg0.key"), checks.Fail, "wg0.key has mode 0644"},
	{"somebody's key", "tunnel.keys", "tunnel.keys@mail", edit("mail", readKeys, "600 root:root regular file|/etc/wireguard/wg0.key", "600 joe:joe regular file|/etc/wireguard/wg0.key"), checks.Fail, "belongs to joe"},
	{"key on a command line", "tunnel.keys", "tunnel.keys@proxy", edit("proxy", readKeys, "== argv", "== argv\n/proc/77/cmdline"), checks.Fail, "process 77"},
	{"not at boot", "tunnel.boot", "tunnel.boot@proxy", edit("proxy", readUnits, "UnitFileState=enabled", "UnitFileState=disabled"), checks.Fail, "is disabled"},
	{"the guide's unit", "tunnel.boot", "tunnel.boot@proxy", edit("proxy", readUnits, "Id=wireguard.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=", "Id=wireguard.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled"), checks.Fail, "starts too"},
	{"file not loaded", "tunnel.boot", "tunnel.boot@proxy", edit("proxy", "/etc/wireguard/wg0.conf", "ListenPort = 51820", "ListenPort = 51999"), checks.Fail, "says 51999"},
	{"peer not kept", "tunnel.boot", "tunnel.boot@mail", edit("mail", "/etc/wireguard/wg0.conf", proxyKey, otherKey), checks.Fail, "does not have"},
	{"a preshared key only in the file", "tunnel.boot", "tunnel.boot@proxy", edit("proxy", tunnelConf, "AllowedIPs", "PresharedKey = redacted:0123456789abcdef\nAllowedIPs"), checks.Fail, "another preshared key"},
	{"a preshared key only runs", "tunnel.boot", "tunnel.boot@mail", edit("mail", readTunnel, " 25 none", " 25 0123456789abcdef"), checks.Fail, "another preshared key"},
	{"the same preshared key", "tunnel.boot", "tunnel.boot@proxy", also(edit("proxy", readTunnel, " off none", " off 0123456789abcdef"),
		edit("proxy", tunnelConf, "AllowedIPs", "PresharedKey = redacted:0123456789abcdef\nAllowedIPs")), checks.OK, "says what runs"},
	{"another address", "tunnel.boot", "tunnel.boot@proxy", edit("proxy", tunnelConf, "10.0.0.1/24", "10.0.0.3/24"), checks.Fail, "has the address 10.0.0.1/24, and the file says 10.0.0.3/24"},
	{"another address at home", "tunnel.boot", "tunnel.boot@mail", edit("mail", tunnelConf, "10.0.0.2/24", "10.0.0.2/24, fd00::2/64"), checks.Fail, "the file says 10.0.0.2/24, fd00::2/64"},
	{"another endpoint", "tunnel.boot", "tunnel.boot@mail", edit("mail", tunnelConf, "Endpoint = 203.0.113.10", "Endpoint = 203.0.113.99"), checks.Fail, "the file says 203.0.113.99:51820"},
	{"another endpoint over IPv6", "tunnel.boot", "tunnel.boot@mail", edit("mail", tunnelConf, "203.0.113.10:", "[2001:db8:113::99]:"), checks.Fail, "the file says [2001:db8:113::99]:51820"},
	{"no endpoint in the file", "tunnel.boot", "tunnel.boot@mail", edit("mail", tunnelConf, "Endpoint = 203.0.113.10:51820\n", ""), checks.Fail, "where to dial"},
	{"an endpoint by name", "tunnel.boot", "tunnel.boot@mail", edit("mail", tunnelConf, "203.0.113.10:", "vpn.example.net:"), checks.Unknown, "cannot be told"},
	{"no commands", "tunnel.boot", "tunnel.boot@proxy", edit("proxy", tunnelConf, "PostUp", "# PostUp"), checks.Fail, "no private key"},
	{"no commands at home", "tunnel.boot", "tunnel.boot@mail", edit("mail", tunnelConf, "PostUp", "# PostUp"), checks.Fail, "no line of the file makes it: rule 20720 from 10.0.0.2"},
	{"no rule for the answers", "tunnel.boot", "tunnel.boot@mail", edit("mail", tunnelConf, "PostUp = ip -4 rule add pref 20720 from", "# from"), checks.Fail, "rule 20720 from 10.0.0.2 lookup 20720"},
	{"no route for the answers", "tunnel.boot", "tunnel.boot@mail", edit("mail", tunnelConf, "PostUp = ip -4 route", "# "), checks.Fail, "default route of table 20720"},
	{"no mark", "tunnel.boot", "tunnel.boot@mail", edit("mail", tunnelConf, "PostUp = iptables -w -t mangle -A postern-wg -i", "# "), checks.Fail, "the file's commands make 1"},
	{"no chain", "tunnel.boot", "tunnel.boot@mail", edit("mail", tunnelConf, "PostUp = iptables -w -t mangle -N", "# "), checks.Fail, "does not hang in"},
	{"a default route", "tunnel.boot", "tunnel.boot@mail", edit("mail", tunnelConf, "Table = off\n", ""), checks.Fail, "lacks Table = off"},
	{"another key file", "tunnel.boot", "tunnel.boot@proxy", edit("proxy", readPublic, proxyKey, otherKey), checks.Fail, "would start with AAAAAAAA"},
	{"no key file", "tunnel.boot", "tunnel.boot@mail", func(w *world) { w.say("mail", readPublic, "== file\n== conf\n== end\n") }, checks.Fail, "holds no key"},
	{"a key from elsewhere", "tunnel.boot", "tunnel.boot@proxy", edit("proxy", tunnelConf, "/etc/wireguard/%i.key", "/run/secrets/wg"), checks.Unknown, "/run/secrets/wg"},
	{"a setting that is not judged", "tunnel.boot", "tunnel.boot@proxy", edit("proxy", tunnelConf, "MTU = 1420", "MTU = 1420\nFwMark = 7"), checks.Unknown, "fwmark"},
	{"no port in the file", "tunnel.boot", "tunnel.boot@proxy", edit("proxy", tunnelConf, "ListenPort = 51820\n", ""), checks.Fail, "no port"},
	{"docker does not wait", "tunnel.boot", "tunnel.boot@mail", also(edit("mail", readUnits, "Id=docker.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=", "Id=docker.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled"),
		func(w *world) { w.say("mail", readDocker, "== ps\n== end\n") }), checks.Fail, "does not wait"},
}

func TestStories(t *testing.T) {
	told := map[string]bool{}
	for _, list := range [][]story{hostStories, firewallStories, outsideStories, tunnelStories, mailcowStories, mailcowHomeStories} {
		for _, s := range list {
			t.Run(s.check+"/"+s.name, func(t *testing.T) {
				w := newWorld(t)
				s.spoil(w)
				results := w.ask(s.check)
				r, ok := results[s.key]
				if !ok {
					t.Fatalf("no result %s; there are %v", s.key, keys(results))
				}
				text := r.Saw.String() + "\n" + r.Likely + "\n" + r.Evidence.String()
				if r.Outcome != s.want || !strings.Contains(text, s.words) {
					t.Errorf("%s, want %s with %q: %s", r.Outcome, s.want, s.words, text)
				}
				for name, answer := range map[string]string{"small path": "tunnel.mtu=", "SSH from home alone": "host.mail.ssh_from=192.168.50.0/24,10.0.0.0/24"} {
					if (s.name == name) != strings.HasPrefix(r.Answer, answer) {
						t.Errorf("it offers the answer %q", r.Answer)
					}
				}
				if r.Outcome != checks.OK && r.Outcome != checks.Skip && (r.Want == "" || r.Likely == "" || r.Fix == "") {
					t.Errorf("it does not say what was wanted, what is likely and what mends it: %+v", r)
				}
			})
			if s.want == checks.Fail || s.want == checks.Warn || s.want == checks.Unknown && s.check == "host.ssh" {
				told[s.check] = true
			}
		}
	}
	for _, c := range checks.All() {
		if !told[c.ID] && c.Step != "dns" && c.Step != "haraka" && c.Step != "caddy" && c.ID != "dns.provider" && !strings.HasPrefix(c.ID, "jails.") { // these families have a world and stories of their own
			t.Errorf("no story makes %s say that something is wrong", c.ID)
		}
	}
}

func keys(results map[string]checks.Result) []string {
	var all []string
	for k := range results {
		all = append(all, k)
	}
	return slices.Sorted(slices.Values(all))
}
