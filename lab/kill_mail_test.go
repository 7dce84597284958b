//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// mailShapes are those of chapters 6 and 7: the switch between the paths of mail, and each of them on hosts that have all but those chapters.
var mailShapes = []shape{
	{name: "mail from Haraka to the direct path", mail: "haraka", set: []string{"mail.path=direct"}, hosts: []string{"mail", "proxy"}},
	{name: "mail by Haraka and Caddy, and undone", mail: "haraka", hosts: []string{"mail", "proxy"}},
	{name: "direct mail and Caddy, and undone", mail: "direct", hosts: []string{"mail"}},
}

// mailDeadline is the guard's where mail is: a server that is asked to relay takes its time to refuse.
const mailDeadline = 75 * time.Second

func (a *arena) deadline() time.Duration {
	if a.shape.mail != "" {
		return mailDeadline
	}
	return killDeadline
}

// mailKinds are the blows of those shapes. What becomes of watchdogs has nothing to do with mail.
var mailKinds = []string{"client killed", "link cut", "reboot", "power cut", "disk filled"}

// mailCases are the cases of those shapes.
func mailCases(s shape) (all []killCase) {
	switch {
	case !torture() && len(s.set) > 0:
		return []killCase{{"client killed", "between", []string{"proxy"}}, {"power cut", "applied", []string{"mail"}}}
	case !torture():
		return nil
	case s.mail == "haraka" && len(s.set) == 0:
		for _, blow := range mailKinds {
			if blow != "link cut" { // the host does it by itself
				all = append(all, killCase{blow, "installing", []string{"proxy"}})
			}
		}
	}
	for i, p := range points {
		if p.name == "between" && len(s.hosts) == 1 || len(s.set) == 0 && i%3 != 2 {
			continue
		}
		for _, blow := range mailKinds {
			for _, host := range s.hosts {
				all = append(all, killCase{blow, p.name, []string{host}})
			}
		}
	}
	return all
}

// emptied waits until nothing waits to be sent: what the case before held up is tried again after a minute.
func (a *arena) emptied(t *testing.T) {
	if a.shape.mail != "" {
		mailed{operator: &operator{t: t}, l: a.l}.emptied("proxy", "ls -A /opt/haraka-out/queue 2>/dev/null; :")
	}
}

// flows pours mail both ways while a case happens, where there is a path for it before and after; what it gives wants all of it to arrive.
func (a *arena) flows(t *testing.T) (end func()) {
	if a.shape.mail == "" || len(a.shape.set) == 0 {
		return func() {}
	}
	user := fmt.Sprintf("k%d", time.Now().UnixNano())
	in := a.l.pour(t, incoming("in"+user), 1, 5*time.Second)
	out := a.l.pour(t, leaving("out"+user, user), 1, 5*time.Second)
	return func() {
		in.end(func() []string { return a.l.received(t) })
		out.end(func() []string { a.l.hurry(t); return a.l.left(t, user) })
	}
}

// left behind by what is made first, and made anew each time: a shape that is undone leaves the print as it is without.
var madeFirst = []string{"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid", "/config/tls", "file /etc/postern d", "/etc/postern/certificate.key", "/etc/postern/mail.pem", "/config/internalcmd_key", "file /opt"}

func unlike(line string) bool {
	return slices.ContainsFunc(madeFirst, func(path string) bool { return strings.Contains(line, path) })
}
