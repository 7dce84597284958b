//go:build linux

package main

import (
	"context"
	"encoding/json"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMailInDocker: the same as TestMail, with the mail server in a container on the tunnel's address, as Mailcow has it. Its settings
// are a person's to make, and a check tells when they are made.
func TestMailInDocker(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"haraka", "direct"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			needTorture(t)
			m := newMailed(t, path, Options{Suite: "trixie", Mail: "plain", Docker: true})
			before := fingerprints(t, m.l)
			m.publish("")
			m.run(1, "apply", "--yes") // no key is published, and the container knows nothing of the proxy
			m.contained()
			m.publish(m.l.dkimLine(t))
			m.remembered("dkim._domainkey.example.org")
			m.handed(path)
			m.settled()
			m.flows(path, path)
			m.strangersTools(path)
			if said := m.run(0, "apply", "--yes"); !strings.Contains(said, "Nothing to change") {
				t.Errorf("a second apply changes something:\n%s", said)
			}
			m.breaks(path)
			m.restarted(path)
			m.undone(before)
		})
	}
}

// handed does what the chapter leaves to a person, as its own words to copy say, and has the check tell before and after.
func (m mailed) handed(path string) {
	t := m.t.(*testing.T)
	t.Helper()
	var plan struct {
		Tasks []struct{ ID, Copy, Check string }
	}
	if out := m.output("--json", "plan", "haraka"); json.Unmarshal([]byte(out), &plan) != nil {
		t.Fatalf("plan --json: %s", out)
	}
	at := slices.IndexFunc(plan.Tasks, func(one struct{ ID, Copy, Check string }) bool { return one.ID == "haraka.server" })
	if at < 0 || !strings.Contains(plan.Tasks[at].Copy, "docker exec mail postconf") {
		t.Fatalf("no task with something to copy: %+v", plan.Tasks)
	}
	for _, r := range m.checks(plan.Tasks[at].Check) {
		if said := r.Result == "fail" && strings.Contains(r.Saw, "mail leaves from home"); said != (path == "haraka") {
			t.Errorf("before anything was set: %+v", r)
		}
	}
	want(t, m.l, "mail", "sh", "-ec", plan.Tasks[at].Copy)
	m.settled(plan.Tasks[at].Check)
}

// restarted boots the mail host anew, and wants the container there, and mail to go both ways.
func (m mailed) restarted(path string) {
	t := m.t.(*testing.T)
	t.Helper()
	if err := m.l.Reboot(t.Context(), "mail"); err != nil {
		t.Fatal(err)
	}
	m.contained()
	m.settled()
	m.flows(path, path+"again")
}

// contained waits until the container is there, and takes mail from the proxy.
func (m mailed) contained() {
	t := m.t.(*testing.T)
	t.Helper()
	var err error
	if poll(t.Context(), 2*time.Minute, func() bool {
		if _, err = m.l.Exec(t.Context(), "mail", "docker", "exec", "mail", "test", "-e", "/var/lib/rspamd/dkim/dkim.zone"); err == nil {
			err = reaches(t.Context(), m.l, "proxy", "10.0.0.2:25")
		}
		return err == nil
	}) != nil {
		t.Fatal(err)
	}
}

// remembered waits until the resolver has forgotten that there was no text under a name.
func (m mailed) remembered(name string) {
	t := m.t.(*testing.T)
	t.Helper()
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return m.l.Dial(ctx, "world", network, net.JoinHostPort(resolverAddr, "53"))
	}}
	var err error
	if poll(t.Context(), 2*time.Minute, func() bool {
		_, err = resolver.LookupTXT(t.Context(), name)
		return err == nil
	}) != nil {
		t.Fatal(err)
	}
}
