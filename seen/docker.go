package seen

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

// Published is a port, or a range of them, that Docker publishes on an address of the host.
type Published struct {
	Container, Proto string
	Addr             netip.Addr
	First, Last      int
}

// Containers are what Docker runs.
type Containers struct {
	Absent    bool // there is no Docker
	Published []Published
}

// Docker reads which ports Docker publishes. A daemon that hangs must not hold up the look.
var Docker = register(Fact[Containers]{ID: "docker", ask: text(`command -v docker >/dev/null || { none absent; return; }
echo '== ps'; timeout 5 docker ps --no-trunc --format '{{.Names}}|{{.Ports}}' 2>/dev/null || { echo 'docker gave no answer'; return 3; }`),
	parse: func(s sections) (c Containers, err error) {
		if s.has("absent") {
			return Containers{Absent: true}, nil
		}
		if !s.has("ps") {
			return c, fmt.Errorf("docker gave no answer")
		}
		for _, line := range s.lines("ps") {
			name, ports, ok := strings.Cut(line, "|")
			if !ok || !containerName.MatchString(name) {
				return Containers{}, odd("docker ps", line)
			}
			for _, one := range strings.Split(ports, ",") {
				if p, ok := parsePublished(name, strings.TrimSpace(one)); ok {
					c.Published = append(c.Published, p)
				}
			}
		}
		return c, nil
	}})

var containerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

// parsePublished reads one mapping of docker ps: 0.0.0.0:25->25/tcp, [::]:25->25/tcp, :::25->25/tcp, 10.0.0.2:8000-8002->…;
// without an arrow a port is exposed, not published.
func parsePublished(container, text string) (Published, bool) {
	host, target, ok := strings.Cut(text, "->")
	i := strings.LastIndexByte(host, ':')
	if !ok || i < 0 {
		return Published{}, false
	}
	addr, err := netip.ParseAddr(strings.Trim(host[:i], "[]"))
	first, last, isRange := strings.Cut(host[i+1:], "-")
	if !isRange {
		last = first
	}
	from, to := port(first), port(last)
	_, proto, _ := strings.Cut(target, "/")
	return Published{container, proto, addr.Unmap(), from, to}, err == nil && from > 0 && to >= from
}
