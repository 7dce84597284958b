package seen

import (
	"strconv"
	"strings"

	"postern/remote"
	"postern/site"
)

// Kept reads which files bring a rule back at boot: those of nftables, of iptables-persistent and the like that have its text.
func Kept(rule string) Fact[[]string] {
	return Fact[[]string]{ID: "kept", args: func(*site.Site) string { return rule },
		ask: text(`echo '== files'
grep -rlsF -e ` + remote.Quote(rule) + ` /etc/nftables.conf /etc/nftables.d /etc/nftables /etc/iptables /etc/sysconfig /etc/network /etc/rc.local /etc/cron.d | head -n 5`),
		parse: func(s sections) (files []string, err error) {
			for _, f := range s.lines("files") {
				if strings.HasPrefix(f, "/") && Name(strings.ReplaceAll(f, "/", "")) {
					files = append(files, f)
				}
			}
			return files, nil
		}}
}

// IdleContainer is a container that should publish a port and does not run.
type IdleContainer struct {
	Container string
	Why       remote.Text // as Docker tells
}

// Idle reads whether a container that does not run would publish a port.
func Idle(port int) Fact[IdleContainer] {
	return Fact[IdleContainer]{ID: "idle", args: func(*site.Site) string { return strconv.Itoa(port) },
		ask: text(`echo '== idle'; for c in $(timeout 5 docker ps -aq --filter status=created --filter status=exited 2>/dev/null | head -n 50); do
	timeout 5 docker inspect -f '{{.Name}}|{{json .HostConfig.PortBindings}}|{{.State.Error}}' "$c" | grep '"HostPort":"` + strconv.Itoa(port) + `"'
done | head -n 1`),
		parse: func(s sections) (c IdleContainer, err error) {
			f := strings.SplitN(s.one("idle"), "|", 3)
			if name := strings.TrimPrefix(f[0], "/"); len(f) == 3 && containerName.MatchString(name) {
				c = IdleContainer{name, remote.Clean(f[2])}
			}
			return c, nil
		}}
}
