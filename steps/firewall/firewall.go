// Package firewall knows what must be open, limited and forwarded on a host, in no firewall's language, and renders it for
// one kind of firewall per file. It does no I/O and knows nothing of SSH.
package firewall

import (
	"net/netip"
	"sort"

	"postern/remote"
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

// Policy says what one host admits and forwards; all else that comes in is denied, all that goes out is allowed.
// The zero Policy wants nothing of ours: rendering it takes our rules away and leaves the rest.
type Policy struct {
	Host        string
	Enable      bool // the firewall is to be active with deny incoming, allow outgoing, deny forwarding
	Allows      []Allow
	Forwards    []Forward
	Masquerade  bool   // hide clients behind the tunnel address, as the guide does
	ClampMSS    string // the tunnel's interface: TCP through it gets its MSS clamped to the path; "" for no clamp
	KeepForward bool   // leave a global ACCEPT of forwarding that the guide made
	AdoptRules  bool   // untagged rules that equal ours become ours

	// What to do with what a hand-made setup after the guide left behind.
	GuideNAT     string   // its NAT block in before.rules: "replace" (or "", "adopt") puts our own chains in its place, "keep" leaves it
	ReplaceRules bool     // its untagged rules that none of ours equals go away
	ReplaceFound bool     // the same, on a host where its NAT block or its rule for GuideMark tells that it was followed
	GuidePorts   []string // the ports its text opens, as "587/tcp"
	GuideMark    string   // the port among them that people open for the guide alone: the tunnel's
}

// Rendering is a Policy in one firewall's language, against what was found on the host.
type Rendering struct {
	Changes []remote.Change
	Foreign []string // rules of other people, which stay, as their firewall prints them
	Gone    []string // rules of ours that are no longer wanted
	Notes   []string // what the operator should know: one sentence each
	LockOut []string // reasons why the operator would certainly be locked out; empty is the normal case
}

// Way is how the operator is connected now: the firewall must go on admitting it.
type Way struct {
	Source netip.Addr // where the SSH connection comes from, as the host sees it
	Port   int        // the port it comes to
}

// Backend renders Policies for one kind of firewall.
type Backend interface {
	// Reads lists what Render needs to know of the host.
	Reads() []remote.Query
	// Render plans the changes from what was found to what is wanted; none when it is in place. An error says that the
	// host is in a state that we must not touch, and what to do about it.
	Render(want Policy, way []Way, found remote.Facts) (Rendering, error)
}

var backends = map[string]Backend{}

func register(name string, b Backend) {
	if _, dup := backends[name]; dup {
		panic("firewall: two backends named " + name)
	}
	backends[name] = b
}

// For is the backend of that name ("ufw"), or nil.
func For(name string) Backend { return backends[name] }

// Names lists the backends, sorted.
func Names() []string {
	var names []string
	for name := range backends {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
