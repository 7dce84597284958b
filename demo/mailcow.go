package demo

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"postern/remote"
	"postern/seen"
)

// The mail host's Mailcow, downloaded and not started yet: its containers run what its files said when they were made.
const (
	mailcowConf = "/opt/mailcow-dockerized/mailcow.conf"
	extraCF     = "/opt/mailcow-dockerized/data/conf/postfix/extra.cf"
	lanFile     = "/opt/mailcow-dockerized/docker-compose.override.yml"
	madeOf      = "/var/lib/docker/mailcow" // both as they were when the containers were made; absent while there are none
)

const freshMailcow = `# ------------------------------
# mailcow web ui configuration
# ------------------------------
# example.org is _not_ a valid hostname, use a fqdn here.
MAILCOW_HOSTNAME=mail.example.org
DBPASS=redacted:3b5d5c3712955042
DBROOT=redacted:1f7a5b2c9d4e6083
REDISPASS=redacted:90c1a7e2b4d8f635
# You should use HTTPS, but in case of SSL offloaded reverse proxies:
HTTP_PORT=80
HTTP_BIND=
HTTPS_PORT=443
HTTPS_BIND=
HTTP_REDIRECT=y
SMTP_PORT=25
SMTPS_PORT=465
SUBMISSION_PORT=587
IMAP_PORT=143
IMAPS_PORT=993
POP_PORT=110
POPS_PORT=995
SIEVE_PORT=4190
DOVEADM_PORT=127.0.0.1:19991
SQL_PORT=127.0.0.1:13306
REDIS_PORT=127.0.0.1:7654
COMPOSE_PROJECT_NAME=mailcowdockerized
AUTODISCOVER_SAN=y
SKIP_LETS_ENCRYPT=n
SNAT_TO_SOURCE=
ENABLE_IPV6=true
`

// mailcowPorts are the ports that its services publish, by the settings that say where.
var mailcowPorts = [][3]string{
	{"mysql-mailcow", "SQL_PORT"}, {"redis-mailcow", "REDIS_PORT"}, {"nginx-mailcow", "HTTP_PORT", "HTTP_BIND"}, {"nginx-mailcow", "HTTPS_PORT", "HTTPS_BIND"},
	{"postfix-mailcow", "SMTP_PORT"}, {"postfix-mailcow", "SMTPS_PORT"}, {"postfix-mailcow", "SUBMISSION_PORT"},
	{"dovecot-mailcow", "IMAP_PORT"}, {"dovecot-mailcow", "IMAPS_PORT"}, {"dovecot-mailcow", "POP_PORT"}, {"dovecot-mailcow", "POPS_PORT"}, {"dovecot-mailcow", "SIEVE_PORT"}, {"dovecot-mailcow", "DOVEADM_PORT"},
}

// assigned is what a file of assignments says, by name.
func assigned(text string) map[string]string {
	set := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			set[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return set
}

// publishes calls yield with each port that settings of Mailcow publish, and the address, "" for all.
func publishes(conf string, yield func(service, addr, port string)) {
	set := assigned(conf)
	for _, one := range mailcowPorts {
		addr, port, both := strings.Cut(set[one[1]], ":")
		if !both {
			addr, port = set[one[2]], set[one[1]]
		}
		yield(one[0], addr, port)
	}
	for at, service := range lanPorts(conf) {
		yield(service, at.Addr().String(), fmt.Sprint(at.Port()))
	}
}

var lanPort = regexp.MustCompile(`(?m)^  ([a-z-]+):$|^ +- "([0-9.]+:\d+):\d+"$`)

// lanPorts are the addresses and ports that our override publishes beside, with their services.
func lanPorts(text string) map[netip.AddrPort]string {
	ports, service := map[netip.AddrPort]string{}, ""
	for _, m := range lanPort.FindAllStringSubmatch(text, -1) {
		if at, err := netip.ParseAddrPort(m[2]); err == nil {
			ports[at] = service
		} else {
			service = m[1]
		}
	}
	return ports
}

var layerRules = regexp.MustCompile(`(?s)rules_(iptables|ip6tables)\(\) \{\n\tcat <<'RULES'\n(.*?)\nRULES`)

// layer has the kernel run what keeps the home off Mailcow's containers, where its unit runs.
func (h *Host) layer() {
	const own, hook = "postern-mailcow", "DOCKER-USER"
	h.kernel.read = [2]seen.Tables{}
	for _, r := range h.kernel.rules {
		r.drop(func(name string) bool { return name == own || name == hook })
	}
	for i, m := range layerRules.FindAllStringSubmatch(h.text("/usr/local/sbin/"+own), -1) {
		if h.kernel.started[own] { // its rules are spelled as iptables-save has them
			t := h.kernel.rules[i].table("filter")
			t[hook] = &chain{"-", []string{"-j " + own}}
			t[own] = &chain{"-", strings.Split(strings.ReplaceAll(m[2], "-A "+own+" ", ""), "\n")}
		}
	}
}

// mailcowRuns says whether the mail host's containers run.
func (h *Host) mailcowRuns() bool { return h.File(madeOf) != nil }

// mailcow is how Mailcow stands.
func (h *Host) mailcow([]string) string {
	conf := h.text(mailcowConf)
	if conf == "" {
		return section("absent", "")
	}
	says, ports, containers, services := "", "", "", map[string]bool{}
	for line := range strings.Lines(conf) {
		if !strings.HasPrefix(line, "#") && !strings.Contains(line, "redacted:") {
			says += line
		}
	}
	publishes(conf+h.text(lanFile), func(service, addr, port string) {
		if ports += service + "|" + addr + "|" + port + "|tcp\n"; !services[service] && h.mailcowRuns() {
			services[service] = true
			containers += fmt.Sprintf("%s|/mailcowdockerized-%[1]s-1|running|0|%s\n", service, h.w.began.UTC().Format("2006-01-02T15:04:05Z"))
		}
	})
	return section("engine", "26.1.5 overlay2") + section("compose", "2.26.1") + section("conf", says) + section("publishes", ports) +
		section("now", h.w.Now().Add(upFor).UTC().Format("2006-01-02T15:04:05Z")) + section("containers", containers) + section("leftover", "") + section("hook", "")
}

// docker tells what the containers publish.
func (h *Host) docker([]string) string {
	if h != h.w.Mail || h.w.noMail {
		return section("absent", "")
	}
	text := ""
	if h.mailcowRuns() {
		publishes(h.text(madeOf), func(service, addr, port string) {
			text += fmt.Sprintf("mailcowdockerized-%s-1|%s:%s->%[3]s/tcp\n", service, addr, port)
		})
	}
	return section("ps", text)
}

// compose compares what the files want with what the containers were made of.
func (h *Host) compose([]string) remote.Answer {
	hash := func(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }
	text := "want postfix-mailcow " + hash(h.text(mailcowConf)+h.text(lanFile)) + "\n"
	if h.mailcowRuns() {
		text += "has postfix-mailcow " + hash(h.text(madeOf)) + " running\n"
	}
	return remote.Answer{Out: text}
}

// bringUp makes the containers, or takes them away at an undo.
func (h *Host) bringUp(s script) error {
	if strings.Contains(s.text, `if [ -n "" ]`) { // there were none before
		h.Write(madeOf, nil)
		return nil
	}
	at, _ := netip.ParseAddrPort(assigned(h.text(mailcowConf))["SMTP_PORT"])
	if h.w.mu.Lock(); !h.owns(at.Addr()) {
		h.w.mu.Unlock()
		s.say(at.Addr().String() + " is none of this host's addresses yet: the tunnel comes first")
		return errors.New("exit status 1")
	}
	h.w.mu.Unlock()
	for _, service := range []string{"mysql-mailcow", "redis-mailcow", "dovecot-mailcow", "postfix-mailcow", "nginx-mailcow"} {
		s.say("a new container runs " + service)
		h.w.wait(h.w.ctx, takesTime/4)
	}
	h.put(madeOf, h.text(mailcowConf)+h.text(lanFile), 0o600)
	return h.postfixAnew(s)
}

// postfixAnew has Postfix read its files.
func (h *Host) postfixAnew(script) error {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	h.extra = h.text(extraCF)
	return nil
}

// postfix is what Mailcow's Postfix is set to.
func (h *Host) postfix([]string) string {
	if h != h.w.Mail || !h.mailcowRuns() {
		return section("absent", "")
	}
	text := "mynetworks = 127.0.0.0/8 172.22.1.0/24 [::1]/128\ninet_interfaces = all\n"
	set := assigned(h.extra)
	for _, one := range [][2]string{{"myhostname", assigned(h.text(madeOf))["MAILCOW_HOSTNAME"]}, {"relayhost"}, {"inet_protocols", "all"}, {"smtpd_authorized_xclient_hosts"}} {
		value, said := set[one[0]]
		if !said {
			value = one[1]
		}
		text += one[0] + " = " + value + "\n"
	}
	return section("container", "mailcowdockerized-postfix-mailcow-1") + section("settings", text)
}
