// Package run drives the six verbs over the hosts of a site: it looks, plans, changes under guard, and proves. It joins a
// step's proof IDs to checks; it draws nothing, decides nothing that a step or a check should decide, and asks only
// through the functions it is given.
package run

import (
	"context"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/site"
	"postern/steps"
)

// Runner is one run over one site. Fill it, then call its verbs; Close it at the end.
type Runner struct {
	Site     *site.Site
	Connect  func(context.Context, remote.Target) (Login, error)  // logs in, the first time and to prove that one still can
	Here     remote.Dialer                                        // dials from where the program runs
	Diary    Diary                                                // remembers when the hosts let us in
	Trusts   *x509.CertPool                                       // whose certificates count here; nil: those that this machine knows
	Reach    Reaching                                             // logs in by another way; nil where a port is dialled instead
	Clock    func() time.Time                                     // now
	NewID    func() string                                        // a fresh transaction ID: letters and digits
	Operator string                                               // who runs this and where, told to a second operator
	Deadline time.Duration                                        // of the guard, beside what the changes may take
	Longest  time.Duration                                        // the deadline where hosts are slow; 0: no longer than Deadline
	Packet   bool                                                 // the operator agreed that hosts tell of packets of port 25 that pass them
	SendTo   []string                                             // to whom the operator agreed that Check sends messages
	Accept   map[string]bool                                      // named risks taken in advance: lose-ssh
	Emit     func(steps.Event)                                    // progress
	Result   func(checks.Result)                                  // results as they come; may be nil
	Approve  func(context.Context, *Proposal) (bool, error)       // asked before each set of changes; must have shown it
	Ask      func(context.Context, remote.Prompt) (string, error) // asked for the secrets that changes need
	Saved    func(*site.Site) error                               // keeps the answers with their new revision, here
	Answered func(key, value string) error                        // keeps an answer that the run gave itself, here; may be nil

	mu        sync.Mutex // Emit and Result, one at a time
	hosts     map[string]*host
	recent    *recent    // the look that the plans were made of, until something is changed
	left      *site.Site // as the last run left it on the hosts; nil when they have none
	toldEnded bool       // how the last change of each host ended was looked at
	done      promises   // when it was last planned, and by what was kept since
	visits    *diary     // when the hosts let us in; see Runner.diary
	begun     int        // sets of changes: after each, what was known of the ways in is old
	behind    bool       // the hosts had these answers already under a newer revision, which is taken over

	boots   map[string]string // which boot of each host it was when it was asked what works
	anew    []string          // those that were started anew since, as far as a look told
	lags    []string          // those that have not made last yet what was confirmed
	slowest time.Duration     // that looking or asking the checks took so far
}

// Proposal is what would be done: shown first, then done.
type Proposal struct {
	Site    *site.Site      // with what was detected filled in
	Look    steps.Look      // what was seen on the hosts
	Plans   []steps.Plan    // one per step asked for, in order
	Undo    bool            // the plans take things back
	Stays   []string        // undo only: what is left on the hosts, and why
	Guard   time.Duration   // after this the hosts take it back by themselves
	Inert   bool            // the next approval is for the inert parts only
	Last    bool            // they are made last
	proof   []checks.Check  // asked before and after
	open    []string        // hosts on which a change is open
	waiting bool            // a chapter waits for what is guarded, and is planned anew then
	waits   map[string]bool // those that do
	named   bool            // chapters were asked for by their names
}

// Empty says whether the hosts need no change.
func (p *Proposal) Empty() bool { return len(p.Parts(true)) == 0 && len(p.Parts(false)) == 0 }

// Parts are the changes per host, the steps' changes joined in order; only the guarded ones, or only the inert ones that are
// made next: those that are made last when there are no others, and nothing guarded, left.
func (p *Proposal) Parts(inert bool) []steps.Part {
	parts := p.joined(inert, false)
	if inert && len(parts)+len(p.joined(false, false)) == 0 {
		return p.joined(true, true)
	}
	return parts
}

// joined are the parts of one kind.
func (p *Proposal) joined(inert, last bool) []steps.Part {
	var parts []steps.Part
	for _, h := range p.Site.Hosts {
		part := steps.Part{Host: h.Name, Inert: inert, Last: last}
		for _, plan := range p.Plans {
			for _, one := range plan.Parts {
				if one.Host != h.Name || one.Inert != inert || one.Last != last {
					continue
				}
				for _, c := range one.Changes {
					if c.Step == "" {
						c.Step = plan.Step
					}
					part.Changes = append(part.Changes, c)
				}
			}
		}
		if len(part.Changes) > 0 {
			parts = append(parts, part)
		}
	}
	return parts
}

// LockOut lists why the operator would certainly be locked out.
func (p *Proposal) LockOut() []string {
	var why []string
	for _, plan := range p.Plans {
		why = append(why, plan.LockOut...)
	}
	return why
}

// Refused lists why the plan must not be done at all: once each, though it is so for every chapter.
func (p *Proposal) Refused() []string {
	var why []string
	for _, plan := range p.Plans {
		list := plan.Refused
		if p.named {
			list = slices.Concat(list, plan.Foreign)
		}
		for _, one := range list {
			if !slices.Contains(why, one) {
				why = append(why, one)
			}
		}
	}
	return why
}

// LeftOut lists why chapters that nobody named are left out: they are not done on the system of a host, and hold no other up.
func (p *Proposal) LeftOut() (why []string) {
	for _, plan := range p.Plans {
		if step, _ := steps.Find(plan.Step); !p.named && len(plan.Foreign) > 0 {
			why = append(why, step.Title+": "+strings.Join(plan.Foreign, "; "))
		}
	}
	return why
}

// Outcome is how a change ended.
type Outcome struct {
	Changed    bool            // something was changed and confirmed
	Empty      bool            // everything was in place already, and was proven where a check is
	Declined   bool            // the operator said no; nothing guarded was changed
	RolledBack []string        // hosts that took their change back
	Results    []checks.Result // the proof
	Tasks      []steps.Task    // what is left for a person
	LeftOut    []string        // why chapters that nobody named were left out
}

// Errors a caller branches on.
var (
	ErrRefused    = errors.New("refused before anything was changed")
	ErrRolledBack = errors.New("the change was taken back")
	ErrStale      = errors.New("the hosts have newer answers")
	ErrUntold     = errors.New("what became of the change could not be seen")
)
