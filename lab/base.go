//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// basePackages make a host as a provider delivers it: it has neither ufw nor
// iptables nor WireGuard, because installing them is part of what is tested.
const basePackages = "systemd,systemd-sysv,dbus,libpam-systemd,openssh-server,sudo,iproute2,procps,kmod,netbase,iputils-ping,ca-certificates,less"

// dockerPackages come on top for a mail host with Docker.
func dockerPackages(suite string) string {
	if suite == "bookworm" {
		return "docker.io,docker-compose,iptables"
	}
	// Later releases have the client in a package of its own.
	return "docker.io,docker-cli,docker-compose,iptables"
}

// mirrorPackages are what hosts can install, with all they depend on.
func mirrorPackages(suite string) string {
	return "ufw iptables nftables wireguard-tools wireguard-go tcpdump tcsh needrestart exim4-daemon-light npm fail2ban python3-systemd caddy nginx apache2 git curl jq " +
		strings.ReplaceAll(dockerPackages(suite), ",", " ")
}

// mirrorAlso are more of them, which cannot be installed beside ufw.
const mirrorAlso = "iptables-persistent"

// imagePackages make the image lab/base: a shell, coreutils and perl.
const imagePackages = "base-files,dash,coreutils,perl-base,libc-bin,debianutils,sed,grep"

// users of every host beside root. The laptop's key opens all of them.
var users = []struct {
	name, password, groups string
	noPasswd               bool
}{
	{"admin", adminPassword, "sudo", false},
	{"deploy", "", "", true},
	{"guest", "guest horse", "", false},
}

const (
	firstUID      = 1000
	adminPassword = "correct horse"
	rootPassword  = "battery staple"
)

func basePath(suite string, docker bool) string {
	from := []string{basePackages, finishBase(suite), "1"}
	if docker {
		return cached("docker", suite, append(from, dockerPackages(suite))...)
	}
	return cached("base", suite, from...)
}

func makeBase(ctx context.Context, suite, dir string) error {
	return bootstrap(ctx, suite, dir, "minbase", basePackages, finishBase(suite))
}

func makeDockerBase(ctx context.Context, suite, dir string) error {
	return bootstrap(ctx, suite, dir, "minbase", basePackages+","+dockerPackages(suite), finishBase(suite))
}

// bootstrap makes a root file system from the machine's own package sources.
func bootstrap(ctx context.Context, suite, dir, variant, packages, hook string) error {
	argv := []string{"mmdebstrap", "--mode=root", "--variant=" + variant, "--include=" + packages}
	for _, o := range aptOptions(ctx) {
		argv = append(argv, "--aptopt="+o)
	}
	if hook != "" {
		argv = append(argv, "--customize-hook="+hook)
	}
	argv = append(argv, suite, dir)
	argv = append(argv, machineSources(ctx, suite)...)
	tmp := dir + ".tmp" + unfinished
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	_, err := runCmd(cmd)
	return errors.Join(err, os.RemoveAll(tmp))
}

// finishBase is the script that turns what mmdebstrap made into a host of the
// lab: its users, its package source, and nothing of this machine.
func finishBase(suite string) string {
	var b strings.Builder
	b.WriteString("set -e\nroot=$1\n")
	fmt.Fprintf(&b, "echo 'root:%s' | chroot \"$root\" chpasswd\n", rootPassword)
	for i, u := range users {
		fmt.Fprintf(&b, "chroot \"$root\" useradd -m -s /bin/bash -u %d %s\n", firstUID+i, u.name)
		if u.password != "" {
			fmt.Fprintf(&b, "echo '%s:%s' | chroot \"$root\" chpasswd\n", u.name, u.password)
		}
		if u.groups != "" {
			fmt.Fprintf(&b, "chroot \"$root\" usermod -aG %s %s\n", u.groups, u.name)
		}
		if u.noPasswd {
			fmt.Fprintf(&b, "echo '%s ALL=(ALL) NOPASSWD: ALL' > \"$root/etc/sudoers.d/%s\"\n", u.name, u.name)
			fmt.Fprintf(&b, "chmod 440 \"$root/etc/sudoers.d/%s\"\n", u.name)
		}
	}
	fmt.Fprintf(&b, `rm -f "$root"/etc/ssh/ssh_host_* "$root"/etc/apt/apt.conf.d/99mmdebstrap "$root"/etc/apt/sources.list.d/*
cp %q "$root/usr/share/keyrings/lab.gpg"
echo 'deb [signed-by=/usr/share/keyrings/lab.gpg] http://%s/%s ./' > "$root/etc/apt/sources.list"
`, filepath.Join(keyDir(), "lab.gpg"), mirrorAddr, suite)
	return b.String()
}

func imagePath(suite string) string {
	return cached("image", suite, imagePackages, string(peerScript))
}

// makeImage makes a directory with image.tar, for docker import.
func makeImage(ctx context.Context, suite, dir string) error {
	root := filepath.Join(dir, "root")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := bootstrap(ctx, suite, root, "extract", imagePackages, ""); err != nil {
		return err
	}
	if err := put(filepath.Join(root, peerPath), string(peerScript), 0o755); err != nil {
		return err
	}
	_, err := run(ctx, "tar", "-C", root, "--exclude=./usr/share/doc", "--exclude=./usr/share/locale",
		"--exclude=./usr/share/man", "--exclude=./dev/*", "-cf", filepath.Join(dir, "image.tar"), ".")
	if err != nil {
		return err
	}
	return os.RemoveAll(root)
}
