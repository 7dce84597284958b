//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// dockerGroups are the control groups of v1 that Docker needs, which
// systemd-nspawn mounts for reading only.
const dockerGroups = `for c in memory cpuset cpu cpuacct devices freezer blkio pids; do
	grep -q "^$c[[:space:]].*1$" /proc/cgroups && [ ! -f /sys/fs/cgroup/cgroup.controllers ] || continue
	umount -l "/sys/fs/cgroup/$c" 2>/dev/null || :
	mkdir -p "/sys/fs/cgroup/$c" && mount -t cgroup -o "$c" cgroup "/sys/fs/cgroup/$c"
done
`

// dressDocker gives Docker on mail its control groups, and loads the image lab/base.
func (l *Lab) dressDocker(ctx context.Context) error {
	_, err := l.Exec(ctx, "mail", "sh", "-ec", dockerGroups+"systemctl restart docker")
	if err != nil {
		return fmt.Errorf("docker: %w", err)
	}
	image, err := os.Open(filepath.Join(imagePath(l.Suite), "image.tar"))
	if err != nil {
		return err
	}
	defer image.Close()
	cmd, err := l.Command(ctx, "mail", "sh", "-ec", "docker image inspect lab/base >/dev/null 2>&1 || docker import - lab/base")
	if err != nil {
		return err
	}
	cmd.Stdin = image
	if _, err := runCmd(cmd); err != nil {
		return fmt.Errorf("docker: %w", err)
	}
	switch l.Mail {
	case "":
		return nil
	case "mailcow":
		if exists(filepath.Join(l.dir("mail", "root"), mailcowDir)) {
			return nil
		}
		return l.raiseMailcow(ctx)
	}
	if _, err := l.Exec(ctx, "mail", "docker", "container", "inspect", "mail"); err != nil {
		if err := l.makeMailContainer(ctx); err != nil {
			return fmt.Errorf("docker: mail server: %w", err)
		}
	}
	// Docker cannot publish its ports before the tunnel is there: somebody waits for that and starts it, once.
	_, err = l.Exec(ctx, "mail", "sh", "-ec", `[ -z "$(docker ps -q -f status=created -f name=^mail$)" ] || systemd-run -q --unit=first-start \
	sh -c 'until ip -o address | grep -q " 10.0.0.2/"; do sleep 1; done; exec docker start mail'`)
	return err
}

// makeMailContainer makes a container of the root file system of a mail server, on a bridge and with ports as Mailcow has them.
func (l *Lab) makeMailContainer(ctx context.Context) error {
	if err := putMailFiles(l.Suite, l.dir("mail", "root", "srv", "mail")); err != nil {
		return err
	}
	from, to, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd, err := l.Command(ctx, "mail", "sh", "-ec", `docker import - lab/mail
docker network create --subnet 172.22.1.0/24 -o com.docker.network.bridge.name=br-mailcow mailcow
docker create --name mail --hostname mail.example.org --restart always --network mailcow --ip 172.22.1.253 \
	-p 10.0.0.2:25:25 -p 10.0.0.2:465:465 -p 10.0.0.2:587:587 -p 10.0.0.2:993:993 lab/mail mail-run
docker cp /srv/mail/. mail:/`)
	if err != nil {
		return err
	}
	cmd.Stdin = from
	return together(
		func() error {
			defer to.Close()
			tar := exec.CommandContext(ctx, "tar", "-c", "--exclude=./usr/share/doc", "--exclude=./usr/share/locale", "--exclude=./usr/share/man",
				"--exclude=./var/cache/apt/*", "--exclude=./var/lib/apt/lists/*", "--exclude=./dev/*", "-C", mailPath(l.Suite), ".")
			tar.Stdout = to
			return tar.Run()
		},
		func() error {
			defer from.Close()
			_, err := runCmd(cmd)
			return err
		})
}
