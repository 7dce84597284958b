//go:build unix

package remote

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// host is an SSH server inside the test, with a real /bin/sh behind it. It can misbehave in every way that matters.
type host struct {
	t        *testing.T
	config   *ssh.ServerConfig
	listener net.Listener
	dir      string // commands that stand before the system's: id says 0 unless a test writes another

	shell       []string                                           // what a session runs, whatever it asks for
	noise       string                                             // printed before the shell starts
	maxSessions int32                                              // 0 means any number
	forward     func(address string) (ssh.RejectionReason, string) // nil: connects
	silent      bool                                               // accepts a connection and says nothing
	accepted    func()                                             // told of each connection that is silent

	begin    sync.Once
	mu       sync.Mutex
	conns    []net.Conn
	said     bytes.Buffer // channel data to the client, all sessions
	heard    bytes.Buffer // channel data from the client
	asked    []string     // exec strings
	sessions atomic.Int32
	logins   atomic.Int32
}

// newHost starts a host that takes any user without asking. Tests change it before they connect.
func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{t: t, config: &ssh.ServerConfig{NoClientAuth: true}, shell: []string{"/bin/sh", "-s"}, dir: t.TempDir()}
	h.command("id", "echo 0")
	h.config.AddHostKey(edKey)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.listener = listener
	t.Cleanup(func() {
		listener.Close()
		h.drop()
	})
	return h
}

// command puts a shell script where the host's shells look first.
func (h *host) command(name, script string) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		h.t.Fatal(err)
	}
}

// options reach the host with its key on record.
func (h *host) options() Options {
	h.t.Helper()
	home := h.t.TempDir()
	o := Options{Home: home, User: "admin", Path: h.dir + ":" + systemPath}
	h.known(o, edKey)
	return o
}

func (h *host) known(o Options, key ssh.Signer) {
	h.t.Helper()
	if err := record(filepath.Join(o.Home, ".ssh", "known_hosts"), knownhosts.Normalize(h.address()), key.PublicKey(), false); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) address() string { return h.listener.Addr().String() }

// target starts serving: from here on the host must not be changed.
func (h *host) target() Target {
	h.begin.Do(func() { go h.serve() })
	return Target{Name: "proxy", SSH: "admin@" + h.address()}
}

func (h *host) connect(o Options) *Session {
	h.t.Helper()
	s, err := Connect(soon(h.t), h.target(), o)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { s.Close() })
	return s
}

// drop cuts every connection.
func (h *host) drop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.conns {
		c.Close()
	}
	h.conns = nil
}

func (h *host) serve() {
	for {
		conn, err := h.listener.Accept()
		if err != nil {
			return
		}
		h.mu.Lock()
		h.conns = append(h.conns, conn)
		h.mu.Unlock()
		if h.silent {
			h.accepted()
		} else {
			go h.login(conn)
		}
	}
}

func (h *host) login(conn net.Conn) {
	c, chans, reqs, err := ssh.NewServerConn(conn, h.config)
	if err != nil {
		conn.Close()
		return
	}
	h.logins.Add(1)
	go ssh.DiscardRequests(reqs)
	var open atomic.Int32
	for ch := range chans {
		switch ch.ChannelType() {
		case "session":
			if n := h.maxSessions; n > 0 && open.Load() >= n {
				ch.Reject(ssh.ConnectionFailed, "open failed")
				continue
			}
			open.Add(1)
			h.sessions.Add(1)
			go func() {
				h.session(ch, c.RemoteAddr())
				open.Add(-1)
			}()
		case "direct-tcpip":
			go h.direct(ch)
		default:
			ch.Reject(ssh.UnknownChannelType, "no")
		}
	}
}

// tee records what passes.
type tee struct {
	h  *host
	to *bytes.Buffer
	w  io.Writer
}

func (t tee) Write(b []byte) (int, error) {
	t.h.mu.Lock()
	t.to.Write(b)
	t.h.mu.Unlock()
	return t.w.Write(b)
}

func (h *host) session(nc ssh.NewChannel, from net.Addr) {
	ch, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	for r := range reqs {
		if r.Type != "exec" {
			r.Reply(false, nil)
			continue
		}
		var asked struct{ Command string }
		ssh.Unmarshal(r.Payload, &asked)
		h.mu.Lock()
		h.asked = append(h.asked, asked.Command)
		h.mu.Unlock()
		r.Reply(true, nil)
		go ssh.DiscardRequests(reqs)
		break
	}
	source, port, _ := net.SplitHostPort(from.String())
	_, own, _ := net.SplitHostPort(h.address())
	io.WriteString(ch, h.noise)
	io.WriteString(ch.Stderr(), h.noise)
	cmd := exec.Command(h.shell[0], h.shell[1:]...)
	cmd.Env = []string{"PATH=" + h.dir + ":" + systemPath, "SSH_CONNECTION=" + source + " " + port + " 127.0.0.1 " + own}
	in, err := cmd.StdinPipe()
	if err != nil {
		return
	}
	cmd.Stdout = tee{h, &h.said, ch}
	cmd.Stderr = tee{h, &h.said, ch.Stderr()}
	if cmd.Start() != nil {
		return
	}
	go func() {
		io.Copy(tee{h, &h.heard, in}, ch)
		in.Close()
	}()
	cmd.Wait() // and no exit status is sent: nothing may depend on it
}

func (h *host) direct(nc ssh.NewChannel) {
	var to struct {
		Host     string
		Port     uint32
		From     string
		FromPort uint32
	}
	ssh.Unmarshal(nc.ExtraData(), &to)
	address := net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port)))
	if h.forward != nil {
		if reason, message := h.forward(address); message != "" {
			nc.Reject(reason, message)
			return
		}
	}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		nc.Reject(ssh.ConnectionFailed, "Connection refused")
		return
	}
	ch, reqs, err := nc.Accept()
	if err != nil {
		conn.Close()
		return
	}
	go ssh.DiscardRequests(reqs)
	go func() {
		io.Copy(conn, ch)
		conn.Close()
	}()
	io.Copy(ch, conn)
	ch.Close()
}

var edKey, ecKey, rsaKey, otherKey = makeKeys()

func makeKeys() (ed, ec, r, other ssh.Signer) {
	_, k1, err1 := ed25519.GenerateKey(rand.Reader)
	k2, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	k3, err3 := rsa.GenerateKey(rand.Reader, 2048)
	_, k4, err4 := ed25519.GenerateKey(rand.Reader)
	var out []ssh.Signer
	for i, k := range []any{k1, k2, k3, k4} {
		s, err := ssh.NewSignerFromKey(k)
		if err != nil || []error{err1, err2, err3, err4}[i] != nil {
			panic("no key")
		}
		out = append(out, s)
	}
	return out[0], out[1], out[2], out[3]
}

// keyFile writes a new private key and gives its public half.
func keyFile(t *testing.T, path string) ssh.PublicKey {
	t.Helper()
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(k, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return s.PublicKey()
}

// again is a second login to the same host, with the answers already given.
func again(t *testing.T, s *Session) (*Session, error) {
	t.Helper()
	return Connect(soon(t), s.target, s.o)
}
