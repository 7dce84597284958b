package remote

import (
	"os/exec"
	"strings"
	"testing"
)

// TestAgentIsPlainShell keeps the agent in POSIX sh, in files a person can read at once.
func TestAgentIsPlainShell(t *testing.T) {
	entries, err := agentFiles.ReadDir("agent")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := agentFiles.ReadFile("agent/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "\n"); n > 150 {
			t.Errorf("%s has %d lines (at most 150)", e.Name(), n)
		}
	}
	for _, sh := range [][]string{{"dash", "-n"}, {"shellcheck", "-s", "sh", "-S", "warning", "-"}} {
		if _, err := exec.LookPath(sh[0]); err != nil {
			t.Logf("not asked, because it is not here: %s", sh[0])
			continue
		}
		cmd := exec.Command(sh[0], sh[1:]...)
		cmd.Stdin = strings.NewReader("# shellcheck shell=sh disable=SC2012,SC2015,SC2016,SC2030,SC2031\nD=/d ETC=/e\n" + agentText)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", sh[0], err, out)
		}
	}
}
