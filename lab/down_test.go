//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSideBySide boots two labs at once, of both suites, and sees that neither
// knows of the other.
func TestSideBySide(t *testing.T) {
	needLab(t)
	labs := make([]*Lab, 2)
	t.Run("up", func(t *testing.T) {
		err := together(
			func() (err error) { labs[0], err = Up(context.Background(), Options{Name: testName()}); return err },
			func() (err error) {
				labs[1], err = Up(context.Background(), Options{Name: testName(), Suite: "trixie", SSHPort: 2222})
				return err
			},
		)
		if err != nil {
			t.Fatal(err)
		}
	})
	for _, l := range labs {
		if l != nil {
			t.Cleanup(func() { _ = l.Down() })
		}
	}
	if labs[0] == nil || labs[1] == nil {
		return
	}
	for i, release := range []string{"12", "13"} {
		if err := labs[i].Trust(); err != nil {
			t.Fatal(err)
		}
		port := strconv.Itoa(labs[i].SSHPort)
		for _, addr := range []string{"203.0.113.10", "192.168.50.2"} {
			got := want(t, labs[i], "laptop", "ssh", "-o", "BatchMode=yes", "-p", port, "root@"+addr, "cat /etc/debian_version")
			if !strings.HasPrefix(got, release) {
				t.Errorf("lab %d, %s: Debian %s, want %s", i, addr, got, release)
			}
		}
	}
	want(t, labs[1], "proxy", "sh", "-ec", "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install ufw wireguard-tools wireguard-go && ufw --version")
	if err := labs[0].Down(); err != nil {
		t.Fatal(err)
	}
	if err := labs[1].Reboot(t.Context(), "proxy"); err != nil {
		t.Errorf("the other lab, after the first went down: %v", err)
	}
	if _, err := Up(t.Context(), labs[1].Options); err == nil || !strings.Contains(err.Error(), "is up already") {
		t.Errorf("a second up of the same name: %v", err)
	}
}

// TestDownLeavesNothing compares the machine before a lab and after it.
func TestDownLeavesNothing(t *testing.T) {
	needLab(t)
	before := runFiles(t)
	l := newLab(t, Options{})
	for _, node := range []string{"laptop", "world", "proxy"} {
		cmd, err := l.Command(t.Context(), node, "sleep", "1000")
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Wait() })
	}
	for _, f := range []string{"delay", "apt-lock:mail", "readonly-etc:proxy", "disk-full:mail"} {
		if err := l.Fault(t.Context(), f, true); err != nil {
			t.Fatal(err)
		}
	}
	if len(leftovers(t, l)) == 0 {
		t.Fatal("a lab that is up leaves no trace: this test sees nothing")
	}
	if err := l.Down(); err != nil {
		t.Fatal(err)
	}
	for _, left := range leftovers(t, l) {
		t.Error(left)
	}
	for path := range runFiles(t) {
		if !before[path] {
			t.Errorf("%s is new", path)
		}
	}
	if err := l.Down(); err != nil {
		t.Errorf("a second down: %v", err)
	}
}

// TestLateChildIsEnded: a child that joins its group once all others of a killed up are gone keeps nothing busy.
func TestLateChildIsEnded(t *testing.T) {
	needLab(t)
	name, late := testName(), exec.Command("sleep", "1000")
	if err := late.Start(); err != nil {
		t.Fatal(err)
	}
	all, err := hierarchies()
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range all {
		dir := filepath.Join(h.path, name)
		if h.needed && os.Mkdir(dir, 0o755) == nil {
			err = errors.Join(err, os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(late.Process.Pid)), 0o644))
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- late.Wait() }()
	if err = errors.Join(err, removeCgroup(name)); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("it ended with %v", err)
	}
}

// TestInterruptedUp ends an up at many points, by a signal it can see (then it
// cleans up itself) and by one it cannot (then down does).
func TestInterruptedUp(t *testing.T) {
	needLab(t)
	if err := Prepare(t.Context(), Options{Log: t.Output(), Suite: "bookworm"}); err != nil {
		t.Fatal(err)
	}
	binary := buildLab(t)
	for _, point := range []string{"netns/inet", "netns/laptop", "proxy/root/etc/hostname", "proxy/nspawn.pid", "mail/nspawn.pid"} {
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
			t.Run(filepath.Base(filepath.Dir(point))+"-"+filepath.Base(point)+" "+sig.String(), func(t *testing.T) {
				l := &Lab{Options: Options{Name: testName()}}
				t.Cleanup(func() { _ = l.Down() })
				interrupt(t, binary, l, point, sig)
			})
		}
	}
}

func interrupt(t *testing.T, binary string, l *Lab, point string, sig syscall.Signal) {
	cmd := exec.Command(binary, "up", "--name", l.Name)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := poll(t.Context(), 2*time.Minute, func() bool { return exists(l.dir(point)) }); err != nil {
		t.Fatalf("%s never came: %v", point, err)
	}
	_ = cmd.Process.Signal(sig)
	if err := cmd.Wait(); err == nil {
		t.Skip("up was faster than the signal")
	}
	if sig == syscall.SIGKILL {
		if out, err := exec.Command(binary, "down", "--name", l.Name).CombinedOutput(); err != nil {
			t.Fatalf("down: %v: %s", err, out)
		}
	} else if !strings.Contains(said.String(), "interrupted") {
		t.Errorf("it said %q", said.String())
	}
	for _, left := range leftovers(t, l) {
		t.Error(left)
	}
}

// leftovers finds what bears a lab's name on this machine: processes, mounts in
// any process's view, control groups, files.
func leftovers(t *testing.T, l *Lab) []string {
	t.Helper()
	var left []string
	seen := map[string]bool{}
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range procs {
		if b, _ := os.ReadFile(p + "/cmdline"); bytes.Contains(b, []byte(l.dir())) {
			left = append(left, "process "+p+": "+string(bytes.ReplaceAll(b, []byte{0}, []byte{' '})))
		}
		if stat, _ := os.ReadFile(p + "/stat"); bytes.Contains(stat, []byte(") Z ")) {
			continue
		}
		if b, _ := os.ReadFile(p + "/cgroup"); bytes.Contains(b, []byte(l.cgroup()+"/")) {
			left = append(left, "process in a group: "+p)
		}
		mounts, _ := os.ReadFile(p + "/mountinfo")
		for line := range strings.Lines(string(mounts)) {
			if strings.Contains(line, l.dir()+"/") && !seen[line] {
				seen[line] = true
				left = append(left, "mount in "+p+": "+line)
			}
		}
	}
	eachCgroup(l.cgroup(), func(dir string) { left = append(left, "group "+dir) })
	if exists(l.dir()) {
		left = append(left, "directory "+l.dir())
	}
	return left
}

// runFiles lists what is below /run and where machines register, without labs.
func runFiles(t *testing.T) map[string]bool {
	t.Helper()
	files := map[string]bool{}
	for _, root := range []string{"/run", "/var/lib/machines", "/etc/systemd/nspawn", "/var/run/netns"} {
		_ = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			if err == nil && p == runRoot {
				return filepath.SkipDir
			}
			files[p] = true
			return nil
		})
	}
	return files
}
