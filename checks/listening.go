package checks

import (
	"errors"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"postern/remote"
)

// listening is one TCP listener of a host, native or published by Docker.
type listening struct {
	addr    netip.Addr // invalid: every address of both families
	port    int
	last    int // of a range of ports that Docker publishes; 0 for a single one
	process string
}

// at says whether the listener takes what arrives at that address and port.
func (l listening) at(to netip.AddrPort) bool {
	switch {
	case int(to.Port()) < l.port || int(to.Port()) > max(l.port, l.last):
		return false
	case !l.addr.IsValid(), l.addr == to.Addr():
		return true
	}
	return l.addr.IsUnspecified() && l.addr.Is4() == to.Addr().Is4()
}

var processName = regexp.MustCompile(`\(\("([^"]*)"`)

// listenersOf are the TCP listeners of a host: those of ss, and the ports that Docker publishes without a process.
func listenersOf(f remote.Facts) ([]listening, error) {
	s, err := parts(f, readListen)
	if err != nil {
		return nil, err
	}
	var found []listening
	for _, line := range s["tcp"] {
		w := strings.Fields(line)
		if len(w) < 4 || w[0] != "LISTEN" {
			continue
		}
		l, ok := socket(w[3])
		if !ok {
			continue
		}
		if m := processName.FindStringSubmatch(line); m != nil {
			l.process = m[1]
		}
		found = append(found, l)
	}
	if published, _, err := publishedOf(f); err == nil {
		for _, p := range published {
			if p.proto == "tcp" && !anyAt(found, netip.AddrPortFrom(p.addr, uint16(p.port))) {
				found = append(found, listening{p.addr, p.port, p.last, "docker " + p.container})
			}
		}
	}
	return found, nil
}

func anyAt(all []listening, to netip.AddrPort) bool {
	for _, l := range all {
		if l.at(to) {
			return true
		}
	}
	return false
}

// socket parses an address as ss prints it: 0.0.0.0:22, [::]:22, *:22, 127.0.0.1%lo:53.
func socket(text string) (listening, bool) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return listening{}, false
	}
	port, err := strconv.ParseUint(text[i+1:], 10, 16)
	if err != nil || port == 0 {
		return listening{}, false
	}
	host, _, _ := strings.Cut(strings.Trim(text[:i], "[]"), "%")
	if host == "*" {
		return listening{port: int(port)}, true
	}
	addr, err := netip.ParseAddr(host)
	return listening{addr: addr.Unmap(), port: int(port)}, err == nil
}

// published is a port, or a range of them, that Docker publishes on an address of the host.
type published struct {
	container, proto string
	addr             netip.Addr
	port, last       int
}

var errDocker = errors.New("docker gave no answer")

var containerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

// publishedOf parses docker ps. absent is true where there is no Docker.
func publishedOf(f remote.Facts) (all []published, absent bool, err error) {
	s, err := parts(f, readDocker)
	if err != nil {
		return nil, false, err
	}
	if s.has("absent") {
		return nil, true, nil
	}
	if s.has("silent") || !s.has("ps") {
		return nil, false, errDocker
	}
	for _, line := range s["ps"] {
		name, ports, ok := strings.Cut(line, "|")
		if !ok || !containerName.MatchString(name) {
			return nil, false, errDocker
		}
		for _, one := range strings.Split(ports, ",") {
			all = append(all, publish(name, strings.TrimSpace(one))...)
		}
	}
	return all, false, nil
}

// publish parses one mapping of docker ps: 0.0.0.0:25->25/tcp, [::]:25->25/tcp, :::25->25/tcp, 10.0.0.2:8000-8002->…
func publish(container, text string) []published {
	host, target, ok := strings.Cut(text, "->")
	if !ok {
		return nil // exposed, not published
	}
	i := strings.LastIndexByte(host, ':')
	if i < 0 {
		return nil
	}
	addr, err := netip.ParseAddr(strings.Trim(host[:i], "[]"))
	first, last, isRange := strings.Cut(host[i+1:], "-")
	if !isRange {
		last = first
	}
	from, err1 := strconv.ParseUint(first, 10, 16)
	to, err2 := strconv.ParseUint(last, 10, 16)
	if err != nil || err1 != nil || err2 != nil || to < from {
		return nil
	}
	_, proto, _ := strings.Cut(target, "/")
	return []published{{container, proto, addr.Unmap(), int(from), int(to)}}
}
