package steps

import (
	"os/exec"
	"strings"
	"testing"
)

// readable has shells read every script of a plan, which they must understand whatever it would do.
func readable(t *testing.T, p Plan) {
	t.Helper()
	for _, shell := range []string{"sh", "dash"} {
		if _, err := exec.LookPath(shell); err != nil {
			continue
		}
		for _, part := range p.Parts {
			for _, c := range part.Changes {
				for phase, text := range map[string]string{"test": c.Test, "do": c.Do, "undo": c.Undo, "keep": c.Keep} {
					if text == "" {
						continue
					}
					read := exec.Command(shell, "-n")
					read.Stdin = strings.NewReader(text)
					if out, err := read.CombinedOutput(); err != nil {
						t.Errorf("%s: %s: %s: %v: %s\n%s", shell, c.ID, phase, err, out, text)
					}
				}
			}
		}
	}
}
