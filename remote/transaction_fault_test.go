//go:build unix

package remote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// faulty is the agent's text with a call of fault before every statement of the functions that change state, and the name of
// each such point. A fault is a file that the call runs once, in the agent's own shell.
func faulty(text string) (string, []string) {
	const hook = "fault() { rc_was=$?; [ -e \"$D/fault.$1\" ] && mv \"$D/fault.$1\" \"$D/hit.$1\" && . \"$D/hit.$1\"; return $rc_was; }\n"
	open := regexp.MustCompile(`^([a-z_]+)\(\) \{$`)
	clause := regexp.MustCompile(`^\t+(\}|fi|done|esac|else|elif|then|;;|[A-Za-z0-9_* |]+\))`)
	watched := map[string]bool{}
	for _, f := range strings.Fields("begin prepare arm unarm drive back apply roll attempt settle carry expire confirm persist finish sweep sweep_open boot record shelve place restore") {
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

// useAgent makes every host of the test get another agent.
func useAgent(t testing.TB, text string) {
	t.Helper()
	old := agentText
	agentText = text
	t.Cleanup(func() { agentText = old })
}

func (g *ground) fault(point, script string) error {
	return os.WriteFile(g.state+"/fault."+point, []byte(script+"\n"), 0o600)
}

func (g *ground) hit(point string) bool {
	_, err := os.Stat(g.state + "/hit." + point)
	return err == nil
}

// walks are the ways through a transaction that the kill matrix takes.
var walks = map[string]func(g *ground, id string){
	"confirm": func(g *ground, id string) { g.confirm(id) },
	"cancel":  func(g *ground, id string) { g.s.Cancel(context.Background(), id) },
	"expire":  func(g *ground, id string) {},
	"boot":    func(g *ground, id string) { g.reboot(); g.reboot() },
	"fail":    func(g *ground, id string) {},
	"sweep":   func(g *ground, id string) {},
}

// killAt runs one walk, kills the agent at one point, and says whether the host ended old or new, and free.
func killAt(walk, point, script string) (hit bool, err error) {
	dir, err := os.MkdirTemp("", "postern")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	g, err := groundAt(dir)
	if err != nil {
		return false, err
	}
	defer g.end()
	old := g.fingerprint()
	if err := g.fault(point, script); err != nil {
		return false, err
	}
	tx := g.change(time.Second)
	switch walk {
	case "confirm", "boot": // must get there before the watchdogs, however slow this machine is
		tx.Deadline = 5 * time.Second
	case "fail":
		tx.Changes[4].Do = "false"
	case "sweep": // the fault meets a begin that finds another dead one
		dead := g.change(time.Minute)
		os.Rename(g.state+"/fault."+point, g.state+"/wait."+point)
		if err := g.fault("arm.3", "kill -9 $$"); err != nil {
			return false, err
		}
		g.s.Begin(context.Background(), dead, nil)
		os.Rename(g.state+"/wait."+point, g.state+"/fault."+point)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := g.s.Begin(ctx, tx, nil); err == nil {
		walks[walk](g, tx.ID)
	}
	g.settled(20 * time.Second)
	hit = g.hit(point)
	os.Remove(g.state + "/fault." + point)
	st, err := g.s.Status(ctx)
	if err != nil {
		return hit, err
	}
	end, open, known := st.Of(tx.ID)
	if open && st.State == "ARMED" {
		return hit, errors.New("still armed long after the deadline")
	}
	if !known || st.State == "READY" { // what a dead begin staged is swept by the next one
		if err := g.free(); err != nil {
			return hit, err
		}
	}
	if err := g.ended(end, known, old); err != nil && walk != "sweep" || walk == "sweep" && end.Kept {
		return hit, fmt.Errorf("%w (status %+v)", err, st)
	}
	return hit, g.free()
}

// ended checks the files against how the transaction is said to have ended.
func (g *ground) ended(end Ended, known bool, old string) error {
	if !known || !end.Kept {
		return g.was(old)
	}
	got := g.fingerprint()
	for _, part := range []string{"new a, it's", "new b without end", "brand new", "new late", "runs \"new\\nkept\\n"} {
		if !strings.Contains(got, part) {
			return fmt.Errorf("it was kept, but %q is missing:\n%s", part, got)
		}
	}
	return nil
}

// TestKillMatrix kills the agent at every point of every walk: the host must end exactly old or exactly new, with the lock
// free.
func TestKillMatrix(t *testing.T) {
	needRoot(t)
	text, points := faulty(agentText)
	useAgent(t, text)
	if len(points) < 80 {
		t.Fatalf("only %d points", len(points))
	}
	var (
		mu      sync.Mutex
		hits    = map[string]bool{}
		wg      sync.WaitGroup
		workers = make(chan struct{}, 12)
	)
	runs, every, phase := 0, 1, 0
	switch {
	case os.Getenv("POSTERN_TORTURE") != "":
	case testing.Short():
		every = 31
	default:
		every = 9
	}
	for walk := range walks {
		phase = (phase + 4) % every
		for i, point := range points {
			if i%every != phase {
				continue
			}
			runs++
			wg.Add(1)
			workers <- struct{}{}
			go func() {
				defer func() { <-workers; wg.Done() }()
				hit, err := killAt(walk, point, "kill -9 $$")
				mu.Lock()
				defer mu.Unlock()
				hits[point] = hits[point] || hit
				if err != nil {
					t.Errorf("%s, killed at %s: %v", walk, point, err)
				}
			}()
		}
	}
	wg.Wait()
	var missed []string
	for _, p := range points {
		if !hits[p] {
			missed = append(missed, p)
		}
	}
	t.Logf("%d runs, %d points hit, never reached: %v", runs, len(points)-len(missed), missed)
}
