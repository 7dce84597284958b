//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPort25: whatever keeps outgoing mail back is named in one line with what to do about it; where it is the provider, the checklist
// leads to the letter, and the matter is closed by the measurement that says so, and by nothing else.
func TestPort25(t *testing.T) {
	t.Parallel()
	for _, suite := range []string{"trixie", "bookworm"} {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			if suite == "bookworm" {
				needTorture(t)
			}
			m := newMailed(t, "haraka", Options{Suite: suite, Mail: "plain"})
			for _, limit := range []string{"net.ipv4.icmp_ratelimit", "net.ipv6.icmp.ratelimit"} { // a router says it once a second at most, and the faults follow each other
				want(t, m.l, "inet", "sysctl", "-qw", limit+"=0")
			}
			m.run(0, "apply", "--yes", "network", "firewall")
			before := fingerprints(t, m.l)
			for i, f := range outwardFaults() {
				t.Run(strings.ReplaceAll(f.name, " ", "-"), func(t *testing.T) {
					if i%3 != 0 {
						needTorture(t)
					}
					m.outwardFault(t, f)
				})
			}
			sameHosts(t, m.l, before)
			m.checklist(t)
			sameHosts(t, m.l, before)
		})
	}
}

// outwardFaults are those of the way out: in inet it is the provider who is at it.
func outwardFaults() []mishap {
	at := func(node, name, rule, saw, fix string, families ...string) (all []mishap) {
		for _, f := range families {
			tool, id := map[string]string{"4": "iptables -w ", "6": "ip6tables -w "}[f], map[string]string{"4": "smtp.outbound", "6": "smtp.outbound.v6"}[f]
			all = append(all, mishap{name + " over IPv" + f, node, tool + strings.Replace(rule, "-A", "-I", 1), tool + strings.Replace(rule, "-A", "-D", 1), id, strings.ReplaceAll(saw, "IPv?", "IPv"+f) + "|" + fix})
		}
		return all
	}
	const out, ask = "-A FORWARD -i proxy -p tcp --dport 25", "postern port25 leads"
	var all []mishap
	for _, some := range [][]mishap{
		at("inet", "dropped", out+" -j DROP", "keeps back outgoing port 25 over IPv? alone", ask, "4", "6"),
		at("inet", "answers dropped", "-A FORWARD -o proxy -p tcp --sport 25 --tcp-flags SYN,ACK SYN,ACK -j DROP", "keeps back outgoing port 25", ask, "4", "6"),
		at("inet", "reset", out+" -j REJECT --reject-with tcp-reset", "resets outgoing port 25", ask, "4", "6"),
		at("inet", "prohibited", out+" -j REJECT --reject-with icmp-admin-prohibited", "says that port 25 is prohibited", ask, "4"),
		at("inet", "prohibited", out+" -j REJECT --reject-with icmp6-adm-prohibited", "says that port 25 is prohibited", ask, "6"),
		at("inet", "a host prohibited", out+" -j REJECT --reject-with icmp-host-prohibited", "says that port 25 is prohibited", ask, "4"),
		at("inet", "a port unreachable", out+" -j REJECT --reject-with icmp-port-unreachable", "resets outgoing port 25", ask, "4"),
		at("inet", "a port unreachable", out+" -j REJECT --reject-with icmp6-port-unreachable", "resets outgoing port 25", ask, "6"),
		at("inet", "a network unreachable", out+" -j REJECT --reject-with icmp-net-prohibited", "no way to port 25", ask, "4"),
		at("inet", "all ports of mail dropped", "-A FORWARD -i proxy -p tcp -m multiport --dports 25,465,587 -j DROP", "keeps back outgoing port 25", ask, "4"),
		at("inet", "a proxy in between", "-t nat -A PREROUTING -i proxy -p tcp --dport 25 -j DNAT --to-destination "+exchangerAddr4, "answers for mail servers that are not theirs", "let port 25 through untouched", "4"),
		at("inet", "one that refuses", out+" -d 198.51.100.72 -j REJECT --reject-with tcp-reset", "port 25 is open; not every mail server", "nothing to ask the provider for", "4"),
		at("inet", "nothing of the internet", "-A FORWARD -i proxy -d 198.51.100.64/26 -p tcp -j DROP", "nothing of the internet answers over IPv4", "default route", "4"),
		at("proxy", "dropped by the host", "-A OUTPUT -p tcp --dport 25 -j DROP", "the host's own firewall drops", "tables -D OUTPUT -p tcp -m tcp --dport 25 -j DROP", "4", "6"),
		at("proxy", "rejected by the host", "-A OUTPUT -p tcp --dport 25 -j REJECT", "the host's own firewall rejects", "tables -D OUTPUT -p tcp -m tcp --dport 25 -j REJECT", "4", "6"),
		at("proxy", "answers dropped by the host", "-A INPUT -p tcp --sport 25 -j DROP", "answers arrive and the host's own firewall drops them", "-D INPUT -p tcp -m tcp --sport 25 -j DROP", "4"),
		{{"ufw denies it", "proxy", "ufw deny out 25/tcp", "ufw delete deny out 25/tcp", "smtp.outbound", "the host's own firewall drops|ufw delete deny out 25/tcp"}},
		{{"a rule of routing", "proxy", "ip rule add pref 90 ipproto tcp dport 25 prohibit", "ip rule del pref 90", "smtp.outbound", "the host itself refuses outgoing port 25 at once|'ip rule'"}},
		{{"both families", "inet", "iptables -w -I FORWARD -i proxy -p tcp --dport 25 -j DROP; ip6tables -w -I FORWARD -i proxy -p tcp --dport 25 -j DROP",
			"iptables -w -D FORWARD -i proxy -p tcp --dport 25 -j DROP; ip6tables -w -D FORWARD -i proxy -p tcp --dport 25 -j DROP", "smtp.outbound", "the provider keeps back outgoing port 25: |" + ask}},
		{{"no resolver", "proxy", "cp /etc/resolv.conf /root/; echo nameserver 203.0.113.99 >/etc/resolv.conf", "cat /root/resolv.conf >/etc/resolv.conf; rm /root/resolv.conf", "smtp.outbound", "that is the host's resolver, not port 25|/etc/resolv.conf"}},
	} {
		all = append(all, some...)
	}
	return all
}

// outwardFault wants a fault named, and all ok once it is mended.
func (m mailed) outwardFault(t *testing.T, f mishap) {
	t.Helper()
	ask := func() (found result) {
		for _, r := range m.checks("smtp.outbound", "--set", "tunnel.network6=fd00:10::/64") { // with which mail leaves over IPv6, too
			if r.ID == f.id {
				found = r
			}
		}
		return found
	}
	if r := ask(); r.Result != "ok" {
		t.Errorf("before %s: %+v", f.name, r)
	}
	want(t, m.l, f.host, "sh", "-c", f.do)
	saw, fix, _ := strings.Cut(f.says, "|")
	if r := ask(); r.Result == "ok" || r.Result == "skip" || !strings.Contains(r.Saw, saw) || !strings.Contains(r.Fix, fix) {
		t.Errorf("%s: %+v", f.name, r)
	} else {
		t.Logf("%s: %s; %s", f.name, r.Saw, r.Fix)
	}
	want(t, m.l, f.host, "sh", "-c", f.undo)
	if r := ask(); r.Result != "ok" {
		t.Errorf("after %s: %+v", f.name, r)
	}
}

// checklist has the provider block the port: it is asked, watchEnd, and found open.
func (m mailed) checklist(t *testing.T) {
	turn := func(on bool) {
		if err := m.l.Fault(t.Context(), "port25-out", on); err != nil {
			t.Fatal(err)
		}
	}
	var doc struct {
		State, Letter, Opened string
		Open                  bool
		Results               []struct {
			ID, Result string
			Signals    struct {
				Counted struct {
					SYN int `json:"syn_out"`
				}
			}
		}
	}
	ask := func(code int, args ...string) {
		t.Helper()
		var out bytes.Buffer
		cmd := m.command(t.Context(), append([]string{"--json", "port25"}, args...)...)
		cmd.Stdout = &out
		_ = cmd.Run()
		if err := json.Unmarshal(out.Bytes(), &doc); err != nil || cmd.ProcessState.ExitCode() != code {
			t.Fatalf("port25 --json: exit %d, want %d: %v\n%s", cmd.ProcessState.ExitCode(), code, err, out.String())
		}
	}
	turn(true)
	ask(1)
	syn := 0
	for _, r := range doc.Results {
		if syn += r.Signals.Counted.SYN; r.ID == "dns.reverse" && r.Result != "ok" {
			t.Errorf("what stands is not told as ok: %+v", r)
		}
	}
	if syn == 0 || doc.Open || !strings.Contains(doc.State, "nobody asked") || !strings.Contains(doc.Letter, "203.0.113.10") || !strings.Contains(doc.Letter, "gmail-smtp-in.l.google.com (198.51.100.71:25): no answer") {
		t.Errorf("of the block it is said: %+v", doc)
	}
	if ask(1, "--ticket", "4711", "--answer", "we look at it"); !strings.Contains(doc.State, "Asked today, ticket 4711, answer: we look at it. Outgoing port 25 is still blocked") {
		t.Errorf("of what was asked it is said: %s", doc.State)
	}
	m.killedCapture(t)

	stopped := m.watching(t, syscall.SIGINT, func() {})
	if stopped.code != 1 || strings.Contains(stopped.said, "panic") {
		t.Errorf("ctrl+c: exit %d\n%s", stopped.code, stopped.said)
	}
	found := m.watching(t, 0, func() { turn(false) })
	kept, _ := os.ReadFile(m.site)
	if today := time.Now().Format(time.DateOnly); found.code != 0 || !strings.Contains(found.said, "ticket 4711") || !strings.Contains(found.said, "is open, measured on "+today) || !strings.Contains(string(kept), `opened = "`+today+`"`) {
		t.Errorf("the lifted block: exit %d\n%s\n%s", found.code, found.said, kept)
	}
	if ask(0); !doc.Open {
		t.Errorf("asked again: %+v", doc)
	}
}

// killedCapture kills the program while the host tells of packets: nothing of that stays.
func (m mailed) killedCapture(t *testing.T) {
	cmd := m.command(t.Context(), "port25", "--yes")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	at := func() bool {
		_, err := m.l.Exec(t.Context(), "proxy", "grep", "-q", "@postern-", "/proc/net/unix")
		return err == nil
	}
	if err := poll(t.Context(), 2*time.Minute, at); err != nil {
		t.Errorf("nothing was captured: %v", err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err := poll(t.Context(), 2*time.Minute, func() bool { return !at() }); err != nil {
		t.Errorf("the capture goes on: %v", err)
	}
}

// watchEnd is how a watch ended.
type watchEnd struct {
	said string
	code int
}

// watching watches, does something once it is at it, and tells how that ended.
func (m mailed) watching(t *testing.T, signal syscall.Signal, then func()) watchEnd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	log, err := os.CreateTemp(t.TempDir(), "watch")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	said := func() string { text, _ := os.ReadFile(log.Name()); return string(text) }
	cmd := m.command(ctx, "port25", "--watch", "--interval", "10s")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := poll(ctx, 3*time.Minute, func() bool { return strings.Contains(said(), "ctrl+c ends it") }); err != nil {
		t.Errorf("it does not watch: %v\n%s", err, said())
	}
	if then(); signal != 0 {
		_ = cmd.Process.Signal(signal)
	}
	_ = cmd.Wait()
	return watchEnd{said(), cmd.ProcessState.ExitCode()}
}
