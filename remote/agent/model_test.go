package agent_test

import (
	"fmt"
	"testing"
)

// world is one state of the model: the marker, who is where, and what the host is like. It is the agent's protocol without
// its shell, small enough to look at every order of events.
type world struct {
	marker  string // READY ARMED CONFIRMED ROLLING PERSISTED ROLLEDBACK
	files   string // old, new or mixed
	late    string // the file that is due at confirm
	applied bool
	apply   int // the next step of whoever applies; -1 is not running
	mutex   int // who holds it; -1 nobody
	actor   [3]step
	kills   int
	boots   int
	told    string // what the operator was told: kept, back, or nothing
	spares  bool   // a broken agent that does not end the apply before it restores
}

// step is where one actor stands: a watchdog, another, and the confirming client. pc -1 is ended or dead.
type step struct{ pc int }

const (
	watchA = iota
	watchB
	client
)

// next lists every world that can follow.
func (w world) next() []world {
	var list []world
	add := func(f func(*world)) {
		n := w
		f(&n)
		list = append(list, n)
	}
	if w.apply >= 0 {
		add(func(n *world) { n.applyStep() })
	}
	for i := range w.actor {
		if w.actor[i].pc < 0 || w.blocked(i) {
			continue
		}
		add(func(n *world) { n.actorStep(i) })
	}
	if w.kills > 0 {
		if w.apply >= 0 {
			add(func(n *world) { n.kills--; n.apply = -1 })
		}
		for i := range w.actor {
			if w.actor[i].pc >= 0 {
				add(func(n *world) { n.kills--; n.end(i) })
			}
		}
	}
	if w.boots > 0 {
		add(func(n *world) { n.boots--; n.boot() })
	}
	return list
}

// applyStep is one statement of apply: look at the marker, place, place the rest, stamp.
func (w *world) applyStep() {
	switch w.apply {
	case 0:
		if w.marker != "ARMED" {
			w.apply = -1
			return
		}
	case 1:
		w.files = "mixed"
	case 2:
		w.files = "new"
	case 3:
		if w.marker == "ARMED" {
			w.applied = true
		}
		w.apply = -1
		return
	}
	w.apply++
}

// blocked says whether an actor waits for the mutex.
func (w world) blocked(i int) bool { return w.actor[i].pc == 1 && w.mutex >= 0 }

// actorStep is one statement: turn the marker, take the mutex, look, end the apply, restore or persist, turn, free.
func (w *world) actorStep(i int) {
	a := &w.actor[i]
	switch a.pc {
	case 0:
		if i == client {
			if !w.applied {
				return // not ready: it asks again
			}
			if w.marker == "ARMED" {
				w.marker = "CONFIRMED"
			}
		} else if w.marker == "ARMED" {
			w.marker = "ROLLING"
		}
	case 1:
		w.mutex = i
	case 2:
		if w.marker == "ROLLING" && !w.spares {
			w.apply = -1 // killed, and waited for
		}
	case 3:
		switch w.marker {
		case "ROLLING":
			w.files = "old"
		case "CONFIRMED":
			w.late = "new"
		}
	case 4:
		switch w.marker {
		case "ROLLING":
			w.marker = "ROLLEDBACK"
		case "CONFIRMED":
			w.marker = "PERSISTED"
		}
	case 5:
		if i == client {
			w.told = map[string]string{"PERSISTED": "kept", "ROLLEDBACK": "back"}[w.marker]
		}
		w.end(i)
		return
	}
	a.pc++
}

// end is the end of an actor, in order or not: the kernel frees the mutex.
func (w *world) end(i int) {
	w.actor[i].pc = -1
	if w.mutex == i {
		w.mutex = -1
	}
}

// boot ends everything, and then the guard carries the transaction on alone.
func (w *world) boot() {
	w.apply, w.mutex = -1, -1
	for i := range w.actor {
		w.actor[i].pc = -1
	}
	switch w.marker {
	case "ARMED", "ROLLING":
		w.files, w.marker = "old", "ROLLEDBACK"
	case "CONFIRMED":
		w.late, w.marker = "new", "PERSISTED"
	}
}

// wrong is what must never be, in any world, and what must hold once nothing can happen any more.
func (w world) wrong(final bool) error {
	switch {
	case w.told == "kept" && w.marker != "PERSISTED", w.told == "back" && w.marker != "ROLLEDBACK":
		return fmt.Errorf("the operator was told %s", w.told)
	case w.marker == "PERSISTED" && (w.files != "new" || w.late != "new"):
		return fmt.Errorf("kept, but the files are %s and %s", w.files, w.late)
	case w.marker == "ROLLEDBACK" && (w.files != "old" || w.late != "old"):
		return fmt.Errorf("taken back, but the files are %s and %s", w.files, w.late)
	case w.marker == "ROLLEDBACK" && w.apply > 0:
		return fmt.Errorf("taken back while it is being applied")
	case final && w.marker != "PERSISTED" && w.marker != "ROLLEDBACK":
		return fmt.Errorf("it ends as %s", w.marker)
	}
	return nil
}

// explore visits every world that can be reached and returns how many there are, and what is wrong in one of them.
func explore(start world) (int, error) {
	seen := map[world]bool{start: true}
	for queue := []world{start}; len(queue) > 0; queue = queue[1:] {
		w := queue[0]
		if err := w.wrong(false); err != nil {
			return len(seen), fmt.Errorf("%w: %+v", err, w)
		}
		progress := false
		for _, n := range w.next() {
			progress = progress || n != w
			if !seen[n] {
				seen[n] = true
				queue = append(queue, n)
			}
		}
		if !progress {
			if err := w.wrong(true); err != nil {
				return len(seen), fmt.Errorf("%w: %+v", err, w)
			}
		}
	}
	return len(seen), nil
}

func armedWorld() world { return world{marker: "ARMED", files: "old", late: "old", mutex: -1} }

// TestModel looks at every order of events of one apply, two watchdogs, a confirm, one kill anywhere, and a reboot anywhere.
func TestModel(t *testing.T) {
	w := armedWorld()
	w.kills, w.boots = 1, 1
	n, err := explore(w)
	if err != nil {
		t.Fatal(err)
	}
	if n < 500 {
		t.Errorf("only %d worlds", n)
	}
	t.Logf("%d worlds", n)
	w.spares = true
	if _, err := explore(w); err == nil {
		t.Error("the model did not notice an apply that goes on")
	}
	w = armedWorld()
	w.kills = 3 // every watchdog and the client may die: then only the next boot or begin can end it
	if _, err := explore(w); err == nil {
		t.Error("the model did not notice that nobody is left")
	}
}
