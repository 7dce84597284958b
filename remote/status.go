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
	Job     string // the ID of the job at work, or of one that died at it; empty when there is none
	Doing   []Text // the titles of its changes
	Dead    bool   // it died, as in a reboot
	Ended   []Ended
}

// Ended is how one transaction ended.
type Ended struct {
	ID   string
	Kept bool
	Why  string // why it was taken back
}

// Held says whether somebody is changing the host, or left a change open on it.
func (s Status) Held() bool { return s.ID != "" || s.Job != "" && !s.Dead }

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

// ReadStatus is the query for how a host stands, which ParseStatus reads. The agent that was left on the host last tells.
var ReadStatus = ReadShared("status", `cd `+stateDir+` 2>/dev/null && for a in open/agent $(ls -t done.*/agent job.*/agent 2>/dev/null); do
	[ -f "$a" ] && /bin/sh "`+stateDir+`/$a" status && break
done || :`)

// ReadBoot is the query for which boot of a host this is: what it prints is another once the host was started anew.
var ReadBoot = ReadShared("boot-id", "{ read -r b </proc/sys/kernel/random/boot_id && echo \"$b\"; } 2>/dev/null || sysctl -n kern.boottime")

// Status asks the host what is open, who holds it and how the last transactions ended, newest first. It writes nothing.
func (s *Session) Status(ctx context.Context) (Status, error) {
	r, err := s.sh(ctx, "set -- status\n"+s.agent(), nil)
	if err != nil {
		return Status{}, err
	}
	return ParseStatus(r.Out), nil
}

// ParseStatus reads the answer to ReadStatus. Nothing in it is trusted.
func ParseStatus(out string) Status {
	var st Status
	var owner []string
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
		case "work", "dead":
			st.Job, _, _ = strings.Cut(Clean(rest).Line(64), " ")
			st.Dead, st.Doing = word == "dead", nil
		case "doing":
			st.Doing = append(st.Doing, Clean(rest))
		case "ended":
			how, id, _ := strings.Cut(Clean(rest).Line(200), ".")
			id, why, _ := strings.Cut(id, ".")
			st.Ended = append(st.Ended, Ended{ID: id, Kept: how == "PERSISTED", Why: why})
		}
	}
	st.Owner = Clean(strings.Join(owner, "\n"))
	return st
}
