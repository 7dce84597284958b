// Package firewall knows what must be open, limited and forwarded on a host, in no firewall's language, and renders it for
// one kind of firewall per file. It does no I/O and knows nothing of SSH.
package firewall

import (
	"net/netip"

	"postern/remote"
	"postern/seen"
	"postern/site"
)

// Tag marks every rule of ours, as the first word of its comment.
const Tag = "postern"

// Allow admits traffic to the host itself.
type Allow struct {
	Name  string         // what it is: ssh, smtp, imaps, tunnel …; the rule's comment reads "postern NAME"
	Proto string         // tcp or udp; "" is any protocol
	Port  int            // 0 is any port
	From  []netip.Prefix // the sources; nil is everyone, over both families
	In    string         // the interface it arrives on; "" is any
	To    netip.Addr     // the local address; invalid is any
}

// Out lets the host itself reach others, where what goes out is denied.
type Out struct {
	Name  string
	Proto string // "" is any
	Port  int    // 0 is any
	On    string // the interface it leaves by; "" is any
}

// Forward sends what arrives for a public port to another host (DNAT) and lets it, and only it, through.
type Forward struct {
	Name  string
	Proto string
	In    string         // the public interface
	To    netip.AddrPort // the local address and port it arrives at
	Dest  netip.AddrPort // where it goes
	Out   string         // the interface towards Dest
	From  []netip.Prefix // the sources; nil is everyone
}

// Leave lets what another host sends out into the world from an address of this one (SNAT), and nothing else of it.
type Leave struct {
	Name  string
	Proto string
	In    string // the interface from the other host
	Out   string // the public interface
	From  netip.Addr
	Port  int        // in the world
	As    netip.Addr // the address of this host that it leaves from
}

// Behind is a network on the host itself, such as that of its jails: it reaches the world by an address of the host, and what is let in to it
// has rules of its own, in anchors that the firewall asks.
type Behind struct {
	Net netip.Prefix
	Out string     // the public interface
	As  netip.Addr // the address of this host that it leaves from
}

// Policy says what one host admits and forwards; all else that comes in is denied. Whether what goes out is, the host's owner chose.
// The zero Policy wants nothing of ours: rendering it takes our rules away and leaves the rest.
type Policy struct {
	Host        string
	Enable      bool // the firewall is to be active with deny incoming, deny forwarding
	Allows      []Allow
	denyOut     bool
	Private     []Allow // ports that are for some only, though no rule of ours admits these by their port
	Outs        []Out   // nothing is made of them where all that goes out is allowed
	Forwards    []Forward
	Leaves      []Leave
	Behind      []Behind
	Masquerade  bool     // hide clients behind the tunnel address, as the guide does
	ClampMSS    string   // the tunnel's interface: TCP through it gets its MSS clamped to the path; "" for no clamp
	KeepForward bool     // leave a global ACCEPT of forwarding that the guide made
	AdoptRules  bool     // untagged rules that equal ours become ours
	First       []string // ports, as "25/tcp", at which ours come before rules of other people that refuse them
	Main        string   // what may be done to a main file that is somebody else's, where a firewall has one (pf.conf): advise, anchors or own

	// What to do with what a hand-made setup after the guide left behind.
	GuideNAT     string   // its NAT block in before.rules: "replace" (or "", "adopt") puts our own chains in its place, "keep" leaves it
	ReplaceRules bool     // its untagged rules that none of ours equals go away
	ReplaceFound bool     // the same, on a host where its NAT block or its rule for GuideMark tells that it was followed
	GuidePorts   []string // the ports its text opens, as "587/tcp"
	GuideMark    string   // the port among them that people open for the guide alone: the tunnel's
}

// Rendering is a Policy in one firewall's language, against what was found on the host.
type Rendering struct {
	First   []remote.Change // what changes nothing that runs, and must be there before the rest is planned: then Changes are empty
	Changes []remote.Change
	Hand    Hand
	Foreign []string               // rules of other people, which stay, as their firewall prints them
	Gone    []string               // rules of ours that are no longer wanted
	Notes   []string               // what the operator should know: one sentence each
	LockOut []string               // reasons why the operator would certainly be locked out; empty is the normal case
	Lets    func(seen.Packet) bool // whether a packet gets in, or through to where it goes out, once it is in place
}

// Hand is what is wanted in a main file that nobody but the operator writes.
type Hand struct {
	Path  string
	Lines string // to be added, in the order in which they must stand; "" is none
	Text  string // where each of them belongs, in sentences
}

// Backend renders Policies for one kind of firewall.
type Backend struct {
	Package string                                        // what it is to a package manager, and to the tools that were seen
	Fits    func(seen.Host) bool                          // whether hosts such as this one are set up with it
	Reads   func(*site.Site, *site.Host) []remote.Query   // what Render needs to know of the host
	Barred  func(remote.Facts) string                     // why its package cannot be installed there, with the way out; "" when it can
	Ahead   func(Policy, remote.Facts) []string           // what others have there that would be asked before it, one sentence each
	Render  func(Policy, remote.Facts) (Rendering, error) // plans the changes from what was found to what is wanted; none when it is in place
}

var backends []Backend

// Register adds a backend to those that hosts are fitted with; two of one package are a mistake of ours, and panic.
func Register(b Backend) {
	for _, other := range backends {
		if other.Package == b.Package {
			panic("firewall: two backends named " + b.Package)
		}
	}
	backends = append(backends, b)
}

// For is the backend that fits a host as it was seen.
func For(host seen.Host) (Backend, bool) {
	for _, b := range backends {
		if b.Fits(host) {
			return b, true
		}
	}
	return Backend{}, false
}

// Reads lists what the backends need to know of a host that nobody has seen yet.
func Reads(s *site.Site, h *site.Host) []remote.Query {
	var queries []remote.Query
	for _, b := range backends {
		queries = append(queries, b.Reads(s, h)...)
	}
	return queries
}
