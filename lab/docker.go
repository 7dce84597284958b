//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// dressDocker gives Docker on mail the control groups of v1 it needs, which
// systemd-nspawn mounts for reading only, and loads the image lab/base.
func (l *Lab) dressDocker(ctx context.Context) error {
	_, err := l.Exec(ctx, "mail", "sh", "-ec", `
for c in memory cpuset cpu cpuacct devices freezer blkio pids; do
	grep -q "^$c[[:space:]].*1$" /proc/cgroups && [ ! -f /sys/fs/cgroup/cgroup.controllers ] || continue
	umount -l "/sys/fs/cgroup/$c" 2>/dev/null || :
	mkdir -p "/sys/fs/cgroup/$c" && mount -t cgroup -o "$c" cgroup "/sys/fs/cgroup/$c"
done
systemctl restart docker`)
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
	return nil
}
