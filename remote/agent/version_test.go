//go:build linux

package agent_test

import (
	"errors"
	"strings"
	"testing"

	"postern/remote"
	"postern/remote/agent"
)

// TestOlderAgent meets a host whose open transaction belongs to another version: only its own agent touches it.
func TestOlderAgent(t *testing.T) {
	t.Parallel()
	g := newGroundOf(t, strings.Replace(agent.Text("linux"), "# shellcheck", "# an older one\n# shellcheck", 1))
	want := g.fingerprint()
	id, err := g.begin(g.change())
	if err != nil {
		t.Fatal(err)
	}
	older, err := g.s.Status(bg())
	if err != nil || older.ID != id || !older.Applied || older.State != "ARMED" || !strings.Contains(older.Owner.String(), "ann@laptop") {
		t.Errorf("status: %+v, %v", older, err)
	}
	g.agent = ""
	g.s.Close()
	if g.s, err = g.login(); err != nil {
		t.Fatal(err)
	}
	if st, err := g.s.Status(bg()); err != nil || st.ID != id || st.Agent != older.Agent {
		t.Errorf("status, asked by another version: %+v, %v", st, err)
	}
	var locked *remote.ErrLocked
	if err := g.free(); !errors.As(err, &locked) {
		t.Errorf("the next begin: %v", err)
	}
	if err := g.s.Cancel(bg(), id); err != nil {
		t.Error(err)
	}
	if err := errors.Join(g.was(want), g.free()); err != nil {
		t.Error(err)
	}
	if _, err := g.begin(g.change()); err != nil {
		t.Fatal(err)
	}
	if st, err := g.s.Status(bg()); err != nil || st.Agent == older.Agent {
		t.Errorf("two agents have one version: %+v, %v", st, err)
	}
}
