// Package steps knows the guide's chapters: what each asks, what it must see on the hosts, what it would change there, and
// which checks prove it. It plans only: it does no I/O, has no clock, and does not know how a check works.
package steps

import (
	"fmt"
	"net/netip"
	"sort"
	"time"

	"postern/remote"
	"postern/site"
)

// Look is what was seen on the hosts, by host name.
type Look map[string]remote.Facts

// Step is one chapter of the guide.
type Step struct {
	ID      string // network, firewall, wireguard …
	Chapter int    // 1 to 7; the order of the steps
	Title   string
	Why     string                                       // what it is for, in two or three plain sentences
	Guide   string                                       // the guide's chapter and heading it mirrors
	Fields  func(*site.Site) []string                    // the keys it asks, in order
	Needs   []string                                     // those of them without which nothing can be said, though another chapter may leave them empty
	Reads   func(*site.Site, *site.Host) []remote.Query  // what it must see; none for a host it does not touch
	Plan    func(*site.Site, Look) Plan                  // what is still needed; the site has what was detected filled in
	Strip   func(*site.Site, Look, map[string]bool) Plan // takes our part out of the paths named, which others edited since; may be nil
	Carries func(*site.Site) netip.Prefix                // the network it makes: undone, it cuts off who came through that; may be nil
	Proof   []string                                     // IDs of the checks that prove it
	people  bool                                         // no host is changed for it
}

// OfAnswers says whether its plan is made of the answers, as no host is changed for it: it is tasks for a person, which checks may
// measure. What was seen fills them in at most; it plans without that, too.
func (s Step) OfAnswers() bool { return s.people }

// Plan is what a step still needs. An empty one means that the step is in place.
type Plan struct {
	Step    string
	Parts   []Part
	Tasks   []Task
	Notes   []Note
	After   []string // what is so once the guarded parts are kept, in plain words: who reaches what, and from where SSH stays open
	Then    []string // what will be planned once the inert parts are in place and looked at
	More    bool     // once the guarded parts are kept it is planned again: something comes last that depends on them
	Skipped string   // why the chapter does not apply to the site; then there is nothing else
	Refused []string // why this must not be done at all: one clear line each
	Foreign []string // why it is not done on the system of a host, and what to do instead: it holds no other chapter up
	LockOut []string // why the operator would certainly be locked out; needs the named acceptance
}

// Empty says whether the hosts need no change. What is skipped is empty, too.
func (p Plan) Empty() bool { return len(p.Parts)+len(p.Refused)+len(p.Foreign) == 0 }

// Part is the changes for one host, applied as one transaction.
type Part struct {
	Host    string
	Inert   bool // a job of the host's own, without a guard, because it cuts nobody off: packages, key files. Made first, then looked at again
	Last    bool // an inert part that is made once the guarded ones are kept, such as what takes minutes and needs them
	Changes []remote.Change
}

// Task is something only a person can do, such as a click in a panel or a call.
type Task struct {
	ID     string
	Title  string
	Text   string   // what to do, in sentences
	Copy   string   // text to copy, may be empty
	Check  string   // the check that tells when it is done; "" when nothing can measure it
	Found  string   // what its check saw, and whether that was ok; run fills both in when it has asked
	Now    []string // each record that it is about, and what is there now; run fills it in as well
	Proven bool
	Done   string // the date on which a person marked it as done by hand, such as 2026-11-21; run fills it in from the answers
}

// Note is something found that the operator should know.
type Note struct {
	Host string
	Warn bool
	Text string
}

// Event is one line of progress; the wizard, line mode and the log draw the same Events.
type Event struct {
	At      time.Time     `json:"at"`
	Kind    string        `json:"kind"` // connect, look, plan, change, guard, prove, confirm, cancel, rollback, note, warn, error, done
	Step    string        `json:"step,omitempty"`
	Host    string        `json:"host,omitempty"`
	N       int           `json:"n,omitempty"` // n of Of
	Of      int           `json:"of,omitempty"`
	Text    string        `json:"text"`
	Elapsed time.Duration `json:"elapsed,omitempty"`
}

var all []Step

func register(s Step) {
	for _, other := range all {
		if other.ID == s.ID {
			panic(fmt.Sprintf("steps: two steps named %q", s.ID))
		}
	}
	all = append(all, skipping(s))
	sort.Slice(all, func(i, j int) bool { return all[i].Chapter < all[j].Chapter })
}

// All lists the steps in the guide's order.
func All() []Step { return append([]Step(nil), all...) }

// Find is the step of that ID.
func Find(id string) (Step, bool) {
	for _, s := range all {
		if s.ID == id {
			return s, true
		}
	}
	return Step{}, false
}
