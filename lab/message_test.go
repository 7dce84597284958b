//go:build linux

package main

import (
	"slices"
	"strings"
	"testing"
)

// taggedTo are the addresses that the operator has messages sent to: a mailbox of the house, and one of the world.
var taggedTo = []string{"smtp.message", "--send-to", mailUser, "--send-to", "bob@external.test", "--yes"}

const (
	tiny  = "sed -i 's/=1G/=1k/; s/storage_size = 1G/storage_size = 1k/' /etc/dovecot/dovecot.conf && systemctl restart dovecot"
	roomy = "sed -i 's/=1k/=1G/; s/storage_size = 1k/storage_size = 1G/' /etc/dovecot/dovecot.conf && systemctl restart dovecot"
	// listens waits until haraka-out does: it takes some seconds to start.
	listens = "for n in $(seq 60); do ss -Hltn | grep -q 10.0.0.1:2526 && break; sleep 1; done"
)

// hops that break, of either path and of each, and what a tagged message tells of them.
var hops = map[string][]mishap{
	"": {{"a mailbox over its quota", "mail", tiny, roomy, "smtp.message.in", "bounced at the mailbox, which is over its quota"}},
	"haraka": {
		{"no way home for bounces", "proxy", "cd /opt/haraka-out/config; cp relay_dest_domains.ini /root/; echo '[domains]' >relay_dest_domains.ini; systemctl restart haraka-out; " + listens,
			"cp /root/relay_dest_domains.ini /opt/haraka-out/config/; systemctl restart haraka-out; " + listens, "smtp.message.bounce", "taken by proxy, and no word of it came home"},
		{"nobody sends", "proxy", "systemctl stop haraka-out", "systemctl start haraka-out; " + listens, "smtp.message.out", "deferred on the way to the proxy: connect to 10.0.0.1"},
		{"mail leaves from home", "mail", noRelay, relay, "smtp.message.out", "left by mx.external.test[198.51.100.77]:25, and not by the proxy"},
		{"no tunnel", "mail", "wg-quick down wg0", "systemctl restart wg-quick@wg0", "smtp.message.in", "no answer from the mail host behind it"},
	},
	"direct": {
		{"no tunnel", "mail", "wg-quick down wg0", "systemctl restart wg-quick@wg0", "smtp.message.in", "no answer"},
		{"nothing leaves", "proxy", "iptables -w -I FORWARD -i wg0 -p tcp --dport 25 -j REJECT", "iptables -w -D FORWARD -i wg0 -p tcp --dport 25 -j REJECT", "smtp.message.out", "on the way into the world: connect to mx.external.test"},
	},
}

// tagged has messages go their whole way, and each hop that breaks named.
func (m mailed) tagged(path string) {
	t := m.t.(*testing.T)
	t.Helper()
	want := []string{"smtp.message.bounce", "smtp.message.in", "smtp.message.out"}
	if path == "haraka" {
		want = append(want, "smtp.message.in.v6")
	}
	var went []string
	for _, r := range m.checks(taggedTo...) {
		if r.Result != "ok" || r.ID == "smtp.message.out" && !strings.Contains(r.Saw, "mx.external.test[198.51.100.77]") {
			t.Errorf("%s: %s: %s", r.ID, r.Result, r.Saw)
		}
		went = append(went, r.ID)
	}
	slices.Sort(went)
	if slices.Sort(want); !slices.Equal(went, want) {
		t.Errorf("%q went their way, want %q", went, want)
	}
	for _, one := range append(slices.Clone(hops[""]), hops[path]...) {
		m.breaksHop(t, one)
	}
	m.settled("smtp.mailboxes")
}

// breaksHop has one hop break, and be named.
func (m mailed) breaksHop(t *testing.T, one mishap) {
	t.Helper()
	want(t, m.l, one.host, "sh", "-ec", one.do)
	all := m.checks(append([]string{"smtp.mailboxes"}, taggedTo...)...)
	told := slices.ContainsFunc(all, func(r result) bool {
		return r.ID == one.id && (r.Result == "fail" || r.Result == "unknown") && strings.Contains(r.Saw, one.says)
	})
	if !told {
		t.Errorf("%s: %s does not say %q: %+v", one.name, one.id, one.says, all)
	}
	want(t, m.l, one.host, "sh", "-ec", one.undo)
	if one.do != tiny {
		return
	}
	if named := m.checks("smtp.mailboxes"); named[0].Result != "warn" || !strings.Contains(named[0].Saw, mailUser+" is over its quota") {
		t.Errorf("the mailbox is not named: %+v", named)
	}
}
