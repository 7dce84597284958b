//go:build linux

package main

import (
	"strings"
	"testing"
)

// dockerCuts keep a port's packets back where containers take them.
var dockerCuts = []cut{
	{"a container that was stopped", "993", "mail", "docker stop -t 1 peer-993", "", is(`the container peer-993 on mail, which is for port 993, does not run`), is(`^docker start peer-993$`), false},
	{"a container from before the tunnel", "993", "mail", "systemctl stop wg-quick@wg0; docker restart -t 1 peer-993; docker stop -t 1 peer-993; systemctl start wg-quick@wg0", "",
		is(`the container peer-993 on mail, which is for port 993, does not run`), is(`^docker start peer-993$`), false},
	{"a rule of DOCKER-USER", "993", "mail", "iptables -I DOCKER-USER -p tcp -m tcp --dport 993 -j DROP", "", is(`keeps it back on mail.*DOCKER-USER.*--dport 993`), is(`^iptables -D DOCKER-USER `), false},
	{"answers dropped in DOCKER-USER", "993", "mail", "iptables -I DOCKER-USER -o wg0 -p tcp -m tcp --sport 993 -j DROP", "", is(`keeps it back on mail.*--sport 993`), is(`^iptables -D DOCKER-USER `), false},
}

// TestWhyDocker is TestWhy where a container takes the port.
func TestWhyDocker(t *testing.T) {
	t.Parallel()
	needTorture(t)
	l := newLab(t, Options{Docker: true})
	o := newOperator(t, l, nil)
	o.run(0, "apply", "network", "firewall", "wireguard", "--yes")
	container(t, l, "993")
	for _, c := range dockerCuts {
		t.Run(c.name, func(t *testing.T) { c.prove(t, l, o) })
	}
	t.Run(dockerAround, func(t *testing.T) { publishedAround(t, l, o) })
}

const dockerAround = "Docker around the firewall"

// publishedAround has a container publish a port on all addresses, and then as it is said.
func publishedAround(t *testing.T, l *Lab, o *operator) {
	t.Helper()
	for _, c := range []struct{ at, result, saw, fix string }{
		{"", "fail", "reached from outside past ufw: ", "bind the container's port to 10.0.0.2 or 127.0.0.1"},
		{"10.0.0.2:", "ok", "none on all addresses", ""},
	} {
		want(t, l, "mail", "docker", "run", "-d", "--name", "around", "-p", c.at+"8443:80", "-v", "/srv/peer.pl:/peer.pl:ro", "lab/base", "perl", "/peer.pl", "0.0.0.0", "80")
		for _, r := range o.checks("firewall.docker") {
			if r.From == "mail" && (r.Result != c.result || !strings.Contains(r.Saw, c.saw) || !strings.Contains(r.Fix, c.fix)) {
				t.Errorf("published on %q: %+v", c.at, r)
			}
		}
		want(t, l, "mail", "docker", "rm", "-f", "around")
	}
}
