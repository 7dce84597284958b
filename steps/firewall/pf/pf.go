// Package pf puts a firewall's Policy into the language of FreeBSD's packet filter: the whole pf.conf of a host that has none, an anchor of
// our own in somebody else's, or the lines that he adds himself. It plans, and asks no host.
package pf

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/firewall"
)

func init() {
	firewall.Register(firewall.Backend{Package: "pf", Fits: func(host seen.Host) bool { return host.Kernel == "freebsd" }, Reads: reads, Render: render,
		Barred: func(remote.Facts) string {
			return "there is no pfctl, which is part of FreeBSD's base system: install the base system's pf, or rebuild it without WITHOUT_PF"
		},
		Ahead: func(firewall.Policy, remote.Facts) []string { return nil }})
}

const (
	mainPath     = seen.PFConf
	fallbackPath = "/etc/pf-fallback.conf"
	anchorPath   = "/etc/pf.postern.conf"
)

func reads(s *site.Site, h *site.Host) []remote.Query {
	return slices.Concat([]remote.Query{remote.ReadFile(mainPath), remote.ReadFile(fallbackPath), remote.ReadFile(anchorPath)},
		seen.PF.Reads(s, h), seen.PFRules.Reads(s, h), seen.RCConf.Reads(s, h), seen.SSH.Reads(s, h), seen.Addresses.Reads(s, h), seen.Systems.Reads(s, h))
}

// scene is all of a host that a rendering depends on.
type scene struct {
	found  remote.Facts
	filter seen.Filter
	rc     seen.RC
	access seen.Access
	loaded seen.Anchors // what anchors and tables hold; nothing where it was not asked
	writer
}

// read parses the facts. What could not be seen is an error, never taken for absent.
func read(want firewall.Policy, found remote.Facts) (s scene, err error) {
	s.found = found
	if s.filter, err = seen.PF.Of(found); err != nil {
		return s, err
	}
	if s.rc, err = seen.RCConf.Of(found); err != nil {
		return s, err
	}
	network, err := seen.Addresses.Of(found)
	if err != nil {
		return s, err
	}
	for _, path := range []string{mainPath, fallbackPath, anchorPath} {
		if _, known := found.File(path); !known {
			return s, fmt.Errorf("%s could not be read", path)
		}
	}
	s.access, _ = seen.SSH.Of(found)
	s.loaded, _ = seen.PFLoaded.Of(found)
	s.writer = newWriter(want, network)
	for _, name := range []string{s.ext, s.tunnel} {
		if name != "" && !ifaceName.MatchString(name) {
			return s, fmt.Errorf("%q is not a name for an interface (a letter, then letters, digits, dots and hyphens, 15 at most)", name)
		}
	}
	return s, nil
}

// ifaceName is what FreeBSD calls interfaces; anything else would end a macro.
var ifaceName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_.-]{0,14}$`)

// file is one of the host's files, nil where it is absent.
func (s scene) file(path string) *remote.File {
	f, _ := s.found.File(path)
	return f
}

// ours says whether a file was made by us.
func (s scene) ours(path string) bool {
	f := s.file(path)
	return f != nil && strings.HasPrefix(f.Text, mark)
}

// mode is whose the main file is: own where there is none, or ours, or where the operator gave it to us.
func (s scene) mode() string {
	switch {
	case s.want.Main == "anchors" || s.want.Main == "own":
		return s.want.Main
	case s.ours(mainPath) && s.filter.Path == mainPath, s.file(mainPath) == nil && s.filter.Text == "":
		return "own"
	}
	return "advise"
}

// Mode is what may be done to the main file of a host with that policy: advise, anchors or own.
func Mode(want firewall.Policy, found remote.Facts) string {
	s, err := read(want, found)
	if err != nil {
		return "advise"
	}
	return s.mode()
}

// render plans the changes that bring pf to the policy. An error says that the host is in a state that we must not touch, and what to do
// about it.
func render(want firewall.Policy, found remote.Facts) (firewall.Rendering, error) {
	wrap := func(err error) (firewall.Rendering, error) {
		return firewall.Rendering{}, fmt.Errorf("firewall: %s: pf: %w", want.Host, err)
	}
	if err := want.Validate(); err != nil {
		return wrap(err)
	}
	s, err := read(want, found)
	if err != nil {
		return wrap(err)
	}
	var r firewall.Rendering
	switch mode := s.mode(); {
	case !want.Enable:
		return s.strip(), nil
	case s.ext == "":
		return wrap(fmt.Errorf("the interface of the default route could not be seen: set host.%s.interface", want.Host))
	case mode == "anchors" && len(want.Behind) == 0:
		r, err = s.anchors()
	case mode == "own":
		r, err = s.own()
	default:
		r = s.advise()
	}
	if err != nil {
		return wrap(err)
	}
	return r, nil
}

// admins are those who are never cut off: the sources that SSH is for, and where it is for everyone, those of the first plan. A later
// one leaves them, or it would differ with where the operator sits.
func (s scene) admins(path, name string) (list []netip.Prefix) {
	everyone := false
	for _, a := range s.want.Allows {
		if a.Name != "ssh" || a.In != "" {
			continue
		}
		everyone = everyone || a.From == nil
		for _, p := range a.From {
			if p = p.Masked(); p.Bits() > 0 && !slices.Contains(list, p) {
				list = append(list, p)
			}
		}
	}
	if !everyone {
		return list
	}
	if had, known := s.admitted(path, name); known {
		return had
	}
	if from := s.access.Client.Addr(); from.IsValid() && !from.IsLoopback() {
		list = append(list, netip.PrefixFrom(from, from.BitLen()))
	}
	return list
}

// admitted are the addresses of the table of a file of ours, false where there is none.
func (s scene) admitted(path, name string) (list []netip.Prefix, known bool) {
	if !s.ours(path) {
		return nil, false
	}
	for _, line := range strings.Split(s.file(path).Text, "\n") {
		rest, ok := strings.CutPrefix(line, "table <"+name+"> persist")
		if !ok {
			continue
		}
		for _, word := range strings.Fields(strings.Trim(rest, " {}")) {
			p, ok := seen.Prefix(word)
			if !ok {
				return nil, false
			}
			list = append(list, p.Masked())
		}
		return list, true
	}
	return nil, false
}

// lets says whether a packet gets in, or through to where it goes out, once the main file is loaded: that has no rules but the policy's.
func (s scene) lets(p seen.Packet) bool {
	if slices.ContainsFunc(s.want.Behind, func(b firewall.Behind) bool { return b.Net.Contains(p.Dst) }) {
		return true // the rules of jails decide
	}
	among := func(from []netip.Prefix) bool { return from == nil || seen.Inside(from, p.Src) }
	if p.Out != "" {
		return slices.ContainsFunc(s.want.Forwards, func(f firewall.Forward) bool {
			return f.Dest == netip.AddrPortFrom(p.Dst, uint16(p.Port)) && f.Proto == p.Proto && f.In == p.In && among(f.From)
		})
	}
	return slices.ContainsFunc(s.want.Allows, func(a firewall.Allow) bool {
		return (a.Proto == "" || a.Proto == p.Proto) && (a.Port == 0 || a.Port == p.Port) && (a.In == "" || a.In == p.In) && (!a.To.IsValid() || a.To == p.Dst) && among(a.From)
	})
}

// lockOut is why the operator would not get in again, by the policy: no address of the way that leads here is among those it admits.
func (s scene) lockOut(admins []netip.Prefix) []string {
	from, to := s.access.Client.Addr(), s.access.Server
	if !from.IsValid() || from.IsLoopback() || seen.Inside(admins, from) ||
		s.lets(seen.Packet{Proto: "tcp", Src: from, Dst: to.Addr(), Port: int(to.Port()), In: s.network.Holder(to.Addr())}) {
		return nil
	}
	return []string{fmt.Sprintf("SSH from %s to port %d is admitted by no rule, and all else that comes in is denied", from, to.Port())}
}
