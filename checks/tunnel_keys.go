package checks

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"postern/remote"
	"postern/site"
)

func init() {
	register(Check{
		ID: "tunnel.keys", Step: "wireguard", Title: "Nobody but root can read the tunnel's keys",
		Guide: "wireguard, Key Generation",
		Reads: reads(readKeys, readTunnel), Ask: linux(askKeys),
	})
}

func askKeys(_ context.Context, e *Env) []Result {
	q := question{want: "files of root with mode 0600, and no key on a command line", fix: "wireguard",
		likely: "they were made without umask 077"}
	return eachHost(e, q, func(q question, h *site.Host, v *Vantage) Result {
		s, err := parts(v.Facts, readKeys)
		if err != nil {
			return q.cannot(err)
		}
		if !s.has("files") || !s.has("argv") {
			return q.unknown("the host did not list the files", "")
		}
		var wrong []string
		conf := false
		for _, line := range s["files"] {
			bad, name, err := keyFile(line)
			if err != nil {
				return q.cannot(err)
			}
			conf = conf || name == fileTunnel(e.Site)
			if bad != "" {
				wrong = append(wrong, bad)
			}
		}
		for _, process := range s["argv"] {
			wrong = append(wrong, "the private key is on the command line of process "+processOf(process))
		}
		switch {
		case len(wrong) > 0:
			return q.fail(few(wrong), "", strings.Join(wrong, "\n"))
		case !conf:
			return q.fail("there is no "+fileTunnel(e.Site), "the chapter was not done yet", "")
		}
		return q.ok("%d files, all root's alone", len(s["files"]))
	}, site.Proxy, site.Mail)
}

// keyFile judges one line of stat: "600 root:root regular file|/etc/wireguard/wg0.conf". Public keys may be read.
func keyFile(line string) (bad, name string, err error) {
	left, name, ok := strings.Cut(line, "|")
	w := strings.Fields(left)
	if !ok || len(w) < 3 {
		return "", "", fmt.Errorf("stat said %q", remote.Clean(line).Line(80))
	}
	mode, err := strconv.ParseUint(w[0], 8, 32)
	if err != nil {
		return "", "", fmt.Errorf("stat said %q", remote.Clean(line).Line(80))
	}
	owner, _, _ := strings.Cut(w[1], ":")
	directory := strings.Contains(left, "directory")
	public := strings.HasSuffix(name, ".pub") || strings.Contains(name, "public")
	shown := remote.Clean(name).Line(120)
	switch {
	case owner != "root":
		return fmt.Sprintf("%s belongs to %s", shown, remote.Clean(owner).Line(40)), name, nil
	case directory && mode&0o022 != 0, public && mode&0o022 != 0:
		return fmt.Sprintf("%s can be written by others (%04o)", shown, mode), name, nil
	case !directory && !public && mode&0o077 != 0:
		return fmt.Sprintf("%s has mode %04o", shown, mode), name, nil
	}
	return "", name, nil
}

// processOf is the process ID in /proc/123/cmdline.
func processOf(file string) string {
	id := strings.TrimSuffix(strings.TrimPrefix(file, "/proc/"), "/cmdline")
	return remote.Clean(id).Line(60)
}
