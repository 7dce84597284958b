package remote

import (
	"context"
	"strings"
)

// Status is how a host stands between two decisions.
type Status struct {
	ID      string // the transaction that is open; empty when none is
	State   string // READY, ARMED, CONFIRMED, ROLLING, STUCK, ROLLEDBACK or PERSISTED
	Why     string // of ROLLING, ROLLEDBACK and STUCK: as in ErrRolledBack
	Applied bool   // all of it is in place, and it may be confirmed
	Owner   Text   // who holds the host
	Agent   string // the version of the agent that holds it
	Job     Text   // who is preparing; empty when nobody is
	Ended   []Ended
}

// Ended is how one transaction ended.
type Ended struct {
	ID   string
	Kept bool
	Why  string // why it was taken back
}

// Of is how the transaction of that ID stands; ok is false when the host knows nothing of it, and then it changed nothing.
func (s Status) Of(id string) (e Ended, open, ok bool) {
	if s.ID == id {
		return Ended{ID: id, Kept: s.State == "CONFIRMED" || s.State == "PERSISTED", Why: s.Why}, s.State == "ARMED" || s.State == "READY", true
	}
	for _, e := range s.Ended {
		if e.ID == id {
			return e, false, true
		}
	}
	return Ended{}, false, false
}

// Status asks the host what is open, who holds it and how the last transactions ended, newest first. It writes nothing.
func (s *Session) Status(ctx context.Context) (Status, error) {
	r, err := s.sh(ctx, "set -- status\n"+s.agent(), nil)
	if err != nil {
		return Status{}, err
	}
	return parseStatus(r.Out), nil
}

func parseStatus(out string) Status {
	var st Status
	var owner, job []string
	for line := range strings.Lines(out) {
		word, rest, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		switch word {
		case "open":
			f := strings.Fields(Clean(rest).Line(200) + " ")
			f = append(f, "", "", "")
			st.ID, st.State, st.Why = f[0], f[1], f[2]
		case "applied":
			st.Applied = true
		case "agent":
			st.Agent = Clean(rest).Line(20)
		case "owner":
			owner = append(owner, rest)
		case "job":
			job = append(job, rest)
		case "ended":
			how, id, _ := strings.Cut(Clean(rest).Line(200), ".")
			id, why, _ := strings.Cut(id, ".")
			st.Ended = append(st.Ended, Ended{ID: id, Kept: how == "PERSISTED", Why: why})
		}
	}
	st.Owner, st.Job = Clean(strings.Join(owner, "\n")), Clean(strings.Join(job, "\n"))
	return st
}
