//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/remote"
	"postern/steps/does"
)

// strike is one thing that happens to the host while one change is made.
type strike struct {
	change string // the start of its ID within the table
	when   string // before its Do, in the middle of it, or after
	power  bool   // the power is cut; otherwise the agent and all it runs are killed
}

func (s strike) String() string {
	return fmt.Sprintf("%s %s %s", map[bool]string{true: "power cut", false: "agent killed"}[s.power], s.when, s.change)
}

// strikes are the cases: a few that differ most, or all.
func strikes() []strike {
	some := []strike{{"npm", "after", true}, {"compose", "after", false}, {"unit.app", "after", true}}
	if !torture() {
		return some
	}
	for _, change := range []string{"user", "dir", "download", "npm", "file.etc", "keys.etc.theirs.main", "block", "index", "unit.app", "unit.ssh", "unit.docker", "unit.old", "compose"} {
		for _, when := range []string{"before", "amid", "after"} {
			for _, power := range []bool{false, true} {
				if s := (strike{change, when, power}); !slices.Contains(some, s) {
					some = append(some, s)
				}
			}
		}
	}
	return some
}

// strike makes stage after stage until the one with its change, which waits at the point for what happens then.
func (c *craft) strike(k strike) {
	c.t.Helper()
	const here = "/run/here"
	for range 4 {
		s := c.login()
		stage, changes := c.plan(s)
		at := slices.IndexFunc(changes, func(change remote.Change) bool { return strings.HasPrefix(change.ID, "app."+k.change) })
		if at < 0 {
			if len(changes) == 0 {
				c.t.Fatalf("there is no change app.%s", k.change)
			}
			if err := c.make(s, stage == does.Guarded, changes); err != nil {
				c.t.Fatal(err)
			}
			continue
		}
		pause := ": >" + here + "\nsleep 600\n"
		switch k.when {
		case "before":
			changes[at].Do = pause + changes[at].Do
		case "amid": // behind its first line, which is a command or two of its own
			lines := strings.SplitAfterN(strings.TrimSuffix(changes[at].Do, "\n")+"\n", "\n", 2)
			changes[at].Do = lines[0] + pause + strings.Join(lines[1:], "")
		default:
			changes[at].Do += "\n" + pause
		}
		want(c.t, c.l, "mail", "rm", "-f", here)
		ended := make(chan error, 1)
		go func() { ended <- c.make(s, stage == does.Guarded, changes) }()
		if err := poll(c.t.Context(), 2*time.Minute, func() bool {
			_, err := c.l.Exec(c.t.Context(), "mail", "test", "-e", here)
			return err == nil
		}); err != nil {
			c.t.Fatalf("it never came to %s", k)
		}
		if k.power {
			if err := c.l.PowerCut(c.t.Context(), "mail"); err != nil {
				c.t.Fatal(err)
			}
		} else {
			want(c.t, c.l, "mail", "sh", "-c", `systemctl kill -s KILL 'postern-*' 2>/dev/null; pkill -KILL -x sleep; pkill -KILL -f '[/]var/lib/postern'; rm -f `+here+`; :`)
		}
		if err := <-ended; err == nil {
			c.t.Fatalf("%s did not show", k)
		}
		return
	}
}
