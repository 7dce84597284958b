package tunnel

import (
	"context"
	"fmt"
	"strings"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "tunnel.keys", Rests: []string{"host.ssh@"}, Step: "wireguard", Title: "Nobody but root can read the tunnel's keys",
		Page: checks.Page{
			Asks:  "Can nobody but root read the tunnel's keys, and is none in a command that others can see? Owner and mode of the files are read, never the keys.",
			OK:    "They are root's alone.",
			Fail:  "Others can read one, or the file is not there.",
			Mends: "The chapter WireGuard sets owner and mode. A key that others could read should be made anew: remove its file first.",
		},
		Guide: "wireguard, Key Generation",
		Reads: checks.Join(seen.Systems.Reads, seen.KeyFiles.Reads, seen.Tunnels.Reads), Ask: checks.Linux(askKeys),
	})
}

func askKeys(_ context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "files of root with mode 0600, and no key on a command line", Fix: "wireguard",
		Likely: "they were made without umask 077"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		found, err := seen.KeyFiles.Of(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		var wrong []string
		conf := false
		for _, file := range found.Files {
			conf = conf || file.Path == fileTunnel(e.Site, h)
			if bad := exposed(file); bad != "" {
				wrong = append(wrong, bad)
			}
		}
		for _, process := range found.Processes {
			wrong = append(wrong, "the private key is on the command line of process "+process.Line(60))
		}
		if len(wrong) == 0 && !conf {
			return q.Fail("there is no "+fileTunnel(e.Site, h), "the chapter was not done yet", "")
		}
		return q.None(wrong, "%d files, all root's alone", len(found.Files))
	}, site.Proxy, site.Mail)
}

// exposed says how others could come by what a file holds, "" when they cannot. Public keys may be read.
func exposed(f seen.KeyFile) string {
	public := strings.HasSuffix(f.Path, ".pub") || strings.Contains(f.Path, "public")
	switch {
	case f.Owner != "root":
		return fmt.Sprintf("%s belongs to %s", f.Path, f.Owner)
	case (f.Folder || public) && f.Mode&0o022 != 0:
		return fmt.Sprintf("%s can be written by others (%04o)", f.Path, f.Mode)
	case !f.Folder && !public && f.Mode&0o077 != 0:
		return fmt.Sprintf("%s has mode %04o", f.Path, f.Mode)
	}
	return ""
}
