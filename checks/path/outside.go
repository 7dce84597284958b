package path

import (
	"fmt"
	"strings"

	"postern/checks"
)

// place is where it was asked from, and the network there.
func (s Signals) place() finding {
	port, blind := s.Public.Port(), s.Proxy.Error != ""
	open := 0
	var said []string
	mute := true
	for _, d := range s.Others {
		said = append(said, fmt.Sprintf("%s: %s", d.To, d.Answer))
		mute = mute && (d.Answer == checks.NoPlace || d.Answer == checks.NoRoute || d.Answer == checks.Stopped)
		if d.Answer == checks.Open {
			open++
		}
	}
	switch {
	case s.arrived() > 0:
		return passed("the packets reach %s", s.Proxy.Host)
	case s.Dial.Answer == checks.NoRoute || s.Dial.Answer == checks.NoPlace:
		return unknown("nothing can be asked from %s: %s", s.From, s.Dial.Why)
	case s.Dial.Answer == checks.Open && blind:
		return passed("the port is open")
	case s.Dial.Answer == checks.Open:
		return finding{state: Broken, evidence: "open, and no packet reached " + s.Proxy.Host,
			words:  fmt.Sprintf("somebody between %s and %s answers for it on port %d: a proxy of this network's provider", s.From, s.Proxy.Host, port),
			action: fmt.Sprintf("ask from another network (a phone's, say): postern why %d", port), settles: "the same from another network"}
	case open > 0:
		return stands("from %s others answer at port %d: %s", s.From, port, strings.Join(said, "; "))
	case mute:
		return finding{state: Unknown, evidence: fmt.Sprintf("cannot be told from %s: nobody else could be asked at port %d", s.From, port), settles: "ask from another network"}
	}
	return finding{state: Broken, evidence: strings.Join(said, "; "), sure: Likely,
		words:   fmt.Sprintf("the network of %s itself keeps port %d back: it reaches nobody's (%s); %s cannot be told from there", s.From, port, strings.Join(said, "; "), s.Proxy.Host),
		action:  fmt.Sprintf("ask from another network (a phone's, or another server): postern why %d", port),
		settles: "the same from another network"}
}

// provider is what stands before the proxy.
func (s Signals) provider() finding {
	family := "IPv4"
	if s.Public.Addr().Is6() {
		family = "IPv6"
	}
	switch port := s.Public.Port(); {
	case s.arrived() > 0:
		return passed("%d SYN came in", s.arrived())
	case s.Proxy.Error != "":
		return s.Proxy.unseen()
	case len(s.Others) == 0 || s.place().state != Passed:
		return finding{state: Unknown, evidence: fmt.Sprintf("no packet reached %s", s.Proxy.Host), settles: "whether this network reaches that port of anybody"}
	case s.Dial.Answer == checks.Dropped:
		return finding{state: Broken, evidence: "no SYN came in",
			words:  fmt.Sprintf("the provider drops port %d/tcp over %s on its way to %s: others answer, and no packet comes in", port, family, s.Proxy.Host),
			action: fmt.Sprintf("open incoming port %d/tcp (%s) in the provider's firewall, or ask its support to", port, family)}
	default:
		return finding{state: Broken, evidence: "no SYN came in, and the dial was " + string(s.Dial.Answer),
			words:  fmt.Sprintf("the provider refuses port %d/tcp over %s on its way to %s: others answer, and no packet comes in", port, family, s.Proxy.Host),
			action: fmt.Sprintf("open incoming port %d/tcp (%s) in the provider's firewall, or ask its support to", port, family)}
	}
}
