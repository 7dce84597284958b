//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tools are the commands and files the lab needs of this machine, and the
// packages they are in.
var tools = []struct{ needs, pkg string }{
	{"mmdebstrap", "mmdebstrap"},
	{"systemd-nspawn", "systemd-container"},
	{"ip", "iproute2"},
	{"apt-ftparchive", "apt-utils"},
	{"gpg", "gnupg"},
	{"iptables-restore", "iptables"},
	{"ssh-keygen", "openssh-client"},
	{"nsenter", "util-linux"},
	{"/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring"},
	{"ping", "iputils-ping"},
	{"npm", "npm"},
	{"curl", "curl"},
	{"swaks", "swaks"},
	{"/usr/share/doc/libnet-ssleay-perl", "libnet-ssleay-perl"}, // with which swaks speaks TLS
	{"nmap", "nmap"},
	{"pebble", "pebble"},
	{"busybox", "busybox"},           // whose shell is near to FreeBSD's
	{"original-awk", "original-awk"}, // FreeBSD's own
}

// canRun tells, in one line, what keeps this machine from being a lab.
func canRun() error {
	if os.Geteuid() != 0 {
		return errors.New("this is not root, and the lab makes namespaces and mounts: run it as root on Debian")
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return errors.New("there is no apt-get here, and the lab's hosts are made with it: run it as root on Debian")
	}
	return nil
}

// missing lists the packages of the tools this machine lacks.
func missing() []string {
	var pkgs []string
	for _, t := range tools {
		if filepath.IsAbs(t.needs) && exists(t.needs) {
			continue
		}
		if _, err := exec.LookPath(t.needs); err != nil {
			pkgs = append(pkgs, t.pkg)
		}
	}
	return pkgs
}

// Prepare installs the tools this machine lacks and makes the root file systems
// and the mirror that a lab needs, unless they are in the cache.
func Prepare(ctx context.Context, o Options) error {
	log := o.Log
	if err := canRun(); err != nil {
		return err
	}
	if err := makeRoom(log); err != nil {
		return err
	}
	made := things(o)
	lacking := func(m thing) bool { return !exists(m.path) }
	if len(missing()) == 0 && !slices.ContainsFunc(made, lacking) {
		return nil
	}
	if err := os.MkdirAll(cacheDir(), 0o755); err != nil {
		return err
	}
	unlock, err := alone(ctx, "postern-lab", time.Hour, func() {
		fmt.Fprintln(log, "lab: waiting for another command that prepares")
	})
	if err != nil {
		return err
	}
	defer unlock()
	if pkgs := missing(); len(pkgs) > 0 {
		fmt.Fprintf(log, "lab: installing %s on this machine\n", strings.Join(pkgs, " "))
		if err := installTools(ctx, pkgs); err != nil {
			return err
		}
	}
	sweepCache()
	if err := makeKey(ctx); err != nil {
		return err
	}
	for _, m := range made {
		if err := m.once(ctx, log, o.Suite); err != nil {
			return err
		}
	}
	return nil
}

// thing is what the cache has, made once.
type thing struct {
	path, what string
	make       func(ctx context.Context, suite, dir string) error
}

func things(o Options) []thing {
	suite := o.Suite
	all := []thing{
		{basePath(suite, false), "a root file system of " + suite, makeBase},
		{mirrorPath(suite), "the package mirror of " + suite, makeMirror},
	}
	if npmLock() != "" {
		all = append(all, thing{npmPath(), "the packages of npm", makeNpm})
	}
	if o.Mail == "mailcow" {
		all = append(all, thing{mailcowPath(suite), "the image of the lab's Mailcow", makeMailcow})
	} else if o.Mail != "" {
		all = append(all, thing{mailPath(suite), "a root file system of " + suite + " with a mail server", makeMail})
	}
	if o.Docker {
		all = append(all, thing{basePath(suite, true), "a root file system of " + suite + " with Docker", makeDockerBase},
			thing{imagePath(suite), "a container image of " + suite, makeImage})
	}
	return all
}

// watchers is how many inotify instances labs side by side may need: a booted host takes about ten, its kernel gives all
// hosts of this machine 128 together, and a system that gets none ends while it boots.
const watchers = 1024

// makeRoom lets this machine have that many, until it is booted again.
func makeRoom(log io.Writer) error {
	const key = "fs/inotify/max_user_instances"
	text, err := os.ReadFile("/proc/sys/" + key)
	if err != nil {
		return err
	}
	if n, err := strconv.Atoi(strings.TrimSpace(string(text))); err != nil || n >= watchers {
		return err
	}
	fmt.Fprintf(log, "lab: %s was %s on this machine and is %d until its next boot\n", key, strings.TrimSpace(string(text)), watchers)
	return sysctl(key, strconv.Itoa(watchers))
}

func installTools(ctx context.Context, pkgs []string) error {
	apt := func(args ...string) error {
		cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-q", "-y", "-o", "DPkg::Lock::Timeout=120"}, args...)...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		_, err := runCmd(cmd)
		return err
	}
	if err := apt("update"); err != nil {
		return err
	}
	return apt(append([]string{"install", "--no-install-recommends"}, pkgs...)...)
}
