package remote

import (
	"context"
	"os"
	"testing"
	"time"
)

// That a host has decided is told once, before what makes the change last is done, and not when it had decided before.
func TestDecidedIsToldFirst(t *testing.T) {
	needRoot(t)
	g := newGround(t)
	tx := g.change(time.Minute)
	gate := g.state + "/gate" // the keep command of a change waits for it
	for i := range tx.Changes {
		if tx.Changes[i].Keep != "" {
			tx.Changes[i].Keep += "\nuntil [ -e " + Quote(gate) + " ]; do sleep 0.05; done"
			break
		}
	}
	o, err := g.s.Begin(context.Background(), tx, nil)
	if err != nil {
		t.Fatal(err)
	}
	over, err := g.login()
	if err != nil {
		t.Fatal(err)
	}
	defer over.Close()
	told := 0
	err = o.ConfirmTelling(context.Background(), over, func() {
		told++
		if err := os.WriteFile(gate, nil, 0o600); err != nil {
			t.Error(err)
		}
	})
	if err != nil || told != 1 {
		t.Fatalf("told %d times, %v", told, err)
	}
	if err := o.ConfirmTelling(context.Background(), over, func() { told++ }); err != nil || told != 1 {
		t.Errorf("confirmed already: told %d times, %v", told, err)
	}
}
