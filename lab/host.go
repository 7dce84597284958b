//go:build linux

package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

//go:embed testdata/peer.pl
var peerScript []byte

//go:embed testdata/lock-apt.pl
var lockAptScript []byte

// Where every host has the scripts of testdata; images have the first too.
const (
	peerPath    = "/usr/local/lib/lab/peer.pl"
	lockAptPath = "/usr/local/lib/lab/lock-apt.pl"
)

// diskSize is how big a host's disk says it is. Only what is written costs
// memory: the root is an overlay, its upper layer a file system of this size.
var diskSize = map[string]string{"proxy": "12g", "mail": "24g"}

// raise makes a host from the base and boots it.
func (l *Lab) raise(ctx context.Context, n node) error {
	if err := l.makeRoot(n); err != nil {
		return fmt.Errorf("%s: %w", n.name, err)
	}
	if err := l.dressHost(ctx, n); err != nil {
		return fmt.Errorf("%s: %w", n.name, err)
	}
	if err := l.boot(ctx, n); err != nil {
		return fmt.Errorf("%s: %w", n.name, err)
	}
	return nil
}

func (l *Lab) makeRoot(n node) error {
	disk := l.dir(n.name, "disk")
	for _, d := range []string{disk, l.dir(n.name, "root")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	if err := unix.Mount("disk", disk, "tmpfs", 0, "mode=755,size="+diskSize[n.name]); err != nil {
		return fmt.Errorf("mount %s: %w", disk, err)
	}
	for _, d := range []string{"upper", "work", "docker"} {
		if err := os.Mkdir(filepath.Join(disk, d), 0o755); err != nil {
			return err
		}
	}
	base := basePath(l.Suite, l.Docker && n.name == "mail")
	opts := "lowerdir=" + base + ",upperdir=" + disk + "/upper,workdir=" + disk + "/work"
	if err := unix.Mount("root", l.dir(n.name, "root"), "overlay", 0, opts); err != nil {
		return fmt.Errorf("mount overlay %s: %w", opts, err)
	}
	return nil
}

// dressHost writes what makes this host itself: name, keys, who may log in.
func (l *Lab) dressHost(ctx context.Context, n node) error {
	root := l.dir(n.name, "root")
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return err
	}
	files := []struct {
		path, text string
		mode       os.FileMode
	}{
		{"/etc/hostname", n.name + "\n", 0o644},
		{"/etc/hosts", "127.0.0.1 localhost\n127.0.1.1 " + n.name + "\n::1 localhost ip6-localhost ip6-loopback\n", 0o644},
		{"/etc/machine-id", hex.EncodeToString(id) + "\n", 0o444},
		{"/etc/resolv.conf", resolvConf, 0o644},
		{"/etc/ssh/sshd_config.d/10-lab.conf", fmt.Sprintf("Port %d\nPasswordAuthentication yes\n", l.SSHPort), 0o644},
		{peerPath, string(peerScript), 0o755},
		{lockAptPath, string(lockAptScript), 0o755},
	}
	for _, f := range files {
		p := filepath.Join(root, f.path)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			return err
		}
		if err := os.RemoveAll(p); err != nil {
			return err
		}
		if err := os.WriteFile(p, []byte(f.text), f.mode); err != nil {
			return err
		}
	}
	if err := l.authorize(root); err != nil {
		return err
	}
	_, err := l.runHere(exec.CommandContext(ctx, "ssh-keygen", "-A", "-f", root))
	return err
}

// resolvConf names a server that says at once that nothing listens: a name that
// does not resolve must not cost seconds.
const resolvConf = "nameserver 198.51.100.77\noptions timeout:1 attempts:1\n"

// authorize lets the laptop's key in, as root and as every user.
func (l *Lab) authorize(root string) error {
	key, err := os.ReadFile(l.dir("laptop", "home", ".ssh", "id_ed25519.pub"))
	if err != nil {
		return err
	}
	homes := map[string]int{"root": 0}
	for i, u := range users {
		homes["home/"+u.name] = firstUID + i
	}
	for home, uid := range homes {
		dir := filepath.Join(root, home, ".ssh")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		file := filepath.Join(dir, "authorized_keys")
		if err := os.WriteFile(file, key, 0o600); err != nil {
			return err
		}
		if err := os.Chown(dir, uid, uid); err != nil {
			return err
		}
		if err := os.Chown(file, uid, uid); err != nil {
			return err
		}
	}
	return nil
}

// boot starts a host's system on its root and waits until it is up.
func (l *Lab) boot(ctx context.Context, n node) error {
	args := []string{"-q", "-b", "-D", l.dir(n.name, "root"), "--machine=" + l.machine(n.name),
		"--register=no", "--keep-unit", "--network-namespace-path=" + l.netns(n.name),
		"--capability=all", "--drop-capability=CAP_SYS_TIME", "--bind=/dev/net/tun",
		"--kill-signal=SIGRTMIN+3", "--resolv-conf=off", "--timezone=off", "--link-journal=no",
		"--console=read-only", "--system-call-filter=add_key keyctl bpf"}
	if l.Docker && n.name == "mail" {
		// Docker's layers cannot lie on an overlay.
		args = append(args, "--bind="+l.dir(n.name, "disk", "docker")+":/var/lib/docker")
	}
	pid, err := l.background("boot", n.name, l.dir(n.name, "console.log"), args...)
	if err != nil {
		return err
	}
	if err := os.WriteFile(l.dir(n.name, "nspawn.pid"), []byte(strconv.Itoa(pid)), 0o644); err != nil {
		return err
	}
	if err := l.awaitBoot(ctx, n, pid); err != nil {
		log, _ := os.ReadFile(l.dir(n.name, "console.log"))
		return fmt.Errorf("boot: %w: %s", err, tail(strings.TrimSpace(string(log)), 1500))
	}
	if l.Docker && n.name == "mail" {
		return l.dressDocker(ctx)
	}
	return nil
}

// awaitBoot waits for the host's init to say that boot is over (degraded is as
// good: kernel modules may fail to load here), and then for an SSH banner.
func (l *Lab) awaitBoot(ctx context.Context, n node, nspawn int) error {
	var state string
	err := poll(ctx, 60*time.Second, func() bool {
		if syscall.Kill(nspawn, 0) != nil {
			return true
		}
		if _, err := l.HostPID(n.name); err != nil {
			return false
		}
		out, _ := l.Exec(ctx, n.name, "systemctl", "is-system-running", "--wait")
		state = strings.TrimSpace(out)
		return state == "running" || state == "degraded"
	})
	if err != nil {
		return fmt.Errorf("system is %q: %w", state, err)
	}
	if state == "" {
		return fmt.Errorf("systemd-nspawn ended")
	}
	addr := net.JoinHostPort(strings.Split(n.addrs[0], "/")[0], strconv.Itoa(l.SSHPort))
	if err := poll(ctx, 20*time.Second, func() bool { return l.hasBanner(ctx, addr) }); err != nil {
		return fmt.Errorf("no SSH banner from %s: %w", addr, err)
	}
	return nil
}

func (l *Lab) hasBanner(ctx context.Context, addr string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := l.Dial(ctx, "laptop", "tcp", addr)
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	b := make([]byte, 4)
	_, err = io.ReadFull(c, b)
	return err == nil && string(b) == "SSH-"
}

// HostPID is the machine's number for the first process of a booted host. With
// it `nsenter -t PID -a` gets in when the network does not.
func (l *Lab) HostPID(name string) (int, error) {
	b, err := os.ReadFile(l.dir(name, "nspawn.pid"))
	if err != nil {
		return 0, fmt.Errorf("%s is not a host that runs: %w", name, err)
	}
	nspawn := strings.TrimSpace(string(b))
	children, err := os.ReadFile("/proc/" + nspawn + "/task/" + nspawn + "/children")
	if err != nil {
		return 0, fmt.Errorf("%s does not run: %w", name, err)
	}
	for _, pid := range strings.Fields(string(children)) {
		status, _ := os.ReadFile("/proc/" + pid + "/status")
		for line := range strings.Lines(string(status)) {
			if f := strings.Fields(line); len(f) == 3 && f[0] == "NSpid:" && f[2] == "1" {
				return strconv.Atoi(pid)
			}
		}
	}
	return 0, fmt.Errorf("%s has no first process yet", name)
}
