//go:build linux

package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// mishap is one thing that goes wrong with a host, and the result of a check that names it.
type mishap struct {
	name, host, do, undo string
	id, says             string
}

const (
	dropIns    = "/run/systemd/system/haraka-in.service.d"
	believe    = "postconf -e 'mynetworks = 127.0.0.0/8 [::1]/128 10.0.0.0/24' && systemctl reload postfix"
	disbelieve = "postconf -X mynetworks && systemctl reload postfix"
	noRelay    = "postconf -e relayhost= && systemctl reload postfix"
	relay      = "postconf -e 'relayhost = [10.0.0.1]:2526' && systemctl reload postfix"
)

// mishaps of either path, and of each.
var mishaps = map[string][]mishap{
	"": {
		{"an open relay for the tunnel", "mail", believe, disbelieve, "smtp.relay.inside", "an open relay"},
		{"an open relay waiting", "mail", believe, disbelieve, "smtp.server", "mynetworks holds 10.0.0.0/24"},
		{"the mail server's name", "mail", "postconf -e myhostname=nas.lan && systemctl reload postfix", "postconf -e myhostname=mail.example.org && systemctl reload postfix", "smtp.server", "calls itself nas.lan"},
		{"the tunnel is down on the proxy", "proxy", "systemctl stop wg-quick@wg0", "systemctl start wg-quick@wg0", "tunnel.handshake", "there is no interface wg0"},
		{"the tunnel is down on the mail host", "mail", "systemctl stop wg-quick@wg0", "systemctl start wg-quick@wg0", "tunnel.handshake", "there is no interface wg0"},
		{"no submission", "mail", "postconf -MX submission/inet && systemctl restart postfix", "cp /root/master.cf /etc/postfix/ && systemctl restart postfix", "smtp.submission.submission", "refused"},
	},
	"haraka": {
		{"Haraka is stopped", "proxy", "systemctl stop haraka-in", "systemctl start haraka-in", "smtp.answers", "refused"},
		{"Haraka ends at once", "proxy", "mkdir -p " + dropIns + "; printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\n' >" + dropIns + "/false.conf; systemctl daemon-reload; systemctl restart haraka-in",
			"rm -r " + dropIns + "; systemctl daemon-reload; systemctl restart haraka-in", "smtp.answers", "refused"},
		{"Haraka is killed again and again", "proxy", "systemd-run -q --unit=killer sh -c 'while sleep 0.2; do systemctl kill -s KILL haraka-in; done'", "systemctl stop killer; systemctl restart haraka-in", "smtp.answers", "refused"},
		{"half a connection.ini", "proxy", "cd /opt/haraka-in/config; cp connection.ini /root/; printf '[main]\\nspool_dir=/var/tmp\\n' >connection.ini; systemctl restart haraka-in",
			"cp /root/connection.ini /opt/haraka-in/config/; systemctl restart haraka-in", "smtp.answers", ""},
		{"mail leaves from home", "mail", noRelay, relay, "smtp.server", "mail leaves from home"},
		{"XCLIENT is not believed", "mail", "postconf -e smtpd_authorized_xclient_hosts= && systemctl reload postfix", "postconf -e smtpd_authorized_xclient_hosts=10.0.0.1 && systemctl reload postfix", "smtp.server", "XCLIENT"},
	},
	"direct": {
		{"nothing keeps mail back", "mail", "ip -4 rule del pref 20723", "systemctl restart postern-smtp", "smtp.leaves.kept", "over IPv4 mail leaves by the default route"},
		{"nothing keeps mail back at boot", "mail", "systemctl -q disable postern-smtp", "systemctl -q enable postern-smtp", "smtp.leaves.kept", "after a reboot"},
		{"mail leaves from home", "mail", "systemctl stop postern-smtp", "systemctl start postern-smtp", "smtp.leaves", "sees 198.51.100.20"},
		{"no answer to mail", "mail", "systemctl stop postfix", "systemctl start postfix", "smtp.answers", "refused"},
	},
}

// breaks has one thing after the other go wrong, and wants it named by a check, and all well again afterwards.
func (m mailed) breaks(path string) {
	t := m.t.(*testing.T)
	t.Helper()
	m.does("mail", "cp /etc/postfix/master.cf /root/")
	m.breaksBy(slices.Concat(mishaps[""], mishaps[path]))
	m.settled("wireguard", "haraka")
}

// breaksBy has these go wrong one after the other.
func (m mailed) breaksBy(list []mishap) {
	t := m.t.(*testing.T)
	t.Helper()
	for _, one := range list {
		m.does(one.host, one.do)
		told, all := false, m.checks(one.id)
		for _, r := range all {
			told = told || r.ID == one.id && r.Result == "fail" && strings.Contains(r.Saw, one.says) && r.Fix != "" && r.Likely != "" && r.Want != ""
		}
		if !told {
			t.Errorf("%s: %s does not say %q, and what mends it: %+v", one.name, one.id, one.says, all)
		}
		m.does(one.host, one.undo)
	}
}

// does has a script run on a host; what is about Postfix goes to its container where it has one.
func (m mailed) does(host, script string) {
	m.t.Helper()
	if m.l.Docker && m.l.Mail == "plain" {
		script = strings.NewReplacer("postconf ", "docker exec mail postconf ", "systemctl reload postfix", "docker exec mail postfix reload", "systemctl restart postfix", "docker restart mail",
			"systemctl stop postfix", "docker stop mail", "systemctl start postfix", "docker start mail", "cp /root/master.cf ", "docker cp /root/master.cf mail:", "cp /etc/", "docker cp mail:/etc/").Replace(script)
	}
	want(m.t, m.l, host, "sh", "-ec", script)
}

// settled waits until the checks named have nothing to say: what was started anew takes a moment.
func (m mailed) settled(named ...string) {
	t := m.t.(*testing.T)
	t.Helper()
	var amiss []result
	if poll(t.Context(), 2*time.Minute, func() bool {
		amiss = nil
		for _, r := range m.checks(named...) {
			if r.Result != "ok" && r.Result != "skip" {
				amiss = append(amiss, r)
			}
		}
		return len(amiss) == 0
	}) != nil {
		said, _ := m.l.Exec(t.Context(), "proxy", "journalctl", "-q", "--no-pager", "-n", "200", "-u", "haraka-in", "-u", "haraka-out")
		t.Errorf("all is mended, and yet: %+v\n%s", amiss, said)
	}
}

// dockers are the lines of a fingerprint that tell whether a container runs, and those of a boot since.
var dockers = regexp.MustCompile(`br-mailcow|docker0|veth|172\.(17|22)\.|first-start|docker-(netns|overlay2)|runs ufw`)

// kept says of a line of a fingerprint that packages which stay do not explain it.
func kept(line string) bool {
	fact := line[2:]
	if strings.HasPrefix(fact, "package ") || strings.HasPrefix(fact, "at-boot wg-quick") || strings.HasPrefix(fact, "at-boot ufw") || strings.Contains(fact, "/usr/local/lib/python") ||
		strings.Contains(fact, "/ufw.service") || strings.HasPrefix(fact, "runs haraka-") { // what had failed is stopped
		return false
	}
	_, path, etc := strings.Cut(fact, " /etc/")
	for _, ours := range []string{"postfix", "systemd", "wireguard/", "sysctl", "passwd ", "group "} {
		etc = etc && !strings.HasPrefix(path, ours)
	}
	return !etc
}

// undone wants both hosts as they were, but for packages and what they bring.
func (m mailed) undone(before map[string]string) {
	t := m.t.(*testing.T)
	t.Helper()
	m.undoAll()
	// Caddy's package stays as it came, but for its unit, which does not start; and brings a user that a purge leaves.
	if said := want(t, m.l, "proxy", "sh", "-c", "dpkg -V caddy; systemctl is-enabled caddy; systemctl is-active caddy; :"); said != "disabled\ninactive" {
		t.Errorf("after the undo Caddy is %q", said)
	}
	m.does("proxy", "apt-get -qq purge caddy >/dev/null 2>&1; userdel caddy")
	for host, now := range fingerprints(t, m.l) {
		for _, line := range difference(before[host], now) {
			if kept(line) && !(m.l.Docker && dockers.MatchString(line)) {
				t.Errorf("%s: %s", host, line)
			}
		}
	}
}
