package path

import (
	"net/netip"
	"time"

	"postern/checks"
)

// Diagnosis is how far the packets of one port come, over one family.
type Diagnosis struct {
	Name       string     `json:"name"` // imaps, 993/tcp over IPv4
	Hops       []Hop      `json:"hops"`
	Broken     int        `json:"broken"`       // the first hop that breaks; -1 when none is known to
	Words      string     `json:"words"`        // what is so, in one line
	Action     string     `json:"action"`       // the one thing to do; "" when there is nothing to do
	On         string     `json:"on,omitempty"` // the host to do it on
	Confidence Confidence `json:"confidence"`
	Settles    string     `json:"settles,omitempty"` // what would settle it, where it is not certain
	Signals    Signals    `json:"signals"`
}

// Hop is one place on the way.
type Hop struct {
	Name     string `json:"name"`
	State    State  `json:"state"`
	Evidence string `json:"evidence,omitempty"`
}

// State is what is known of a hop.
type State string

// The states. Unknown is never passed and never broken: it was not reached, or could not be seen.
const (
	Passed  State = "passed"
	Broken  State = "broken"
	Unknown State = "unknown"
)

// Confidence is how sure a diagnosis is.
type Confidence string

// The confidences: measured at both sides of the hop, or at one, or not at all.
const (
	Certain Confidence = "certain"
	Likely  Confidence = "likely"
	Open    Confidence = "open"
)

// Outcome is what a diagnosis comes to, as of a check.
func (d Diagnosis) Outcome() checks.Outcome {
	switch {
	case d.Broken >= 0:
		return checks.Fail
	case d.Confidence == Open && d.Signals.without6():
		return checks.Skip
	case d.Confidence == Open:
		return checks.Unknown
	}
	return checks.OK
}

// Signals are all that was measured: what a diagnosis is made of.
type Signals struct {
	At        time.Time      `json:"at"`
	Service   string         `json:"service"` // "" for a port that the site does not offer
	Proto     string         `json:"proto"`
	From      string         `json:"from"`            // where it was asked from
	Client    netip.Addr     `json:"client,omitzero"` // whom the proxy sees come from there, where that is known
	Public    netip.AddrPort `json:"public"`          // where the world comes to
	Target    netip.AddrPort `json:"target"`          // where it should come out
	Forwarded bool           `json:"forwarded"`
	Sources   []netip.Prefix `json:"sources,omitempty"` // the only ones that it is offered to
	Blind     string         `json:"blind,omitempty"`   // why it cannot be judged from there
	Interface string         `json:"interface"`         // of the tunnel
	UDP       int            `json:"udp"`               // the tunnel's port
	Dial      Dial           `json:"dial"`
	Others    []Dial         `json:"others"` // the same port of others, from the same place
	Proxy     Side           `json:"proxy"`
	Mail      Side           `json:"mail,omitzero"`
	Large     string         `json:"large,omitempty"`  // that full packets do not fit through the tunnel
	Answer    string         `json:"answer,omitempty"` // the answer that mends that
}

// Dial is one dial, and what it met.
type Dial struct {
	To     string        `json:"to"`
	Answer checks.Answer `json:"answer"`
	Why    string        `json:"why,omitempty"`
	MS     int64         `json:"ms"`
}

// Side is what was measured on one host.
type Side struct {
	Host     string   `json:"host"`
	Error    string   `json:"error,omitempty"` // why nothing could be seen pass there
	Device   string   `json:"device"`          // of the default route
	Captured Captured `json:"captured"`
	Begins   Rule     `json:"begins,omitzero"`  // what its rules make of the packet, before it is known where that goes
	Sent     Rule     `json:"sent,omitzero"`    // how they translate it
	Lets     Rule     `json:"lets,omitzero"`    // whether they let it in, or on
	Back     Rule     `json:"back,omitzero"`    // whether they let its answer go
	Carrier  Rule     `json:"carrier,omitzero"` // whether they let the tunnel's own packets out, or in
	Stops    string   `json:"stops,omitempty"`  // the setting by which it sends nothing on
	Routed   string   `json:"routed,omitempty"` // the policy rule that takes its answers elsewhere
	Listener string   `json:"listener,omitempty"`
	Aside    []string `json:"aside,omitempty"`    // who listens at the port, and not where it is wanted
	Docker   string   `json:"docker,omitempty"`   // the container that the port is published for
	Idle     string   `json:"idle,omitempty"`     // a container that should publish it and does not run
	IdleWhy  string   `json:"idle_why,omitempty"` // as Docker tells
	End      End      `json:"end"`
}

// Rule is what decides about a packet, and how to take it away where it is somebody else's.
type Rule struct {
	Verdict string `json:"verdict"`
	Text    string `json:"text"`
	To      string `json:"to,omitempty"`
	Doubt   string `json:"doubt,omitempty"` // a rule that may refuse it: whether it fits cannot be told
	Whose   string `json:"whose,omitempty"`
	File    string `json:"file,omitempty"` // that brings it back at boot
	Undo    string `json:"undo,omitempty"` // what to type
}

// End is one end of the tunnel.
type End struct {
	Error     string         `json:"error,omitempty"`
	Set       bool           `json:"set"`  // its file is there
	Runs      bool           `json:"runs"` // the interface is up
	Unit      string         `json:"unit"` // what systemd says of it
	Key       string         `json:"key,omitempty"`
	Peer      string         `json:"peer,omitempty"` // the key of the other end, as this one knows it
	Shared    string         `json:"shared,omitempty"`
	Port      int            `json:"port"`
	Endpoint  netip.AddrPort `json:"endpoint,omitzero"`
	Handshake time.Time      `json:"handshake,omitzero"`
	Now       time.Time      `json:"now,omitzero"`
	Written   bool           `json:"written"` // its file has the endpoint that is wanted
	Allows    bool           `json:"allows"`  // the peer may send what comes from the client, or take it
	Rx, Tx    [2]int64       // before and after
}

// heard says whether the end received something that proved its key meanwhile.
func (e End) heard() bool { return e.Runs && e.Rx[1] > e.Rx[0] }

// count counts packets of the kind that go to, or come from, an address and port. What is not valid or 0 is not asked about.
func (s Side) count(out bool, device string, kind Kind, src, dst netip.AddrPort) int {
	fits := func(want, is netip.AddrPort) bool {
		return (!want.Addr().IsValid() || want.Addr() == is.Addr().Unmap()) && (want.Port() == 0 || want.Port() == is.Port())
	}
	return s.Captured.Count(func(p Packet) bool {
		return p.Out == out && p.Kind == kind && (device == "" || device == p.Device) && fits(src, p.Src) && fits(dst, p.Dst)
	})
}
