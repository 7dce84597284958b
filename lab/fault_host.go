//go:build linux

package main

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"
)

// hostFaults are those of one booted host.
func hostFaults(host string) []fault {
	return []fault{
		{name: "disk-full:" + host, words: "there is no space left on " + host, set: fillDisk(host)},
		{name: "apt-lock:" + host, words: "another apt-get holds the locks on " + host, volatile: host, set: inside(host,
			"systemd-run --unit=lab-apt-lock --property=Type=notify --property=NotifyAccess=all perl "+lockAptPath,
			"systemctl stop lab-apt-lock")},
		{name: "readonly-etc:" + host, words: "/etc is read-only on " + host, volatile: host, set: inside(host,
			"mount --bind /etc /etc && mount -o remount,ro,bind /etc",
			"umount /etc 2>/dev/null || umount -l /etc")},
		{name: "no-forwarding:" + host, words: "sshd of " + host + " forwards nothing (AllowTcpForwarding no)", set: inside(host,
			"echo 'AllowTcpForwarding no' >"+noForwarding+" && systemctl restart ssh",
			"rm "+noForwarding+" && systemctl restart ssh")},
	}
}

// sshd takes the first value it reads.
const noForwarding = "/etc/ssh/sshd_config.d/05-lab-no-forwarding.conf"

// inside makes a fault of two scripts that run on a host.
func inside(host, on, off string) func(context.Context, *Lab, bool) error {
	return func(ctx context.Context, l *Lab, yes bool) error {
		script := off
		if yes {
			script = on
		}
		_, err := l.Exec(ctx, host, "sh", "-ec", script)
		return err
	}
}

// fillDisk makes a host's disk as small as what is on it, and big again.
func fillDisk(host string) func(context.Context, *Lab, bool) error {
	return func(_ context.Context, l *Lab, on bool) error {
		disk := l.dir(host, "disk")
		size := diskSize[host]
		if on {
			var s unix.Statfs_t
			if err := unix.Statfs(disk, &s); err != nil {
				return err
			}
			size = fmt.Sprint((s.Blocks - s.Bfree) * uint64(s.Bsize))
		}
		if err := unix.Mount("", disk, "", unix.MS_REMOUNT, "size="+size); err != nil {
			return fmt.Errorf("remount %s with size %s: %w", disk, size, err)
		}
		return nil
	}
}
