package demo

import (
	"fmt"
	"strconv"
)

// What a fresh Debian has before anybody set it up, as far as somebody reads it.
func init() {
	furnish(func(h *Host) {
		for path, text := range map[string]string{
			"/etc/os-release": "PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"13\"\nVERSION=\"13 (trixie)\"\n" +
				"VERSION_CODENAME=trixie\nID=debian\n",
			"/etc/debian_version": "13.2\n",
			"/etc/passwd":         "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n",
			"/etc/group":          "root:x:0:\ndaemon:x:1:\n",
			"/etc/hosts":          "127.0.0.1 localhost\n127.0.1.1 " + h.Name + "\n::1 localhost\n",
			"/etc/ssh/sshd_config": fmt.Sprintf("# simulated: everybody may log in\nPort %d\nPermitRootLogin yes\nSubsystem sftp /usr/lib/openssh/sftp-server\n",
				sshPort),
			"/root/.profile": "mesg n 2> /dev/null || true\n",
		} {
			h.files.write(path, text, 0o644)
		}
		h.files.device("/dev/zero", func() string { return string(make([]byte, 1<<16)) }, nil)
		h.files.device("/dev/net/tun", func() string { return "" }, nil)
		for path, text := range map[string]string{"ostype": "Linux", "osrelease": kernelRelease, "hostname": h.Name} {
			h.files.device("/proc/sys/kernel/"+path, func() string { return text + "\n" }, nil)
		}
		h.files.device("/proc/meminfo", func() string { return memory(h) }, nil)
		h.files.device("/proc/uptime", func() string {
			return strconv.FormatFloat(h.w.clock.time().Sub(h.w.clock.from).Seconds()+3600, 'f', 2, 64) + " 7000.00\n"
		}, nil)
	})
}

// memory is what /proc/meminfo says first: a small VPS, and a mail server that is large enough.
func memory(h *Host) string {
	total := 1 << 20
	if h.Name == "mail" {
		total = 8 << 20
	}
	return fmt.Sprintf("MemTotal:       %d kB\nMemFree:        %d kB\nMemAvailable:   %d kB\n", total, total/3, total/2)
}
