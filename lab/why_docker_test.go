//go:build linux

package main

import "testing"

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
}
