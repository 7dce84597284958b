//go:build unix

package remote

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// detour dials the real address whatever it is asked for, and counts.
type detour struct {
	address string
	dials   []string
}

func (d *detour) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d.dials = append(d.dials, address)
	return (&net.Dialer{}).DialContext(ctx, network, d.address)
}

// hangsUp is what fail2ban's aggressive mode counts of who hangs up before he is logged in.
var hangsUp = regexp.MustCompile(`\[preauth\]|kex_exchange_identification|banner exchange|Did not receive identification`)

// A way that is tried with a whole login leaves nothing in sshd's log that counts as an attack, whatever address leads there; one
// that is only dialled does, and so would any greeting that ends before the login.
func TestReachIsNoAttack(t *testing.T) {
	target, o := openSSH(t, "")
	_, at, _ := strings.Cut(target.SSH, "@")
	over := &detour{address: at}
	if err := Reach(soon(t), target, over, "10.0.0.1:22", o); err != nil {
		t.Fatal(err)
	}
	if len(over.dials) != 1 || over.dials[0] != "10.0.0.1:22" {
		t.Errorf("dialled %v", over.dials)
	}
	logged := func(word string) string {
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			text, _ := os.ReadFile(filepath.Join(filepath.Dir(o.Home), "log"))
			if strings.Contains(string(text), word) || time.Now().After(end) {
				return string(text)
			}
		}
	}
	log := logged("Accepted publickey")
	if !strings.Contains(log, "Accepted publickey") || hangsUp.MatchString(log) {
		t.Errorf("sshd logged %s", log)
	}
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if log := logged("Connection closed by"); !hangsUp.MatchString(log) {
		t.Errorf("a bare knock is not seen in the log: this test proves nothing\n%s", log)
	}
}

// Who was let in leaves without an error: sshd's listener, where it was too busy to note the login before the end, counts the error
// as a connection without one (sshd_config, PerSourcePenalties noauth), and turns everybody at that address away for a while.
func TestReachLeavesInPeace(t *testing.T) {
	const times = 10
	target, o := openSSH(t, "LogLevel VERBOSE")
	_, at, _ := strings.Cut(target.SSH, "@")
	for range times {
		if err := Reach(soon(t), target, &detour{address: at}, "10.0.0.1:22", o); err != nil {
			t.Fatal(err)
		}
	}
	var log string
	for end := time.Now().Add(20 * time.Second); strings.Count(log, "Closing connection to") < times; time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(filepath.Join(filepath.Dir(o.Home), "log"))
		if log = string(text); time.Now().After(end) {
			t.Fatalf("%d of %d logins ended in peace:\n%s", strings.Count(log, "Closing connection to"), times, log)
		}
	}
}

// What takes no connection is told from what lets nobody in.
func TestTurnedAway(t *testing.T) {
	target, o := openSSH(t, "MaxAuthTries 1")
	ears, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ears.Close()
	err = Reach(soon(t), target, &detour{address: ears.Addr().String()}, "10.0.0.1:22", o)
	if !errors.Is(err, ErrTurnedAway) || !errors.Is(err, syscall.ECONNREFUSED) || strings.Contains(err.Error(), "\n") {
		t.Errorf("refused: %v", err)
	}
	full, err := net.Listen("tcp", "127.0.0.1:0") // as sshd with MaxStartups does
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	go func() {
		for c, err := full.Accept(); err == nil; c, err = full.Accept() {
			c.Write([]byte("Exceeded MaxStartups\r\n"))
			c.Close()
		}
	}()
	err = Reach(soon(t), target, &detour{address: full.Addr().String()}, "10.0.0.1:22", o)
	if !errors.Is(err, ErrTurnedAway) || strings.Contains(err.Error(), "\n") {
		t.Errorf("hung up: %v", err)
	}
	o.Home = t.TempDir()
	target.Fingerprint = ""
	at, _ := strings.CutPrefix(target.SSH, "root@")
	if err = Reach(soon(t), target, &detour{address: at}, "10.0.0.1:22", o); err == nil || errors.Is(err, ErrTurnedAway) {
		t.Errorf("an unknown host key: %v", err)
	}
}
