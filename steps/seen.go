package steps

import (
	"net/netip"

	"postern/steps/firewall"
)

// Seen is what one look told about a host, parsed. Zero values mean that it could not be told.
type Seen struct {
	System    string         // linux, freebsd …
	Distro    string         // ID of os-release: debian, ubuntu …
	Release   string         // VERSION_ID of os-release
	Init      string         // systemd or other
	Interface string         // of the default route over IPv4
	Address4  netip.Prefix   // on that interface, with its prefix: where packets arrive (the public address may be another, behind 1:1 NAT)
	Address6  []netip.Prefix // global ones on that interface
	Ways      []firewall.Way // how the operator is connected now, and every port sshd listens on
	Listeners []Listening
	Docker    bool
	Memory    int64 // bytes
	Disk      int64 // bytes free on /
	Ufw       bool  // installed
	WireGuard bool  // wg and wg-quick are installed
	Module    bool  // the kernel has WireGuard, so that wireguard-go is not needed
}

// Listening is one TCP or UDP listener of a host.
type Listening struct {
	Proto   string
	Addr    netip.AddrPort
	Process string // may be empty
}
