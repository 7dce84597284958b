//go:build linux

package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLab boots one lab and proves on it what the others build on.
func TestLab(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{Docker: true})
	if err := l.Trust(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		run  func(*testing.T, *Lab)
	}{
		{"systemd is the first process", testSystemd},
		{"hosts are fresh", testFresh},
		{"laptop logs in", testLogin},
		{"who reaches whom", testReach},
		{"exec passes code, input and terminal on", testExec},
		{"docker publishes to the home network", testDocker},
		{"packages come from the signed mirror", testPackages},
		{"wireguard runs without a module", testWireGuard},
		{"faults break and mend", testFaults},
		{"a reboot is a true one", testReboot},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, l) })
	}
}

func testSystemd(t *testing.T, l *Lab) {
	for _, host := range []string{"proxy", "mail"} {
		if got := want(t, l, host, "cat", "/proc/1/comm"); got != "systemd" {
			t.Errorf("%s: process 1 is %q", host, got)
		}
		if got := want(t, l, host, "systemctl", "is-system-running"); got != "running" {
			t.Errorf("%s is %s: %s", host, got, want(t, l, host, "systemctl", "--failed", "--plain"))
		}
		if got := want(t, l, host, "cat", "/proc/sys/net/ipv4/ip_forward"); host == "proxy" && got != "0" {
			t.Errorf("%s: forwarding is %s on a fresh host", host, got)
		}
		if want(t, l, host, "hostname") != host {
			t.Errorf("%s has another name", host)
		}
	}
	if want(t, l, "proxy", "cat", "/etc/machine-id") == want(t, l, "mail", "cat", "/etc/machine-id") {
		t.Error("both hosts have one machine-id")
	}
}

func testFresh(t *testing.T, l *Lab) {
	for _, tool := range []string{"ufw", "wg", "wg-quick", "wireguard-go", "iptables", "nft", "docker"} {
		if out, err := l.Exec(t.Context(), "proxy", "sh", "-c", "command -v "+tool); err == nil {
			t.Errorf("proxy has %s", strings.TrimSpace(out))
		}
	}
}

func testLogin(t *testing.T, l *Lab) {
	for addr, host := range map[string]string{"203.0.113.10": "proxy", "192.168.50.2": "mail"} {
		for _, user := range []string{"root", "admin", "deploy", "guest"} {
			got := want(t, l, "laptop", "ssh", "-o", "BatchMode=yes", user+"@"+addr, "echo $(hostname) $(id -un)")
			if got != host+" "+user {
				t.Errorf("ssh %s@%s is %q", user, addr, got)
			}
		}
	}
	askpass := filepath.Join(t.TempDir(), "askpass")
	if err := os.WriteFile(askpass, []byte("#!/bin/sh\necho '"+adminPassword+"'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	got := want(t, l, "laptop", "env", "SSH_ASKPASS="+askpass, "SSH_ASKPASS_REQUIRE=force",
		"ssh", "-o", "PreferredAuthentications=password", "admin@203.0.113.10",
		"sudo -n true 2>/dev/null || echo asks; echo '"+adminPassword+"' | sudo -S -p '' id -un")
	if got != "asks\nroot" {
		t.Errorf("admin by password: %q", got)
	}
	if got := want(t, l, "laptop", "ssh", "deploy@203.0.113.10", "sudo -n id -un"); got != "root" {
		t.Errorf("deploy with sudo is %q", got)
	}
	if out, err := l.Exec(t.Context(), "laptop", "ssh", "guest@203.0.113.10", "sudo -n true"); err == nil {
		t.Errorf("guest may sudo: %s", out)
	}
	peers := want(t, l, "laptop", "ssh", "root@203.0.113.10", "echo $SSH_CONNECTION")
	if !strings.HasPrefix(peers, "198.51.100.20 ") {
		t.Errorf("proxy sees the laptop as %q, and not as the home's public address", peers)
	}
}

func testReach(t *testing.T, l *Lab) {
	for _, c := range []struct {
		from, to string
		open     bool
	}{
		{"world", "203.0.113.10:22", true},
		{"world", "[2001:db8:113::10]:22", true},
		{"world", "192.168.50.2:22", false},
		{"world", "198.51.100.20:22", false},
		{"world", "[2001:db8:50::2]:22", true}, // routed openly, as many homes are
		{"laptop", "[2001:db8:50::2]:22", true},
		{"mail", "203.0.113.10:22", true},
		{"proxy", "192.168.50.2:22", false},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		err := reaches(ctx, l, c.from, c.to)
		cancel()
		if (err == nil) != c.open {
			t.Errorf("%s to %s: %v, want open %v", c.from, c.to, err, c.open)
		}
	}
}

func testExec(t *testing.T, l *Lab) {
	lab := buildLab(t)
	for _, node := range []string{"proxy", "laptop", "world"} {
		cmd := exec.Command(lab, "exec", "--name", l.Name, node, "--", "sh", "-c", "read x; echo got $x; exit 7")
		cmd.Stdin = strings.NewReader("this\n")
		out, err := cmd.Output()
		if string(out) != "got this\n" || cmd.ProcessState.ExitCode() != 7 {
			t.Errorf("%s: %q, %v", node, out, err)
		}
		line := lab + " exec --name " + l.Name + " " + node + " -- sh -c 'test -t 0 && echo terminal'"
		out, err = exec.Command("script", "-qec", line, "/dev/null").Output()
		if strings.TrimSpace(string(out)) != "terminal" {
			t.Errorf("%s in a terminal: %q, %v", node, out, err)
		}
	}
	if got := want(t, l, "laptop", "sh", "-c", "cd ~root && pwd && echo $HOME"); got != l.dir("laptop", "home")+"\n"+l.dir("laptop", "home") {
		t.Errorf("laptop's home is %q", got)
	}
}

// buildLab builds the lab as its users run it.
func buildLab(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lab")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	return path
}

func testDocker(t *testing.T, l *Lab) {
	want(t, l, "mail", "docker", "run", "-d", "--name", "imap", "-p", "192.168.50.2:993:993", "lab/base", "perl", peerPath, "0.0.0.0", "993")
	var line string
	err := poll(t.Context(), 10*time.Second, func() bool {
		c, err := l.Dial(t.Context(), "laptop", "tcp", "192.168.50.2:993")
		if err != nil {
			return false
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		line, _ = bufio.NewReader(c).ReadString('\n')
		return line != ""
	})
	if err != nil || !strings.HasPrefix(line, "peer 192.168.50.10 ") {
		t.Errorf("the container saw %q, %v", line, err)
	}
	want(t, l, "mail", "docker", "rm", "-f", "imap")
}

func testPackages(t *testing.T, l *Lab) {
	want(t, l, "proxy", "sh", "-ec", "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install ufw wireguard-tools wireguard-go")
	want(t, l, "proxy", "sh", "-ec", "ufw --version && wg --version && command -v wireguard-go")
	// Who does not know the key does not believe the mirror.
	out, err := l.Exec(t.Context(), "proxy", "sh", "-c", `
mv /usr/share/keyrings/lab.gpg /tmp/ && rm -rf /var/lib/apt/lists/* && apt-get -q update 2>&1
code=$?; mv /tmp/lab.gpg /usr/share/keyrings/; exit $code`)
	if err == nil {
		t.Errorf("apt believes the mirror without its key: %s", out)
	}
	want(t, l, "proxy", "apt-get", "-q", "update")
}

func testWireGuard(t *testing.T, l *Lab) {
	want(t, l, "proxy", "sh", "-ec", `umask 077
printf '[Interface]\nPrivateKey = %s\nAddress = 10.0.0.1/24\nListenPort = 51820\n' "$(wg genkey)" >/etc/wireguard/wg0.conf
systemctl enable -q --now wg-quick@wg0`)
	if got := want(t, l, "proxy", "wg", "show", "wg0", "listen-port"); got != "51820" {
		t.Errorf("wg0 listens on %q", got)
	}
}

func testReboot(t *testing.T, l *Lab) {
	const state = `iptables -S | grep -c lab-test; cat /proc/sys/net/ipv4/conf/all/log_martians; ip -o address show dev lo | grep -c 10.9.9.9
wg show wg0 listen-port; cat /root/kept; cat /proc/sys/kernel/random/boot_id >/dev/null; ls /run/lab-test 2>/dev/null; :`
	for name, again := range map[string]func(context.Context, string) error{"in order": l.Reboot, "power cut": l.PowerCut} {
		want(t, l, "proxy", "sh", "-ec", `iptables -A INPUT -p tcp --dport 9999 -m comment --comment lab-test -j DROP
sysctl -qw net.ipv4.conf.all.log_martians=1; ip address add 10.9.9.9/32 dev lo; echo kept >/root/kept; >/run/lab-test`)
		if got := want(t, l, "proxy", "sh", "-c", state); got != "1\n1\n1\n51820\nkept\n/run/lab-test" {
			t.Fatalf("%s: before: %q", name, got)
		}
		before, _ := l.HostPID("proxy")
		if err := again(t.Context(), "proxy"); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if after, err := l.HostPID("proxy"); err != nil || after == before {
			t.Errorf("%s: process %d, then %d, %v", name, before, after, err)
		}
		if got := want(t, l, "proxy", "sh", "-c", state); got != "0\n0\n0\n51820\nkept" {
			t.Errorf("%s: after: %q", name, got)
		}
		if got := want(t, l, "laptop", "ssh", "-o", "BatchMode=yes", "root@203.0.113.10", "hostname"); got != "proxy" {
			t.Errorf("%s: ssh after: %q", name, got)
		}
	}
	if err := l.Reboot(t.Context(), "gw"); err == nil {
		t.Error("gw has no system, and was rebooted")
	}
	if err := l.Reboot(t.Context(), "mail"); err != nil {
		t.Fatal(err)
	}
	if got := want(t, l, "mail", "docker", "run", "--rm", "lab/base", "perl", "-e", "print 6*7"); got != "42" {
		t.Errorf("docker after a reboot: %q", got)
	}
}
