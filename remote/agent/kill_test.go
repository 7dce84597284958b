//go:build linux

package agent_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"postern/remote/agent"
)

// faulty is the agent's text with a call of fault before every statement of the functions that change state, and the name of
// each such point. A fault is a file that the call runs once, in the agent's own shell.
func faulty(text string) (string, []string) {
	const hook = "fault() { rc_was=$?; [ ! -e \"$D/trace\" ] || echo \"$1\" >>\"$D/trace\"; [ -e \"$D/fault.$1\" ] && mv \"$D/fault.$1\" \"$D/hit.$1\" && . \"$D/hit.$1\"; return $rc_was; }\n"
	open := regexp.MustCompile(`^([a-z_]+)\(\) \{$`)
	clause := regexp.MustCompile(`^\t+(\}|fi|done|esac|else|elif|then|;;|[A-Za-z0-9_* |]+\))`)
	watched := map[string]bool{}
	for _, f := range strings.Fields("begin prepare arm unarm drive back apply roll attempt settle carry expire confirm revert persist finish sweep sweep_open unbegun boot record shelve place restore") {
		watched[f] = true
	}
	var b strings.Builder
	var points []string
	b.WriteString(hook)
	in, n, goes := "", 0, false
	for line := range strings.Lines(text) {
		bare := strings.TrimRight(line, "\n")
		if m := open.FindStringSubmatch(bare); m != nil {
			in, n = m[1], 0
		} else if bare == "}" {
			in = ""
		} else if watched[in] && !goes && strings.HasPrefix(bare, "\t") && !clause.MatchString(bare) {
			n++
			point := fmt.Sprintf("%s.%d", in, n)
			points = append(points, point)
			b.WriteString("fault " + point + "\n")
		}
		b.WriteString(line)
		goes = strings.HasSuffix(bare, "\\") || strings.HasSuffix(bare, "&&") || strings.HasSuffix(bare, "||") || strings.HasSuffix(bare, "|")
	}
	return b.String(), points
}

func (g *ground) fault(point, script string) error {
	return os.WriteFile(g.state+"/fault."+point, []byte(script+"\n"), 0o600)
}

func (g *ground) hit(point string) bool {
	_, err := os.Stat(g.state + "/hit." + point)
	return err == nil
}

// walks are the ways through a transaction that the kill matrix takes. What is left undecided expires.
var walks = map[string]func(g *ground, id string){
	"confirm": func(g *ground, id string) { g.confirm(id) },
	"cancel":  func(g *ground, id string) { g.s.Cancel(bg(), id) },
	"expire":  func(*ground, string) {},
	"boot":    func(g *ground, _ string) { g.reboot(); g.reboot() },
	"fail":    func(*ground, string) {},
	"sweep":   func(*ground, string) {},
}

// walk runs one walk with a fault at one point, and says whether the host ended old or new, and free.
func (g *ground) walk(walk, point, script string) error {
	old := g.fingerprint()
	if err := g.fault(point, script); err != nil {
		return err
	}
	tx := g.change()
	switch walk {
	case "fail":
		tx.Changes[len(tx.Changes)-1].Do += "\nfalse"
	case "sweep": // the fault meets a begin that finds another dead one
		dead := g.change()
		aside := func(from, to string) {
			os.Rename(g.state+"/"+from+"fault."+point, g.state+"/"+to+"fault."+point)
			os.Rename(g.state+"/"+from+"trace", g.state+"/"+to+"trace")
		}
		aside("", "not.")
		if err := g.fault("arm.3", "kill -9 $$"); err != nil {
			return err
		}
		g.s.Begin(bg(), dead, nil)
		aside("not.", "")
	}
	ctx, cancel := context.WithTimeout(bg(), long)
	defer cancel()
	if err := g.s.Begin(ctx, tx, nil); err == nil {
		walks[walk](g, tx.ID)
	}
	g.expire()
	st, err := g.settled()
	os.Remove(g.state + "/fault." + point)
	os.Rename(g.state+"/trace", g.state+"/traced")
	if err != nil {
		return err
	}
	end, open, known := st.Of(tx.ID)
	if open && st.State == "ARMED" {
		return errors.New("still armed after the deadline")
	}
	if !known || st.State == "READY" { // what a dead begin staged is swept by the next one
		if err := g.free(); err != nil {
			return err
		}
	}
	if err := g.ended(end, known, old); err != nil && walk != "sweep" || walk == "sweep" && end.Kept {
		return fmt.Errorf("%w (status %+v)", err, st)
	}
	return g.free()
}

// TestKillMatrix kills the agent at every point of every walk: the host must end exactly old or exactly new, with the lock
// free.
func TestKillMatrix(t *testing.T) {
	t.Parallel()
	killMatrix(t, agent.Text("linux"), 0, 1)
}

// killMatrix finds out first where a walk comes by, and takes a share of the cases, from 0.
func killMatrix(t *testing.T, whole string, share, of int) {
	t.Helper()
	text, points := faulty(hasty(whole))
	if len(points) < 80 {
		t.Fatalf("only %d points", len(points))
	}
	var cases []string // walk and point
	names := slices.Sorted(maps.Keys(walks))
	passed := make([][]string, len(names))
	together(t, text, len(names), func(g *ground, i int) error {
		if err := g.ruled(i); err != nil {
			return err
		}
		os.WriteFile(g.state+"/trace", nil, 0o600)
		err := g.walk(names[i], "none", "")
		trace, _ := os.ReadFile(g.state + "/traced")
		passed[i] = strings.Fields(string(trace))
		return err
	})
	reached := map[string]bool{}
	for i, walk := range names {
		for _, point := range points {
			if slices.Contains(passed[i], point) {
				reached[point] = true
				cases = append(cases, walk+" "+point)
			}
		}
	}
	every := 9 // by all cases in turn, so that no walk and no function is left out
	switch {
	case os.Getenv("POSTERN_TORTURE") != "":
		every = 1
	case testing.Short():
		every = 19
	}
	first := share * every // of torture each is all
	if every *= of; os.Getenv("POSTERN_TORTURE") != "" {
		first, every = 0, 1
	}
	var hits atomic.Int32
	together(t, text, len(cases)/every, func(g *ground, i int) error {
		if err := g.ruled(i); err != nil {
			return err
		}
		walk, point, _ := strings.Cut(cases[i*every+first], " ")
		err := g.walk(walk, point, "kill -9 $$")
		if g.hit(point) {
			hits.Add(1)
		}
		if err != nil {
			return fmt.Errorf("%s, killed at %s: %w", walk, point, err)
		}
		return nil
	})
	t.Logf("%d of %d cases, %d killed; %d of %d points are on no walk", len(cases)/every, len(cases), hits.Load(), len(points)-len(reached), len(points))
	if int(hits.Load()) < len(cases)/every*9/10 { // two watchdogs go side by side: who comes by where is not always the same
		t.Errorf("only %d of %d were killed", hits.Load(), len(cases)/every)
	}
}
