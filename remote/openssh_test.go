//go:build linux

package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

const sshdPath = "/usr/sbin/sshd"

// openSSH serves logins by the real sshd, one process for each connection, on a port of the loopback.
func openSSH(t *testing.T, extra string) (Target, Options) {
	t.Helper()
	if _, err := os.Stat(sshdPath); err != nil {
		t.Skip("no " + sshdPath + " here")
	}
	if os.Getuid() != 0 {
		t.Skip("needs root: sshd logs in as root")
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	o := Options{Home: filepath.Join(dir, "home"), User: "root"}
	pub := keyFile(t, filepath.Join(o.Home, ".ssh", "id_ed25519"))
	write(t, filepath.Join(dir, "authorized"), string(ssh.MarshalAuthorizedKey(pub)), 0o600)
	hostKey := keyFile(t, filepath.Join(dir, "host_key"))
	write(t, filepath.Join(dir, "config"), fmt.Sprintf("HostKey %s/host_key\nAuthorizedKeysFile %s/authorized\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPidFile none\n%s\n", dir, dir, extra), 0o600)
	ears, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() {
		ears.Close()
		wg.Wait()
	})
	go func() {
		for {
			c, err := ears.Accept()
			if err != nil {
				return
			}
			f, err := c.(*net.TCPConn).File()
			c.Close()
			if err != nil {
				continue
			}
			cmd := exec.Command(sshdPath, "-i", "-f", filepath.Join(dir, "config"), "-E", filepath.Join(dir, "log"))
			cmd.Stdin, cmd.Stdout = f, f
			wg.Go(func() {
				cmd.Run()
				f.Close()
			})
		}
	}()
	write(t, filepath.Join(o.Home, ".ssh", "known_hosts"), xknownhosts.Line([]string{knownhosts.Normalize(ears.Addr().String())}, hostKey)+"\n", 0o600)
	return Target{Name: "proxy", SSH: "root@" + ears.Addr().String()}, o
}

func TestOpenSSH(t *testing.T) {
	target, o := openSSH(t, "MaxSessions 2")
	s, err := Connect(soon(t), target, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if r, err := s.sh(soon(t), "id -u; exit 3", nil); err != nil || r.Out != "0\n" || r.Code != 3 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, port, ok := s.Way(); !ok || !strings.HasSuffix(target.SSH, fmt.Sprint(":", port)) {
		t.Errorf("way: %d, %v", port, ok)
	}
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			if a, err := s.Exec(soon(t), ReadRun("", fmt.Sprint("echo ", i))); err != nil || a.Out != fmt.Sprintln(i) {
				t.Errorf("%d: %+v, %v", i, a, err)
			}
		})
	}
	wg.Wait()
	f, err := s.Facts(soon(t), []Query{ReadFile("/etc/passwd"), ReadRun("way", "echo $SSH_CONNECTION")})
	if file, known := f.File("/etc/passwd"); err != nil || !known || file.Mode != 0o644 || file.Owner != "root:root" {
		t.Errorf("%+v, %v", file, err)
	}
	b, err := again(t, s)
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
}

func TestOpenSSHDial(t *testing.T) {
	target, o := openSSH(t, "")
	s, err := Connect(soon(t), target, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l, err := s.Listen(soon(t), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Skip(err)
	}
	c, err := s.DialContext(soon(t), "tcp", l.Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if peer := <-l.Peers; !peer.Addr().IsLoopback() {
		t.Errorf("peer %v", peer)
	}
	l.Close()
	for range l.Peers {
	}
	for {
		c, err := s.DialContext(soon(t), "tcp", l.Addr.String())
		if err == nil { // perl has not gone yet
			c.Close()
			continue
		}
		if !errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, ErrNoVantage) {
			t.Errorf("nothing listens: %v", err)
		}
		break
	}
}

func TestOpenSSHThatForwardsNothing(t *testing.T) {
	target, o := openSSH(t, "AllowTcpForwarding no\nBanner "+write(t, filepath.Join(t.TempDir(), "b"), "\x1b]0;x\a\x1b[2Jhello\n", 0o644))
	s, err := Connect(soon(t), target, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.DialContext(soon(t), "tcp", "127.0.0.1:1"); !errors.Is(err, ErrNoVantage) || errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v", err)
	}
}

// TestOpenSSHThatIsSlow: a sshd that would refuse, and does not come to it in time, is no silence of the far side.
func TestOpenSSHThatIsSlow(t *testing.T) {
	target, o := openSSH(t, "AllowTcpForwarding no")
	s, err := Connect(soon(t), target, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r, err := s.sh(soon(t), "echo $PPID", nil)
	pid, bad := strconv.Atoi(strings.TrimSpace(r.Out))
	if err != nil || bad != nil {
		t.Fatal(r, err)
	}
	syscall.Kill(pid, syscall.SIGSTOP)
	time.AfterFunc(2*time.Second, func() { syscall.Kill(pid, syscall.SIGCONT) })
	brief, end := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer end()
	if _, err := s.DialContext(brief, "tcp", "127.0.0.1:1"); !errors.Is(err, ErrNoVantage) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestOpenSSHAllowsOneSession(t *testing.T) {
	target, o := openSSH(t, "MaxSessions 1")
	s, err := Connect(soon(t), target, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if a, err := s.Exec(soon(t), ReadRun("", "echo on")); err != nil || a.Out != "on\n" {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := s.Listen(soon(t), "tcp4", "127.0.0.1:0"); !errors.Is(err, ErrNoVantage) {
		t.Errorf("got %v", err)
	}
	if r, err := s.sh(soon(t), "echo on", nil); err != nil || r.Out != "on\n" {
		t.Errorf("the held shell: %+v, %v", r, err)
	}
}

func TestOpenSSHForbidsTheLogin(t *testing.T) {
	target, o := openSSH(t, "DenyUsers root")
	_, err := Connect(soon(t), target, o)
	if err == nil || !strings.Contains(err.Error(), "proxy: login as root refused: 1 key was offered") {
		t.Errorf("got %v", err)
	}
}
