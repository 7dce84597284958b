//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// What a neighbour at home may send to a Mailcow: to the tunnel's address and to a container's own, with the mail host as its router, what is
// published on the loopback among them, and to the host's address at home.
var (
	pastTunnel = []string{"10.0.0.2:993", "10.0.0.2:25", "172.22.1.250:993", "172.22.1.253:25", "172.22.1.249:6379"}
	atHome     = []string{"192.168.50.2:993", "192.168.50.2:465", "192.168.50.2:587"}
)

// TestMailcowAtHome: neighbours of a Mailcow behind the tunnel do not come to it by the mail host as their router, whatever starts anew; clients
// of mail.lan reach the host's own address, and nobody else; what the operator says to Docker and to Compose stays; and undone all is as it was.
func TestMailcowAtHome(t *testing.T) {
	needTorture(t)
	t.Parallel()
	m := newMailed(t, "haraka", Options{Suite: "trixie", Mail: "mailcow"})
	for _, node := range []string{"gw", "laptop"} {
		want(t, m.l, node, "sh", "-ec", "ip route add 10.0.0.2/32 via 192.168.50.2; ip route add 172.22.1.0/24 via 192.168.50.2")
	}
	const theirs = "-A DOCKER-USER -s 192.0.2.99/32 -j DROP"
	m.does("mail", "iptables -I DOCKER-USER -s 192.0.2.99/32 -j DROP")
	own, ports, hooks := m.ownFiles(), m.published(), m.hooks()

	m.run(1, "apply", "--yes") // the administrator's password is the one that everybody knows
	m.another()
	m.settled("mailcow", "firewall")
	m.met("set up", "", "gw", "laptop")
	if now := m.hooks(); !strings.HasPrefix(now, "-N DOCKER-USER\n-A DOCKER-USER -j postern-mailcow\n"+theirs) {
		t.Errorf("DOCKER-USER is\n%s", now)
	}
	m.mailStays()
	m.layerBreaks()

	m.keeps("--set", "mail.lan=192.168.50.8/29", "--save", "apply", "--yes", "mailcow", "firewall")
	m.settled("mailcow", "firewall")
	for what, script := range map[string]string{
		"Docker starts anew": "systemctl restart docker", "ufw is loaded again": "ufw reload", "ufw starts anew": "systemctl restart ufw", "Docker is stopped and started": "systemctl stop docker.socket docker; systemctl start docker",
		"all rules were emptied": "systemctl stop docker.socket docker; iptables -F DOCKER-USER; iptables -F postern-mailcow; systemctl start docker",
	} {
		m.does("mail", script)
		m.answersAtHome(what)
		m.met(what, "laptop", "gw", "laptop")
	}
	if err := m.l.Reboot(t.Context(), "mail"); err != nil {
		t.Fatal(err)
	}
	m.answersAtHome("it has booted")
	m.met("it has booted", "laptop", "gw", "laptop")
	m.settled("mailcow", "firewall")

	before := m.containers()
	m.keeps("--set", "mail.lan=", "--save", "apply", "--yes", "mailcow", "firewall")
	m.settled("mailcow", "firewall")
	m.met("nobody is named any more", "", "gw", "laptop")
	anew := 0
	for name, id := range m.containers() {
		if before[name] != id {
			anew++
		}
	}
	if anew != 2 {
		t.Errorf("%d containers were made anew, want those of Dovecot and Postfix", anew)
	}
	m.operatorsOverride()

	m.does("mail", "iptables -I DOCKER-USER -s 192.0.2.99/32 -j DROP") // a reboot has forgotten it
	m.keeps("--set", "mail.lan=192.168.50.0/24", "--save", "apply", "--yes", "mailcow", "firewall")
	m.answersAtHome("all of home is named")
	m.unhurried()
	m.run(0, "undo", "--all", "--yes", "--accept-risk=lose-ssh")
	if now := m.published(); !slices.Equal(now, ports) {
		t.Errorf("undone it listens on\n%q, and did on\n%q", now, ports)
	}
	for path, text := range own {
		if now := want(t, m.l, "mail", "cat", path); now != text {
			t.Errorf("%s was\n%s\nand is, undone,\n%s", path, text, now)
		}
	}
	if now := m.hooks(); now != hooks {
		t.Errorf("DOCKER-USER was\n%s\nand is, undone,\n%s", hooks, now)
	}
	if said := want(t, m.l, "mail", "sh", "-c", "{ iptables-save; ip6tables-save; ls "+mailcowDir+" /usr/local/sbin; find /etc/systemd -name '*postern-mailcow*'; } | grep -E 'postern-mailcow|override'; systemctl is-enabled postern-mailcow 2>&1; :"); said != "not-found" {
		t.Errorf("this is left of it: %s", said)
	}
}

// hooks are the rules of DOCKER-USER in both families.
func (m mailed) hooks() string {
	return want(m.t, m.l, "mail", "sh", "-c", "iptables -S DOCKER-USER; ip6tables -S DOCKER-USER 2>/dev/null; :")
}

// met dials from neighbours: none comes past the tunnel, and only the one that is admitted to the host's own address.
func (m mailed) met(when, admitted string, nodes ...string) {
	t := m.t.(*testing.T)
	t.Helper()
	var dials []func() error
	for _, node := range nodes {
		for _, at := range slices.Concat(pastTunnel, atHome, []string{"192.168.50.2:25"}) {
			dials = append(dials, func() error {
				may := node == admitted && slices.Contains(atHome, at)
				if err := m.soon(node, at); (err == nil) != may {
					return fmt.Errorf("%s: from %s %s answers: %t (%w), want %t", when, node, at, err == nil, err, may)
				}
				return nil
			})
		}
	}
	if err := together(dials...); err != nil {
		t.Error(err)
	}
}

// keeps has an apply change the hosts, whatever the checks of other chapters have to say.
func (m mailed) keeps(args ...string) {
	m.t.Helper()
	if said, code := m.try(args...); code > 1 || !strings.Contains(said, "confirmed") {
		m.t.Fatalf("%q: exit %d\n%s", args, code, said)
	}
}

// soon dials, and waits no longer than for a packet that got lost.
func (m mailed) soon(node, at string) error {
	ctx, stop := context.WithTimeout(m.t.Context(), 5*time.Second)
	defer stop()
	return reaches(ctx, m.l, node, at)
}

// answersAtHome waits until clients at home are answered.
func (m mailed) answersAtHome(when string) {
	t := m.t.(*testing.T)
	t.Helper()
	for _, at := range atHome {
		if err := poll(t.Context(), 90*time.Second, func() bool { return m.soon("laptop", at) == nil }); err != nil {
			t.Errorf("%s: %s does not answer a client at home", when, at)
		}
	}
}

// mailStays wants that mail which a container sends by itself does not leave by the line at home.
func (m mailed) mailStays() {
	t := m.t.(*testing.T)
	t.Helper()
	const send = "docker exec " + postfixMailcow + " perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(PeerAddr => shift, Timeout => 5) ? qq(sent) : qq(kept: $@)' "
	if said := want(t, m.l, "mail", "sh", "-c", send+"198.51.100.77:25"); !strings.HasPrefix(said, "kept") {
		t.Errorf("mail of a container for the world is %s", said)
	}
	m.does("mail", "systemctl stop postern-mailcow")
	if said := want(t, m.l, "mail", "sh", "-c", send+"198.51.100.77:25"); said != "sent" {
		t.Errorf("without the rules mail of a container for the world is %s", said)
	}
	m.does("mail", "systemctl start postern-mailcow")
}

// layerMishaps are what goes wrong with the rules before Mailcow's containers.
var layerMishaps = []mishap{
	{"its unit is stopped", "mail", "systemctl stop postern-mailcow", "systemctl start postern-mailcow", "mailcow.home", "reaches 10.0.0.2:25, coming by eth0"},
	{"another rule comes first", "mail", "iptables -I DOCKER-USER -i eth0 -j ACCEPT", "iptables -D DOCKER-USER -i eth0 -j ACCEPT", "mailcow.home", "by -A DOCKER-USER -i eth0 -j ACCEPT"},
	{"another rule before Docker's", "mail", "iptables -I FORWARD -s 192.168.50.0/24 -j ACCEPT", "iptables -D FORWARD -s 192.168.50.0/24 -j ACCEPT", "mailcow.home", "by -A FORWARD -s 192.168.50.0/24 -j ACCEPT"},
	{"it does not start at boot", "mail", "systemctl -q disable postern-mailcow", "systemctl -q enable postern-mailcow", "mailcow.home", "after a reboot nobody would be turned away"},
}

// layerBreaks takes the rules away, which lets neighbours in, has that named, and the chapter mend it.
func (m mailed) layerBreaks() {
	t := m.t.(*testing.T)
	t.Helper()
	m.breaksBy(layerMishaps)
	m.settled("mailcow")
	m.does("mail", "iptables -D DOCKER-USER -j postern-mailcow")
	for _, at := range pastTunnel {
		if err := m.soon("gw", at); err != nil {
			t.Errorf("without the rules %s does not answer, so nothing is proven by them: %v", at, err)
		}
	}
	m.keeps("apply", "--yes", "mailcow")
	m.settled("mailcow")
	m.met("mended", "", "gw")
	for script, with := range map[string]string{"iptables -I DOCKER-USER -i eth0 -j ACCEPT": "iptables -D DOCKER-USER -i eth0 -j ACCEPT", "iptables -D postern-mailcow -j DROP": ":", "ip6tables -F postern-mailcow": ":"} {
		m.does("mail", script)
		m.keeps("apply", "--yes", "mailcow")
		m.met("mended after "+script, "", "gw")
		m.does("mail", with)
	}
	if said, _ := m.try("apply", "--yes", "mailcow"); !strings.Contains(said, "Nothing to change") {
		t.Errorf("a second apply changes something:\n%s", said)
	}
	if said, _ := m.try("why", "993", "--yes"); strings.Contains(said, "postern-mailcow") {
		t.Errorf("who asks after a port that answers is told of our chain:\n%s", said)
	}
}

// containers are Mailcow's, by name.
func (m mailed) containers() map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(want(m.t, m.l, "mail", "docker", "ps", "-a", "--format", "{{.Names}} {{.ID}}")) {
		name, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		all[name] = id
	}
	return maps.Clone(all)
}

// operatorsOverride has a file of the operator's stand where ours would: it stays, and what to add to it is a task that tells when it is done.
func (m mailed) operatorsOverride() {
	t := m.t.(*testing.T)
	t.Helper()
	const file, says = mailcowDir + "/docker-compose.override.yml", "services:\n  dovecot-mailcow:\n    labels:\n      - mine=yes\n"
	m.does("mail", "printf '"+strings.ReplaceAll(says, "\n", `\n`)+"' >"+file+"; "+inTree+"docker compose up -d")
	m.keeps("--set", "mail.lan=192.168.50.8/29", "--save", "apply", "--yes", "mailcow")
	m.names("the lines are not there yet", "mailcow.lan", "fail", "publish nothing at 192.168.50.2:993")
	if now := want(t, m.l, "mail", "cat", file) + "\n"; now != says {
		t.Errorf("the operator's file became\n%s", now)
	}
	var plan struct {
		Tasks []struct{ ID, Copy, Check string }
	}
	if out := m.output("--json", "plan", "mailcow"); json.Unmarshal([]byte(out), &plan) != nil {
		t.Fatalf("plan --json: %s", out)
	}
	at := slices.IndexFunc(plan.Tasks, func(one struct{ ID, Copy, Check string }) bool { return one.ID == "mailcow.lan" })
	if at < 0 || plan.Tasks[at].Check != "mailcow.lan" || !strings.Contains(plan.Tasks[at].Copy, `- "192.168.50.2:993:993"`) {
		t.Fatalf("no task says what to add: %+v", plan.Tasks)
	}
	lines, after, _ := strings.Cut(plan.Tasks[at].Copy, "# then")
	_, then, _ := strings.Cut(after, "\n")
	m.does("mail", "cat >"+file+" <<'END'\n"+strings.Replace(lines, "  dovecot-mailcow:\n", "  dovecot-mailcow:\n    labels:\n      - mine=yes\n", 1)+"END\n"+then)
	m.answersAtHome("the lines are there")
	m.settled("mailcow")
	m.met("the lines are there", "laptop", "gw")
	m.does("mail", "rm "+file+"; "+inTree+"docker compose up -d")
}
