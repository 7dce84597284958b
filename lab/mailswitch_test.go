//go:build linux

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// goes has mail take the other path, by one answer and one apply, while mail comes in and goes out: none of it is lost, and none that
// goes out shows the home.
func (m mailed) goes(path string) {
	t := m.t.(*testing.T)
	t.Helper()
	user := fmt.Sprintf("%s%d", path, time.Now().Unix())
	in := m.l.pour(t, incoming("in"+user), 1, time.Second)
	out := m.l.pour(t, leaving("out"+user, user), 1, time.Second)
	m.run(0, "apply", "--yes", "--save", "--set", "mail.path="+path)
	in.end(func() []string { return m.l.received(t) })
	out.end(func() []string { m.l.hurry(t); return m.l.left(t, user) })
	m.settled()
}

// emptied waits until a command on a host has nothing to say.
func (m mailed) emptied(host, command string) {
	m.t.Helper()
	var left string
	if err := poll(m.t.Context(), 4*time.Minute, func() bool { left = want(m.t, m.l, host, "sh", "-c", command); return left == "" }); err != nil {
		m.t.Errorf("%s still has %s", host, left)
	}
}

// TestMailSwitch: mail goes from one path to the other and back, and what waits to be sent at that moment is sent, too.
func TestMailSwitch(t *testing.T) {
	t.Parallel()
	needTorture(t)
	m := newMailed(t, "haraka", Options{Suite: "trixie", Mail: "plain"})
	m.run(0, "apply", "--yes")
	m.proven()
	if err := m.l.Publish("external.test.", "@ MX 10 mx\nmx A "+exchangerAddr4+"\nmx AAAA "+exchangerAddr6+"\nsender A "+senderAddr+"\nsink MX 10 sender\n", "ns1", "ns2"); err != nil {
		t.Fatal(err)
	}
	waits := leaving("waits", "")
	for _, rcpt := range []string{"eve", "nobody"} { // whom the server refuses
		waits.rcpt = rcpt + "@sink.external.test"
		if err := waits.send(t.Context(), m.l); err != nil {
			t.Fatal(err)
		}
	}
	const queued = "ls -A /opt/haraka-out/queue"
	if err := poll(t.Context(), time.Minute, func() bool { return len(strings.Fields(want(t, m.l, "proxy", "sh", "-c", queued))) == 2 }); err != nil {
		t.Fatal("nothing waits in Haraka's queue")
	}
	for _, path := range []string{"direct", "haraka", "direct"} {
		m.goes(path)
		if path == "direct" && want(t, m.l, "proxy", "sh", "-c", queued) != "" {
			world := &sink{name: "sender.external.test"}
			there := world.serve(t, m.l, "world", senderAddr+":25")
			want(t, m.l, "proxy", "systemctl", "kill", "-s", "HUP", "haraka-out") // it would wait for some minutes
			if _, mail := world.got(t); mail == "" {
				t.Error("what waited is not sent")
			}
			m.l.inbox(t, "203.0.113.10", "nobody@sink.external.test")
			there.Close()
			m.emptied("proxy", queued)
			m.run(0, "apply", "--yes") // now nothing waits any more
		}
		if state, _ := m.l.Exec(t.Context(), "proxy", "systemctl", "is-active", "haraka-out"); (strings.TrimSpace(state) == "active") != (path == "haraka") {
			t.Errorf("haraka-out is %s with mail.path=%s", state, path)
		}
	}
}
