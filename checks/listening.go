package checks

import (
	"net/netip"
	"slices"

	"postern/remote"
	"postern/seen"
)

// ListenReads are what a host is asked for a check that may put a throw-away listener on it.
var ListenReads = Join(seen.Listeners.Reads, seen.Docker.Reads, seen.Starting.Reads)

// listening is one TCP listener of a host, native or published by Docker.
type listening struct {
	seen.Listener
	last int // of a range of ports that Docker publishes; 0 for a single one
}

// at says whether the listener takes what arrives at that address and port.
func (l listening) at(to netip.AddrPort) bool {
	switch {
	case int(to.Port()) < l.Port || int(to.Port()) > max(l.Port, l.last):
		return false
	case !l.Addr.IsValid(), l.Addr == to.Addr():
		return true
	}
	return l.Addr.IsUnspecified() && l.Addr.Is4() == to.Addr().Is4()
}

// listenersOf are the TCP listeners of a host: those of its own, and the ports that Docker publishes without a process.
func listenersOf(f remote.Facts) ([]listening, error) {
	all, err := seen.Listeners.Of(f)
	if err != nil {
		return nil, err
	}
	var found []listening
	for _, l := range all {
		if l.Proto == "tcp" {
			found = append(found, listening{l, 0})
		}
	}
	docker, _ := seen.Docker.Of(f)
	for _, p := range docker.Published {
		if p.Proto == "tcp" && !anyAt(found, netip.AddrPortFrom(p.Addr, uint16(p.First))) {
			found = append(found, listening{seen.Listener{Proto: "tcp", Addr: p.Addr, Port: p.First, Process: "docker " + p.Container}, p.Last})
		}
	}
	return found, nil
}

func anyAt(all []listening, to netip.AddrPort) bool {
	return slices.ContainsFunc(all, func(l listening) bool { return l.at(to) })
}
