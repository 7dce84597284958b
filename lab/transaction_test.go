//go:build linux

package main

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"postern/remote"
)

// from dials from a node of the lab.
type from struct {
	l    *Lab
	node string
}

func (f from) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return f.l.Dial(ctx, f.node, network, addr)
}

// txHost is the proxy, as a transaction's test sees it.
type txHost struct {
	t *testing.T
	l *Lab
	s *remote.Session
}

func (h *txHost) login() *remote.Session {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 20*time.Second)
	defer cancel()
	s, err := remote.Connect(ctx, remote.Target{Name: "proxy", SSH: "root@203.0.113.10"},
		remote.Options{Home: h.l.dir("laptop", "home"), User: "root", Dial: from{h.l, "laptop"}})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { s.Close() })
	return s
}

// TestTransaction proves the guard on real systemd hosts, reboots included.
func TestTransaction(t *testing.T) {
	t.Parallel()
	suites := []string{"bookworm"}
	if torture() {
		suites = append(suites, "trixie")
	}
	for _, suite := range suites {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, Options{Suite: suite})
			if err := l.Trust(); err != nil {
				t.Fatal(err)
			}
			for _, sc := range []struct {
				name string
				run  func(*txHost)
			}{
				{"confirmed stays", txConfirmed},
				{"nobody confirms", txExpires},
				{"lock-out", txLockOut},
				{"slow apply is killed", txSlow},
				{"client dies while applying", txClientDies},
				{"dead watchdogs", txNoWatchdogs},
				{"prepare outlives the link", txPrepare},
				{"power cut while preparing", txPowerCutPreparing},
				{"reboot while armed", func(h *txHost) { txRebootArmed(h, h.l.Reboot) }},
				{"power cut while armed", func(h *txHost) { txRebootArmed(h, h.l.PowerCut) }},
				{"power cut while confirmed", txPowerCutConfirmed},
				{"an undo that fails during boot", txUndoFailsAtBoot},
				{"undo", txUndo},
			} {
				t.Run(sc.name, func(t *testing.T) {
					h := &txHost{t: t, l: l}
					h.s = h.login()
					sc.run(h)
				})
			}
		})
	}
}

const probeUnit = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"

// change is a transaction with a kernel setting, a file that is replaced, and a unit of its own.
func (h *txHost) change(id string, deadline time.Duration) remote.Transaction {
	return remote.Transaction{ID: id, Operator: "ann@laptop", Deadline: deadline, Changes: []remote.Change{
		{ID: "motd", Step: "probe", Title: "replace motd", Path: "/etc/motd", Old: h.file("/etc/motd"), New: &remote.File{Text: "new\n", Mode: 0o600, Owner: "root:root"}},
		{ID: "forward", Step: "probe", Title: "forward", Path: "/etc/sysctl.d/60-postern.conf", New: &remote.File{Text: "net.ipv4.ip_forward = 1\n"},
			Do: "sysctl -qw net.ipv4.ip_forward=1", Undo: "sysctl -qw net.ipv4.ip_forward=0", AtConfirm: true},
		{ID: "unit", Step: "probe", Title: "a unit", Path: "/etc/systemd/system/probe.service", New: &remote.File{Text: probeUnit},
			Do: "systemctl daemon-reload; systemctl start probe", Undo: "systemctl stop probe || :; systemctl disable -q probe || :; systemctl daemon-reload",
			Keep: "if [ -e /etc/hang ]; then rm /etc/hang; sync; sleep 100; fi; systemctl enable -q probe"},
	}}
}

func (h *txHost) file(path string) *remote.File {
	h.t.Helper()
	f, err := h.s.Facts(h.t.Context(), []remote.Query{remote.ReadFile(path)})
	if err != nil {
		h.t.Fatal(err)
	}
	file, known := f.File(path)
	if !known {
		h.t.Fatalf("%s cannot be read", path)
	}
	return file
}

// print is everything a transaction may touch, seen from inside the host.
func (h *txHost) print() string {
	return want(h.t, h.l, "proxy", "sh", "-c", `cd /etc && find motd sysctl.d systemd/system systemd/system.control -not -type d -printf '%p %m %u:%g %l %s\n' 2>/dev/null | sort
sha256sum motd; sysctl net.ipv4.ip_forward; systemctl is-active probe; systemctl is-enabled probe 2>/dev/null
ls -A /var/lib/postern | grep -v -e '^done' -e '^base$' -e MUT -e JOB -e '^job'; systemctl list-timers --all --no-legend 'postern-*'; systemctl list-units --no-legend --plain 'postern-*' | cut -d' ' -f1; :`)
}

// same waits until the host is as it was.
func (h *txHost) same(old string, limit time.Duration) {
	h.t.Helper()
	end := time.Now().Add(limit)
	for {
		now := h.print()
		if now == old {
			return
		}
		if time.Now().After(end) {
			h.t.Errorf("the host is\n%s\nand was\n%s\nlog: %s", now, old, want(h.t, h.l, "proxy", "sh", "-c", "tail -n 20 /var/lib/postern/*/log; journalctl -b -u 'postern*' --no-pager | tail -20; :"))
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func (h *txHost) begin(tx remote.Transaction) (id string) {
	h.t.Helper()
	trips, start := h.s.RoundTrips(), time.Now()
	if err := h.s.Begin(h.t.Context(), tx, nil); err != nil {
		h.t.Fatal(err)
	}
	h.t.Logf("begin: %d round trips, %s", h.s.RoundTrips()-trips, time.Since(start).Round(time.Millisecond))
	return tx.ID
}

func (h *txHost) isNew() {
	h.t.Helper()
	got := h.print()
	for _, part := range []string{"motd 600 root:root", "net.ipv4.ip_forward = 1", "sysctl.d/60-postern.conf 644", "probe.service 644", "multi-user.target.wants/probe.service", "\nactive\nenabled"} {
		if !strings.Contains(got, part) {
			h.t.Errorf("%q is missing:\n%s", part, got)
		}
	}
	for _, part := range []string{"\nopen", "postern-"} {
		if strings.Contains(got, part) {
			h.t.Errorf("%q is left:\n%s", part, got)
		}
	}
}

// goBack takes a confirmed transaction back, so that the next scenario finds the host as this one did.
func (h *txHost) goBack(old, id string) {
	h.t.Helper()
	if err := h.login().Revert(h.t.Context(), id); err != nil {
		h.t.Error(err)
	}
	h.same(old, 0)
}

func txConfirmed(h *txHost) {
	old := h.print()
	id := h.begin(h.change("kept1", time.Minute))
	over := h.login()
	start := time.Now()
	if err := over.Confirm(h.t.Context(), id, nil); err != nil {
		h.t.Fatal(err)
	}
	h.t.Logf("confirm: %s", time.Since(start).Round(time.Millisecond))
	h.isNew()
	h.goBack(old, "kept1")
}

func txExpires(h *txHost) {
	old := h.print()
	id := h.begin(h.change("expires1", 10*time.Second))
	h.same(old, time.Minute)
	if err := h.login().Confirm(h.t.Context(), id, nil); !errors.Is(err, remote.ErrTooLate) {
		h.t.Errorf("confirm: %v", err)
	}
}

func txLockOut(h *txHost) {
	old := h.print()
	tx := h.change("lockout1", 10*time.Second)
	link := want(h.t, h.l, "proxy", "sh", "-c", "ip -o -4 route show default | sed 's/.* dev //; s/ .*//'")
	route := want(h.t, h.l, "proxy", "sh", "-c", "ip -4 route show default")
	tx.Changes[1].Do += "; ip link set " + link + " down"
	tx.Changes[1].Undo += "; ip link set " + link + " up; ip route replace " + route
	ctx, cancel := context.WithTimeout(h.t.Context(), 6*time.Second)
	defer cancel()
	if err := h.s.Begin(ctx, tx, nil); err == nil {
		h.t.Fatal("begin succeeded without a link")
	}
	h.same(old, time.Minute)
	st, err := h.login().Status(h.t.Context())
	end, _, known := st.Of("lockout1")
	if err != nil || !known || end.Kept || end.Why != "expired" {
		h.t.Errorf("status: %+v, %v", st, err)
	}
}

func txSlow(h *txHost) {
	old := h.print()
	tx := h.change("slow1", 10*time.Second)
	tx.Changes[1].Do += "; (sleep 20; sysctl -qw net.ipv4.ip_forward=1) & wait; sysctl -qw net.ipv4.ip_forward=1"
	if err := h.s.Begin(h.t.Context(), tx, nil); !errors.Is(err, remote.ErrTooLate) {
		h.t.Fatalf("begin: %v", err)
	}
	h.same(old, 0)
	if out := want(h.t, h.l, "proxy", "sh", "-c", "pgrep -f '^sleep 20' || :"); out != "" {
		h.t.Errorf("a part of the change is still there: %s", out)
	}
}

func txClientDies(h *txHost) {
	old := h.print()
	tx := h.change("dies1", 10*time.Second)
	tx.Changes[0].Do = "touch /run/applying; sleep 2"
	go func() {
		for range 200 {
			if _, err := h.l.Exec(h.t.Context(), "proxy", "test", "-e", "/run/applying"); err == nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		h.s.Close()
	}()
	if err := h.s.Begin(h.t.Context(), tx, nil); !errors.Is(err, remote.ErrLost) {
		h.t.Fatalf("begin: %v", err)
	}
	h.same(old, time.Minute)
}

func txNoWatchdogs(h *txHost) {
	old := h.print()
	h.begin(h.change("nowatch1", time.Minute))
	want(h.t, h.l, "proxy", "sh", "-c", "systemctl stop 'postern-nowatch1-*.timer'")
	next := h.login()
	err := next.Begin(h.t.Context(), remote.Transaction{ID: "next1", Operator: "bob", Deadline: time.Minute,
		Changes: []remote.Change{{ID: "x", Step: "probe", Title: "nothing", Do: "true"}}}, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := next.Cancel(h.t.Context(), "next1"); err != nil {
		h.t.Error(err)
	}
	h.same(old, 0)
}

func txPrepare(h *txHost) {
	old := h.print()
	job := []remote.Change{{ID: "slow", Step: "probe", Title: "slow", Do: "echo one; sleep 3; echo two; touch /run/prepared"}}
	err := h.s.Prepare(h.t.Context(), "job1", job, func(p remote.Progress) {
		if p.Text.String() == "one" {
			h.s.Close()
		}
	})
	if !errors.Is(err, remote.ErrLost) {
		h.t.Fatalf("prepare: %v", err)
	}
	var said []string
	if err := h.login().Prepare(h.t.Context(), "job1", job, func(p remote.Progress) { said = append(said, p.Text.String()) }); err != nil {
		h.t.Fatal(err)
	}
	if got := strings.Join(said, ";"); got != "slow;one;two" {
		h.t.Errorf("it said %q", got)
	}
	want(h.t, h.l, "proxy", "test", "-e", "/run/prepared")
	h.same(old, time.Second)
}

// txPowerCutPreparing: what a job was at when the power failed is told by the next look, and taken back by the next run.
func txPowerCutPreparing(h *txHost) {
	const path = "/etc/postern-probe.conf"
	want(h.t, h.l, "proxy", "sh", "-c", "rm -f /var/tmp/runs; echo old >"+path)
	old := h.print()
	job := []remote.Change{{ID: "half", Step: "probe", Title: "half", Path: path, Old: &remote.File{Text: "old\n"}, New: &remote.File{Text: "new\n"},
		Do: "touch /var/tmp/runs; sync; echo one; sleep 600", Undo: "rm -f /var/tmp/runs"}}
	err := h.s.Prepare(h.t.Context(), "jobcut", job, func(p remote.Progress) {
		if p.Text.String() == "one" {
			h.s.Close()
		}
	})
	if !errors.Is(err, remote.ErrLost) {
		h.t.Fatalf("prepare: %v", err)
	}
	if err := h.l.PowerCut(h.t.Context(), "proxy"); err != nil {
		h.t.Fatal(err)
	}
	next := h.login()
	facts, err := next.Facts(h.t.Context(), []remote.Query{remote.ReadStatus})
	told, _ := facts.Get(remote.ReadStatus.ID)
	if st := remote.ParseStatus(told); err != nil || !st.Dead || st.Job != "jobcut" {
		h.t.Errorf("after the boot: %+v, %v", st, err)
	}
	if err := next.Tidy(h.t.Context()); err != nil {
		h.t.Error(err)
	}
	want(h.t, h.l, "proxy", "sh", "-c", "[ ! -e /var/tmp/runs ] && grep -x old "+path)
	h.same(old, 0)
	want(h.t, h.l, "proxy", "rm", path)
}

func txRebootArmed(h *txHost, reboot func(context.Context, string) error) {
	old := h.print()
	id := "reboot" + strings.ReplaceAll(time.Now().Format("150405.000"), ".", "")
	h.begin(h.change(id, time.Hour))
	if err := reboot(h.t.Context(), "proxy"); err != nil {
		h.t.Fatal(err)
	}
	h.same(old, time.Minute)
	st, err := h.login().Status(h.t.Context())
	end, _, _ := st.Of(id)
	if err != nil || end.Why != "boot" {
		h.t.Errorf("status: %+v, %v", st, err)
	}
	if out := want(h.t, h.l, "proxy", "sh", "-c", "journalctl -b --no-pager | grep -i -e 'ordering cycle' -e 'postern.*fail' || :"); out != "" {
		h.t.Errorf("the boot said: %s", out)
	}
}

// txUndoFailsAtBoot: what cannot be undone yet does not hold up the boot, and is undone once the host is up.
func txUndoFailsAtBoot(h *txHost) {
	old := h.print()
	id := "late" + strings.ReplaceAll(time.Now().Format("150405.000"), ".", "")
	tx := h.change(id, time.Hour)
	tx.Changes[2].Undo += "; pgrep -x sshd >/dev/null"
	h.begin(tx)
	if err := h.l.PowerCut(h.t.Context(), "proxy"); err != nil {
		h.t.Fatal(err)
	}
	if st, err := h.login().Status(h.t.Context()); err != nil || st.State != "ROLLING" || st.Why != "boot" {
		h.t.Errorf("after the boot: %+v, %v", st, err)
	}
	h.same(old, time.Minute)
}

func txPowerCutConfirmed(h *txHost) {
	old := h.print()
	id := h.begin(h.change("cut1", time.Hour))
	want(h.t, h.l, "proxy", "touch", "/etc/hang")
	over := h.login()
	go over.Confirm(h.t.Context(), id, nil)
	for range 200 {
		if _, err := h.l.Exec(h.t.Context(), "proxy", "sh", "-c", "test -e /var/lib/postern/open/CONFIRMED.cut1 && ! test -e /etc/hang"); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := h.l.PowerCut(h.t.Context(), "proxy"); err != nil {
		h.t.Fatal(err)
	}
	want(h.t, h.l, "proxy", "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10; do systemctl is-active -q probe && break; sleep 0.5; done; :")
	h.isNew()
	if err := h.login().Confirm(h.t.Context(), "cut1", nil); err != nil {
		h.t.Errorf("confirm after the boot: %v", err)
	}
	h.goBack(old, "cut1")
}

func txUndo(h *txHost) {
	old := h.print()
	id := h.begin(h.change("undo1", time.Minute))
	over := h.login()
	if err := over.Confirm(h.t.Context(), id, nil); err != nil {
		h.t.Fatal(err)
	}
	h.s = over
	list, err := h.s.Recorded(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	var changes []remote.Change
	for i := len(list) - 1; i >= 0; i-- {
		if !list[i].Inert {
			changes = append(changes, list[i].Restore(h.file(list[i].Path)))
		}
	}
	id = h.begin(remote.Transaction{ID: "undo2", Operator: "ann", Deadline: time.Minute, Changes: changes})
	if err := h.login().Confirm(h.t.Context(), id, nil); err != nil {
		h.t.Fatal(err)
	}
	h.same(old, 0)
}
