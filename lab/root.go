//go:build linux

package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

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

// makeRoot lays a host's own disk over the base.
func (l *Lab) makeRoot(_ context.Context, n node) error {
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
	base := basePath(l.Suite, l.Docker && !l.Bare && n.name == "mail")
	if l.nativeMail(n) {
		base = mailPath(l.Suite)
	}
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
		{"/etc/npmrc", npmrc, 0o644},
		{"/etc/ssh/sshd_config.d/10-lab.conf", fmt.Sprintf("Port %d\nPasswordAuthentication yes\n", l.SSHPort), 0o644},
		{peerPath, string(peerScript), 0o755},
		{lockAptPath, string(lockAptScript), 0o755},
	}
	for _, f := range files {
		if err := put(filepath.Join(root, f.path), f.text, f.mode); err != nil {
			return err
		}
	}
	if l.nativeMail(n) {
		if err := putMailFiles(l.Suite, root); err != nil {
			return err
		}
	}
	if l.Bare && n.name == "mail" {
		if err := l.offerMailcow(ctx, root); err != nil {
			return err
		}
	}
	if err := l.authorize(root); err != nil {
		return err
	}
	if err := l.trustLab(root); err != nil {
		return err
	}
	return makeHostKeys(ctx, root)
}

// trustLab has a host trust the certificates of the smart host and of the authority, as those of the world are trusted.
func (l *Lab) trustLab(root string) error {
	all := filepath.Join(root, "etc/ssl/certs/ca-certificates.crt")
	usual, err := os.ReadFile(all)
	if err != nil {
		return err
	}
	lab, err := filepath.Glob(l.dir("trusted", "*.pem"))
	for _, path := range lab {
		cert, more := os.ReadFile(path)
		usual = append(usual, cert...)
		name := strings.TrimSuffix(filepath.Base(path), ".pem") + ".crt"
		err = errors.Join(err, more, put(filepath.Join(root, "usr/local/share/ca-certificates", name), string(cert), 0o644))
	}
	return errors.Join(err, put(all, string(usual), 0o644))
}

// put writes a file anew, and the directories it is in.
func put(path, text string, mode os.FileMode) error {
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.RemoveAll(path)); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), mode)
}

// makeHostKeys makes one key of each kind that sshd makes. The RSA key is a
// short one, because a long one takes longer than the boot.
func makeHostKeys(ctx context.Context, root string) error {
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		argv := []string{"ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "root@lab", "-f", filepath.Join(root, "etc/ssh/ssh_host_"+kind+"_key")}
		if kind == "rsa" {
			argv = append(argv, "-b", "2048")
		}
		if _, err := run(ctx, argv...); err != nil {
			return err
		}
	}
	return nil
}

// resolvConf names the lab's resolver. It answers at once: a name that does not
// resolve must not cost seconds.
const resolvConf = "nameserver " + resolverAddr + "\noptions timeout:1 attempts:1\n"

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
		if err := errors.Join(os.WriteFile(file, key, 0o600), os.Chown(dir, uid, uid), os.Chown(file, uid, uid)); err != nil {
			return err
		}
	}
	return nil
}
