package main

import (
	"fmt"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/report"
	"postern/run"
	"postern/steps"
)

// schema is the version of every object printed with --json. It is counted up when a name or a meaning changes, not when
// a name is added.
const schema = 1

// failure is the object of a run that could not do what was asked.
type failure struct {
	Schema int      `json:"schema"`
	Error  string   `json:"error"`
	Hints  []string `json:"hints,omitempty"`
	Exit   int      `json:"exit"`
}

type planJSON struct {
	Schema  int        `json:"schema"`
	Empty   bool       `json:"empty"`
	Parts   []partJSON `json:"parts"`
	Tasks   []taskJSON `json:"tasks"`
	Notes   []noteJSON `json:"notes"`
	Then    []string   `json:"then"`
	After   []string   `json:"after"`
	Stays   []string   `json:"stays,omitempty"`
	Refused []string   `json:"refused"`
	LeftOut []string   `json:"left_out,omitempty"`
	LockOut []string   `json:"lock_out"`
}

type partJSON struct {
	Host    string       `json:"host"`
	Inert   bool         `json:"inert"`
	Changes []changeJSON `json:"changes"`
}

type changeJSON struct {
	ID        string  `json:"id"`
	Step      string  `json:"step"`
	Title     string  `json:"title"`
	Why       string  `json:"why"`
	File      string  `json:"file"`
	Old       *string `json:"old"` // null: the file is not there
	New       *string `json:"new"` // null: the file is removed
	Mode      string  `json:"mode"`
	Owner     string  `json:"owner"`
	OldMode   string  `json:"old_mode,omitempty"`
	OldOwner  string  `json:"old_owner,omitempty"`
	AtConfirm bool    `json:"at_confirm"`
	InTurn    bool    `json:"in_turn"`
	Test      string  `json:"test"`
	Do        string  `json:"do"`
	Undo      string  `json:"undo"`
	Keep      string  `json:"keep"`
	Risk      string  `json:"risk"`
}

type taskJSON struct {
	ID     string `json:"id"`
	Step   string `json:"step,omitempty"`
	Title  string `json:"title"`
	Text   string `json:"text"`
	Copy   string `json:"copy"`
	Check  string `json:"check"`
	Proven bool   `json:"proven,omitempty"` // its check was asked, and said ok
	Done   string `json:"done,omitempty"`   // the date on which a person marked it, by hand
}

type noteJSON struct {
	Step string `json:"step"`
	Host string `json:"host"`
	Warn bool   `json:"warn"`
	Text string `json:"text"`
}

func planObject(p *run.Proposal) planJSON {
	out := planJSON{Schema: schema, Empty: p.Empty(), Parts: []partJSON{}, Tasks: []taskJSON{}, Notes: []noteJSON{},
		Then: []string{}, After: []string{}, Stays: p.Stays, Refused: some(p.Refused()), LeftOut: p.LeftOut(), LockOut: some(p.LockOut())}
	for _, part := range append(p.Parts(true), p.Parts(false)...) {
		one := partJSON{Host: part.Host, Inert: part.Inert, Changes: []changeJSON{}}
		for _, c := range part.Changes {
			one.Changes = append(one.Changes, changeObject(c))
		}
		out.Parts = append(out.Parts, one)
	}
	for _, plan := range p.Plans {
		out.Then, out.After = append(out.Then, plan.Then...), append(out.After, plan.After...)
		out.Tasks = append(out.Tasks, taskObjects(plan.Step, plan.Tasks)...)
		for _, n := range plan.Notes {
			out.Notes = append(out.Notes, noteJSON{plan.Step, n.Host, n.Warn, n.Text})
		}
	}
	return out
}

func taskObjects(step string, tasks []steps.Task) []taskJSON {
	out := []taskJSON{}
	for _, t := range tasks {
		out = append(out, taskJSON{t.ID, step, t.Title, t.Text, t.Copy, t.Check, t.Proven, t.Done})
	}
	return out
}

func changeObject(c remote.Change) changeJSON {
	out := changeJSON{ID: c.ID, Step: c.Step, Title: c.Title, Why: c.Why, File: c.Path, AtConfirm: c.AtConfirm, InTurn: c.InTurn,
		Test: c.Test, Do: c.Do, Undo: c.Undo, Keep: c.Keep, Risk: string(c.Risk)}
	if c.Old != nil {
		out.Old, out.OldMode, out.OldOwner = &c.Old.Text, mode(c.Old), c.Old.Owner
	}
	if c.New != nil {
		out.New, out.Mode, out.Owner = &c.New.Text, mode(c.New), c.New.Owner
	}
	return out
}

// mode is a file's mode as chmod takes it.
func mode(f *remote.File) string { return fmt.Sprintf("%04o", f.Mode.Perm()) }

// some is never null in JSON.
func some(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

type resultJSON struct {
	ID       string `json:"id"`
	Step     string `json:"step"`
	From     string `json:"from"`
	Result   string `json:"result"`
	Saw      string `json:"saw"`
	Want     string `json:"want"`
	Likely   string `json:"likely"`
	Fix      string `json:"fix"`
	Answer   string `json:"answer,omitempty"`
	Evidence string `json:"evidence"`
	MS       int64  `json:"ms"`
	Signals  any    `json:"signals,omitempty"`
}

type checkJSON struct {
	Schema  int          `json:"schema"`
	At      time.Time    `json:"at"`
	Results []resultJSON `json:"results"`
	Causes  []causeJSON  `json:"causes"`
	Exit    int          `json:"exit"`
}

// causeJSON is a result that others follow from, by their keys: ID@place.
type causeJSON struct {
	Result  string   `json:"result"`
	Follows []string `json:"follows"`
	Action  string   `json:"action"`
	Fix     string   `json:"fix"`
	Answer  string   `json:"answer,omitempty"`
	Type    string   `json:"type,omitempty"`
}

func causeObjects(results []checks.Result) []causeJSON {
	out := []causeJSON{}
	for _, c := range checks.Causes(results) {
		one := causeJSON{c.Key(), []string{}, report.Fix(c.Result), c.Fix, c.Answer, c.Type}
		for _, r := range c.Follows {
			one.Follows = append(one.Follows, r.Key())
		}
		out = append(out, one)
	}
	return out
}

func resultObjects(results []checks.Result) []resultJSON {
	out := []resultJSON{}
	for _, r := range results {
		out = append(out, resultJSON{r.ID, r.Step, r.From, string(r.Outcome), r.Saw.String(), r.Want, r.Likely, r.Fix, r.Answer,
			r.Evidence.String(), r.Took.Milliseconds(), r.Signals})
	}
	return out
}

type outcomeJSON struct {
	Schema     int          `json:"schema"`
	Outcome    string       `json:"outcome"` // changed, in-place, declined, rolled-back, refused or failed
	RolledBack []string     `json:"rolled_back"`
	Results    []resultJSON `json:"results"`
	Tasks      []taskJSON   `json:"tasks"`
	Error      string       `json:"error,omitempty"`
	Log        string       `json:"log,omitempty"`
	Exit       int          `json:"exit"`
}

type eventJSON struct {
	At     time.Time `json:"at"`
	Event  string    `json:"event"`
	Step   string    `json:"step,omitempty"`
	Host   string    `json:"host,omitempty"`
	N      int       `json:"n,omitempty"`
	Of     int       `json:"of,omitempty"`
	Text   string    `json:"text"`
	Millis int64     `json:"ms"`
}

func eventOf(e steps.Event) eventJSON {
	return eventJSON{e.At, e.Kind, e.Step, e.Host, e.N, e.Of, remote.Clean(e.Text).String(), e.Elapsed.Milliseconds()}
}
