// Package checks asks a running site whether it works: one question per check, from every place it must be asked from.
// It looks and never changes anything, and it does not know how a step makes things so.
package checks

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"time"

	"postern/remote"
	"postern/site"
)

// Outcome is what a check found.
type Outcome string

// The outcomes. Unknown is never ok and never fail: it could not be asked. Skip means not applicable.
const (
	OK      Outcome = "ok"
	Warn    Outcome = "warn"
	Fail    Outcome = "fail"
	Unknown Outcome = "unknown"
	Skip    Outcome = "skip"
)

// Here is the place where the program runs; the other places are names of hosts.
const Here = "here"

// Result is one answer. Every outcome but OK and Skip says what was wanted, what is likely, and what mends it.
type Result struct {
	ID       string // the check's ID, with a suffix where it asks about several things: firewall.open.imaps
	Step     string // the chapter
	From     string // here, or the host it was asked from
	Outcome  Outcome
	Saw      remote.Text
	Want     string
	Likely   string
	Fix      string // the step whose plan mends it, or a sentence for a person
	Answer   string // the answer with which that plan mends it, key=value, or with which the firewall keeps the world off what is grave; "" when it is none of those given
	Type     string // the command with which a person mends it on the host; "" when there is none, or the plan does
	Evidence remote.Text
	Took     time.Duration
	Records  []Record // of the DNS, that it is about
	Signals  any      // raw, all that the answer was made of; nil where the evidence is that. It goes to JSON
	Grave    bool     // failed, and harms the site or others as long as it stands: a change that brings it is taken back, whatever was known before
	Rests    []string // what it rests on, where that is less than what its check does: ID, ID@place, or ID@ for its own place
	Vacant   bool     // ok, but nothing on the host answered: a throw-away listener stood in for a service that is not there
}

// Record is one DNS record that is wanted, and what is there now: "ok" ("ok: VALUE" where another does as well), "missing",
// "other: VALUE" in its place, or "also: VALUE" beside it.
type Record struct {
	Name, Type, Value string
	Now               remote.Text
}

// Key tells one question from another between two runs: the ID and the place it was asked from.
func (r Result) Key() string { return r.ID + "@" + r.From }

// Vantage is one place to look from.
type Vantage struct {
	Name   string
	Facts  remote.Facts                                                                 // of Reads; empty for Here
	Err    error                                                                        // why the host could not be looked at; nil when it was
	Dial   remote.Dialer                                                                // opens connections from this place
	Listen func(ctx context.Context, network, address string) (*remote.Listener, error) // a throw-away listener on the host; nil for Here
	Run    func(context.Context, remote.Query) (remote.Answer, error)                   // a read-only snippet, as root; nil for Here
	Alive  func(context.Context) error                                                  // waits for a sign of life over the login; nil for Here
	Trusts *x509.CertPool                                                               // whose certificates it trusts; nil: those that the machine knows
	Login  func(ctx context.Context, over remote.Dialer, to netip.AddrPort) error       // logs in to the host once more, by another way; nil where its port is dialled instead
}

// Env is all a check may touch.
type Env struct {
	Site   *site.Site // with what was detected filled in
	Now    time.Time
	Here   *Vantage
	HereIs string                                                 // the host the program runs on, "" when it is neither
	Hosts  map[string]*Vantage                                    // by host name
	Clock  func() time.Time                                       // measures how long things take; nil means that nobody wants to know
	SendTo []string                                               // to whom the operator agreed that messages be sent; where there is nobody, none is
	Word   string                                                 // tells these messages from all others; nobody can guess it
	Saved  []byte                                                 // a message as its receiver saved it; nil where nobody gave one
	Packet bool                                                   // the operator agreed that hosts tell of the packets of port 25 that pass them, while they are asked
	Names  *net.Resolver                                          // looks names up for that message, from where the program runs
	Whose  func(network uint32, reverse string) (id, name string) // the hoster that has a network (AS) or gives such names, "" when none is known; may be nil
	Hasty  bool                                                   // asked only to be compared with later: a silent port counts as closed sooner, which makes that stricter

	asked memory // what was dialled and asked during one Run
}

// Page is what a person may want to know of a check, in plain sentences; an answer that the check never gives has none.
type Page struct {
	Asks                          string // what is asked, and from where
	OK, Warn, Fail, Unknown, Skip string // what each answer means
	Mends                         string // what to do about it
}

// Check is one question to a running site.
type Check struct {
	ID    string
	Step  string
	Title string
	Page  Page
	Guide string                                      // the guide's chapter and heading, or the RFC
	Reads func(*site.Site, *site.Host) []remote.Query // what it wants to know of a host, all checks' in one round trip
	Ask   func(context.Context, *Env) []Result        // its own timeouts; returns promptly when ctx ends

	Layout  string // the only layout that it is for; "" is any
	Outside bool   // it asks the world's side alone, so it is asked whichever chapter provides what it asks about

	Rests   []string      // the checks that it rests on, nearest first: ID, or ID@ where only the same place counts
	Settles time.Duration // how long after a change it may take until it is ok; 0 means Usual
	Way     bool          // it asks whether one gets in at all, which must hold whatever is undone
	Beyond  bool          // it asks what no change to a host makes or breaks, such as a record of the DNS: asked on its own, and never around a change
}

// Usual is how long most checks may take to settle: a first handshake, a service that was started anew.
const Usual = 20 * time.Second

var all []Check

// Register takes in a check of a family; two of one name are a defect.
func Register(c Check) {
	for _, other := range all {
		if other.ID == c.ID {
			panic(fmt.Sprintf("checks: two checks named %q", c.ID))
		}
	}
	c.Settles = cmp.Or(c.Settles, Usual)
	all = append(all, c)
	sort.Slice(all, func(i, j int) bool { return all[i].ID < all[j].ID })
}

// All lists the checks, sorted by ID.
func All() []Check { return append([]Check(nil), all...) }

// Of is the check that a result's ID belongs to: firewall.open for firewall.open.imaps.
func Of(id string) (Check, bool) { return Among(all, id) }

// Among is Of in a list.
func Among(list []Check, id string) (Check, bool) {
	for ; id != ""; id = id[:max(0, strings.LastIndexByte(id, '.'))] {
		if at := slices.IndexFunc(list, func(c Check) bool { return c.ID == id }); at >= 0 {
			return list[at], true
		}
	}
	return Check{}, false
}

// Find is the check of that ID.
func Find(id string) (Check, bool) {
	for _, c := range all {
		if c.ID == id {
			return c, true
		}
	}
	return Check{}, false
}
