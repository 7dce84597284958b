//go:build unix

package remote

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An agent that hangs costs a few seconds once, and is named.
func TestAgentThatHangs(t *testing.T) {
	t.Parallel()
	sock := filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", sock) // which nobody answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	h := newHost(t)
	o := h.options()
	o.AgentSock, o.Memory = sock, NewMemory()
	path := filepath.Join(o.Home, ".ssh", "id_ed25519")
	mine := keyFile(t, path)
	h.takes(mine)
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	_, err = Connect(soon(t), h.target(), o)
	if err == nil || !strings.Contains(err.Error(), "the ssh agent at "+sock+" hangs") || time.Since(start) > loginTimeout {
		t.Errorf("after %s: %v", time.Since(start), err)
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	start = time.Now()
	if _, err := Connect(soon(t), h.target(), o); err != nil || time.Since(start) > agentTimeout {
		t.Errorf("the second login, after %s: %v", time.Since(start), err)
	}
}
