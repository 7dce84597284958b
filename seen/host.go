package seen

import (
	"slices"
	"time"

	"postern/remote"
	"postern/site"
)

// Host is what one look told about a host, as far as it could be told: a fact that could not be is its zero value.
type Host struct {
	System
	Network
	Access
	Size
	Listeners []Listener
	Tools     Tooling
	Clock     time.Time
}

// HostReads are the queries Look parses: light enough to be part of every look, so the shell reads what it can by itself.
func HostReads(s *site.Site, h *site.Host) []remote.Query {
	return slices.Concat(Systems.Reads(s, h), Addresses.Reads(s, h), SSH.Reads(s, h), Sizes.Reads(s, h), Tools.Reads(s, h), Clock.Reads(s, h))
}

// Look is what a look told about a host.
func Look(f remote.Facts) Host {
	var h Host
	h.System, _ = Systems.Of(f)
	h.Network, _ = Addresses.Of(f)
	h.Access, _ = SSH.Of(f)
	h.Size, _ = Sizes.Of(f)
	h.Listeners, _ = Listeners.Of(f)
	h.Tools, _ = Tools.Of(f)
	now, _ := Clock.Of(f)
	h.Clock = now.Now
	return h
}
