//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/checks"
	"postern/demo"
	"postern/remote"
	engine "postern/run"
	"postern/seen"
	"postern/site"
	"postern/steps"
)

// world is a pair of hosts that the engine works on: real ones in the lab, or simulated ones.
type world struct {
	t       *testing.T
	site    *site.Site
	options remote.Options
	changes []string // what was approved, by host and ID
}

func newWorld(t *testing.T, options remote.Options) *world {
	s := site.Default()
	s.Domain, s.Hostname = "example.org", "mail.example.org"
	for _, h := range s.Hosts {
		h.SSH = map[string]string{"proxy": "root@203.0.113.10", "mail": "root@192.168.50.2"}[h.Name]
	}
	return &world{t: t, site: s, options: options}
}

// do makes one run of the program's engine.
func (w *world) do(verb func(context.Context, *engine.Runner) error) error {
	ctx, cancel := context.WithTimeout(w.t.Context(), 3*time.Minute)
	defer cancel()
	r := &engine.Runner{
		Site: w.site, Connect: engine.SSH(w.options), Here: w.options.Dial, Clock: time.Now, Operator: "ann@laptop", Deadline: time.Minute,
		NewID: func() string {
			var b [6]byte
			_, _ = rand.Read(b[:])
			return "c" + hex.EncodeToString(b[:])
		},
		Emit: func(steps.Event) {},
		Approve: func(_ context.Context, p *engine.Proposal) (bool, error) {
			for _, part := range p.Parts(p.Inert) {
				for _, c := range part.Changes {
					w.changes = append(w.changes, part.Host+" "+c.ID+" "+c.Path)
				}
			}
			return true, nil
		},
		Saved: func(s *site.Site) error { w.site = s; return nil },
	}
	defer r.Close()
	return verb(ctx, r)
}

// on runs something with a session to a host.
func (w *world) on(host string, do func(context.Context, *remote.Session)) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	s, err := remote.Connect(ctx, remote.Target{Name: host, SSH: w.site.Host(host).SSH}, w.options)
	if err != nil {
		w.t.Fatal(err)
	}
	defer s.Close()
	do(ctx, s)
}

// facts are what every step reads of a host.
func (w *world) facts(host string) (f remote.Facts) {
	w.t.Helper()
	var queries []remote.Query
	had := map[string]bool{}
	for _, step := range steps.All() {
		if step.ByHand() {
			continue
		}
		for _, q := range step.Reads(w.site, w.site.Host(host)) {
			if !had[q.ID] {
				had[q.ID] = true
				queries = append(queries, q)
			}
		}
	}
	w.on(host, func(ctx context.Context, s *remote.Session) {
		var err error
		if f, err = s.Facts(ctx, queries); err != nil {
			w.t.Fatal(err)
		}
	})
	return f
}

// outcomes are the results of all checks, without what they saw.
func (w *world) outcomes() []string {
	w.t.Helper()
	var all []string
	err := w.do(func(ctx context.Context, r *engine.Runner) error {
		results, err := r.Check(ctx, nil)
		for _, one := range results {
			all = append(all, fmt.Sprintf("%s from %s: %s", one.ID, one.From, one.Outcome))
			if one.Outcome != checks.OK && one.Outcome != checks.Skip {
				w.t.Logf("%s from %s: %s: %s; %s", one.ID, one.From, one.Outcome, one.Saw, one.Likely)
			}
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// plain is what was seen of a host without what no two hosts share: its clock and its size, and how it has WireGuard.
func plain(f remote.Facts) seen.Host {
	s := seen.Look(f)
	s.Clock, s.Size, s.Client = time.Time{}, seen.Size{}, netip.AddrPort{}       // the lab's router has another address
	for _, tool := range []string{"wireguard", "wireguard-go", "/dev/net/tun"} { // the lab's kernel has no WireGuard: it takes wireguard-go
		delete(s.Tools, tool)
	}
	var kept []seen.Listener
	for _, l := range s.Listeners {
		if l.Process = ""; l.Proto != "udp" || l.Port < 32768 || l.Port == 51820 {
			kept = append(kept, l)
		}
	}
	slices.SortFunc(kept, func(a, b seen.Listener) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	s.Listeners = kept
	for i, one := range s.Interfaces {
		if one.Name == "wg0" { // wireguard-go's has a link-local address, the kernel's none
			s.Interfaces[i].Addresses = slices.DeleteFunc(one.Addresses, func(a seen.Address) bool { return a.Addr().IsLinkLocalUnicast() })
		}
	}
	s.Routes = slices.DeleteFunc(s.Routes, func(r seen.Route) bool { return r.Device == "wg0" && r.To.Addr().Is6() })
	return s
}

// contract is what both hosts answer alike, whatever state they are in. Each snippet runs in a shell of its own.
var contract = []string{
	`{ iptables-save; ip6tables-save; } 2>/dev/null | sed -e '/^#/d' -e 's/\[[0-9:]*\]//'`,
	`ufw status verbose 2>/dev/null`, `ufw status 2>/dev/null`,
	`cat /etc/ufw/user.rules /etc/ufw/user6.rules /etc/ufw/postern.init 2>/dev/null`,
	`sed -n '/^# postern begin/,/^# postern end/p' /etc/ufw/before.init 2>/dev/null`,
	`grep -h '^[^#]' /etc/ufw/before.rules /etc/ufw/before6.rules /etc/ufw/after.rules /etc/ufw/after6.rules /etc/ufw/sysctl.conf 2>/dev/null | sed 's/ *$//' | sort`,
	`grep -h '^[^#]' /etc/default/ufw /etc/ufw/ufw.conf 2>/dev/null`,
	`stat -c '%a %U:%G %F %n' /etc/ufw/*.* /etc/default/ufw /etc/wireguard /etc/wireguard/* /etc/sysctl.d/60-postern.conf 2>/dev/null`,
	`ip -4 rule show; ip -6 rule show; ip -4 route show; ip -4 route show default; ip -6 route show default; ip route show table 20720`,
	`ip -o -4 addr show | grep -v ' lo '`,
	`ip link show dev nosuch; echo $?; ip link delete dev nosuch; echo $?; ip -4 rule delete pref 77; echo $?`,
	`cd /proc/sys/net && grep -sH . ipv4/ip_forward ipv4/conf/*/accept_redirects ipv4/conf/*/rp_filter ipv6/conf/all/forwarding ipv6/conf/eth0/accept_ra`,
	`sysctl -e net.ipv4.ip_forward no.such.name net.ipv6.conf.all.forwarding; sysctl no.such.name; echo $?; sysctl -n net/ipv4/ip_forward`,
	`systemctl show -p Id,LoadState,ActiveState,UnitFileState ufw.service wg-quick@wg0.service wireguard.service docker.service ssh.service`,
	`systemctl is-enabled ufw.service wg-quick@wg0.service; echo $?; systemctl is-active ufw.service wg-quick@wg0.service firewalld; echo $?`,
	`for t in ufw iptables wg wg-quick ip ss sysctl ping docker nft systemctl perl awk; do command -v $t >/dev/null && echo $t; done`,
	`dpkg-query -W -f '${Status} ${Version}\n' ufw iptables wireguard-tools 2>/dev/null | grep -v unknown`,
	`iptables -w -t nat -C PREROUTING -j postern-pre 2>/dev/null; echo $?; iptables -w -t mangle -C PREROUTING -j postern-wg 2>/dev/null; echo $?; iptables -w -n -L ufw-user-input >/dev/null 2>&1; echo $?`,
	`command -v iptables >/dev/null || exit 0; for c in '-F nosuch' '-X nosuch' '-D INPUT -j nosuch' '-A INPUT --nosuch' '-C INPUT -j ACCEPT' '-N INPUT'; do iptables -w $c; echo $?; done 2>&1`,
	`command -v iptables-restore >/dev/null || exit 0; printf '*filter\n-A nosuch -j ACCEPT\nCOMMIT\n' | iptables-restore -w -n --test 2>/dev/null; echo $?; printf '*filter\n:x - [0:0]\n-A x -p tcp --dport 25 -s 10.0.0.0/24 -m limit --limit 3/minute -j REJECT\nCOMMIT\n' | iptables-restore -w -n --test; echo $?`,
	`command -v wg >/dev/null || exit 0; [ -e /etc/wireguard/wg0.conf ] || exit 0; sed 's/^PublicKey = .*/PublicKey = K/; s/ peer [^ ]*=/ peer K/g' /etc/wireguard/wg0.conf; wg-quick strip wg0 | sed 's/^PublicKey = .*/PublicKey = K/'; echo x | wg pubkey; echo $?; wg genkey | wg pubkey | wc -c`,
	`[ -e /sys/class/net/wg0 ] || exit 0; wg show wg0 dump | awk '{ print NF }'; wg show wg0 allowed-ips | cut -f 2; wg show wg0 persistent-keepalive | cut -f 2; wg show wg0 endpoints | grep -c :`,
	`ping -n -c 1 -W 1 -M do -s 1472 203.0.113.10 >/dev/null 2>&1; echo $?; ping -n -c 1 -W 1 -M do -s 1473 203.0.113.10 2>&1 | grep -i large -c; ping -n -c 1 -W 1 203.0.113.99 >/dev/null 2>&1; echo $?`,
	`ls -A /var/lib/postern /var/lib/postern/base 2>/dev/null | sed 's/^\(done\|in\|job\)\..*/\1/' | sort -u; ls /etc/systemd/system/*.wants 2>/dev/null | grep -e postern -e ufw -e wg-quick`,
	`ss -Htln | awk '{ print $4 }' | sort; ss -Htn state established '( sport = :993 )'`,
}

// said is what a host answers to the contract, by snippet.
func (w *world) said(host string) (all []string) {
	w.t.Helper()
	w.on(host, func(ctx context.Context, s *remote.Session) {
		for _, snippet := range contract {
			reply, err := s.Sh(ctx, "PATH=$PATH:/usr/sbin:/sbin\n"+snippet)
			if err != nil {
				w.t.Fatalf("%s: %v", snippet, err)
			}
			all = append(all, strings.TrimSpace(reply.Out))
		}
		all = append(all, w.kept(ctx, s))
	})
	return all
}

// kept is what the host keeps of the program: how changes ended there, and what was before the first of each file.
func (w *world) kept(ctx context.Context, s *remote.Session) string {
	w.t.Helper()
	st, err := s.Status(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	text := fmt.Sprintf("open %q %q, job %q\n", st.ID, st.State, st.Job)
	for _, e := range st.Ended {
		text += fmt.Sprintf("ended: kept %t %s\n", e.Kept, e.Why)
	}
	records, err := s.Recorded(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range records {
		text += fmt.Sprintf("record %s %s %s, was there %t, inert %t, touched %t\n", r.Step, r.ID, r.Path, r.Original != nil, r.Inert, r.Touched)
	}
	return text
}

// abandon begins a change and goes away; the host must take it back by itself.
func (w *world) abandon(host string) (ended string) {
	w.t.Helper()
	w.on(host, func(ctx context.Context, s *remote.Session) {
		err := s.Begin(ctx, remote.Transaction{ID: "abandoned", Operator: "ann@laptop", Deadline: 10 * time.Second, Changes: []remote.Change{
			{ID: "probe", Step: "probe", Title: "a file", Path: "/etc/probe", New: &remote.File{Text: "x\n", Mode: 0o644, Owner: "root:root"}, Do: "touch /run/probe", Undo: "rm -f /run/probe"}}}, nil)
		if err != nil {
			w.t.Fatal(err)
		}
	})
	err := poll(w.t.Context(), 40*time.Second, func() bool {
		w.on(host, func(ctx context.Context, s *remote.Session) {
			st, err := s.Status(ctx)
			if err != nil {
				w.t.Fatal(err)
			}
			if e, open, ok := st.Of("abandoned"); ok && !open && st.ID == "" {
				r, err := s.Sh(ctx, "ls /etc/probe /run/probe 2>/dev/null | wc -l")
				ended = fmt.Sprintf("kept %t, why %s, left %s, %v", e.Kept, e.Why, strings.TrimSpace(r.Out), err)
			}
		})
		return ended != ""
	})
	if err != nil {
		w.t.Fatalf("%s: the change is not taken back: %v", host, err)
	}
	return ended
}

// TestDemoContract runs the same on hosts of the lab and on simulated ones, from bare to set up and back, and wants the same
// facts, answers, changes and results. The lab is right.
func TestDemoContract(t *testing.T) {
	l := newLab(t, Options{Suite: "trixie"})
	if err := l.Trust(); err != nil {
		t.Fatal(err)
	}
	d, err := demo.New(demo.Options{Speed: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	yes := func(context.Context, remote.Prompt) (string, error) { return "yes", nil }
	real := newWorld(t, remote.Options{Home: l.dir("laptop", "home"), User: "root", Dial: from{l, "laptop"}, Ask: yes})
	simulated := newWorld(t, remote.Options{Home: t.TempDir(), Apart: true, User: "root", Dial: d.Dialer(), Memory: remote.NewMemory(), Ask: yes})

	alike := func(state string) {
		t.Helper()
		for _, host := range []string{"proxy", "mail"} {
			a, b := plain(real.facts(host)), plain(simulated.facts(host))
			if !reflect.DeepEqual(a, b) {
				t.Errorf("%s: %s: what is seen differs\n%s", state, host, differences(fields(a), fields(b)))
			}
			told, simulatedTold := real.said(host), simulated.said(host)
			for i, snippet := range append(slices.Clone(contract), "what is kept") {
				if told[i] != simulatedTold[i] {
					t.Errorf("%s: %s: %s\n%s", state, host, snippet, differences(told[i], simulatedTold[i]))
				}
			}
		}
	}
	each := func(do func(*world) error) {
		t.Helper()
		for _, w := range []*world{real, simulated} {
			if err := do(w); err != nil {
				t.Fatal(err)
			}
		}
	}
	alike("bare")
	each(func(w *world) error {
		return w.do(func(ctx context.Context, r *engine.Runner) error { _, err := r.Apply(ctx, nil); return err })
	})
	if a, b := real.changes, simulated.changes; !slices.Equal(a, b) {
		t.Errorf("the changes were\n%s", differences(strings.Join(a, "\n"), strings.Join(b, "\n")))
	}
	alike("set up")
	if a, b := real.outcomes(), simulated.outcomes(); !slices.Equal(a, b) {
		t.Errorf("the checks say\n%s", differences(strings.Join(a, "\n"), strings.Join(b, "\n")))
	}
	if a, b := real.ways(), simulated.ways(); !slices.Equal(a, b) {
		t.Errorf("a client meets\n%s", differences(strings.Join(a, "\n"), strings.Join(b, "\n")))
	}
	if a, b := real.abandon("proxy"), simulated.abandon("proxy"); a != b {
		t.Errorf("a change that nobody confirms: in the lab %s, in the demo %s", a, b)
	}
	each(func(w *world) error {
		return w.do(func(ctx context.Context, r *engine.Runner) error { _, err := r.Undo(ctx, nil); return err })
	})
	alike("undone")
}

// fields is what was seen, one line for each field.
func fields(s seen.Host) string {
	var b strings.Builder
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		fmt.Fprintf(&b, "%s: %+v\n", v.Type().Field(i).Name, v.Field(i).Interface())
	}
	return b.String()
}

var blanks = regexp.MustCompile(`[ \t]+`)

// differences are the lines that only one of two texts has.
func differences(lab, demo string) string {
	var b strings.Builder
	a, c := strings.Split(lab, "\n"), strings.Split(demo, "\n")
	for _, line := range a {
		if !slices.Contains(c, line) {
			fmt.Fprintf(&b, "  lab:  %s\n", blanks.ReplaceAllString(line, " "))
		}
	}
	for _, line := range c {
		if !slices.Contains(a, line) {
			fmt.Fprintf(&b, "  demo: %s\n", blanks.ReplaceAllString(line, " "))
		}
	}
	if b.Len() == 0 {
		return fmt.Sprintf("  the same lines in another order: the lab's\n%s\nthe demo's\n%s", lab, demo)
	}
	return b.String()
}
