package demo

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshPort is the port that both hosts' sshd listens on.
const sshPort = 22

func init() {
	register("/usr/sbin/sshd", sshd)
	furnish(func(h *Host) {
		h.files.write("/usr/lib/systemd/system/ssh.service", `[Unit]
Description=OpenBSD Secure Shell server
After=network.target

[Service]
Type=notify
ExecStart=/usr/sbin/sshd -D

[Install]
WantedBy=multi-user.target
Alias=sshd.service
`, 0o644)
		h.enable("ssh.service", true)
	})
}

// hostKey is the key that a host shows.
func hostKey(random func([]byte)) ssh.Signer {
	seed := make([]byte, ed25519.SeedSize)
	random(seed)
	key, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(seed))
	if err != nil {
		panic("demo: " + err.Error()) // never with a key of this kind
	}
	return key
}

// Fingerprint is the SHA256:… of the key that the host's sshd shows.
func (h *Host) Fingerprint() string { return ssh.FingerprintSHA256(h.key.PublicKey()) }

// sshd lets everybody in as whom they like: a demo must not need a key. With -T it tells its settings.
func sshd(c *call) int {
	if len(c.args) > 0 && c.args[0] == "-T" {
		c.out("port %d\naddressfamily any\nlistenaddress 0.0.0.0:%d\nlistenaddress [::]:%d\npermitrootlogin yes\nallowtcpforwarding yes\n", sshPort, sshPort, sshPort)
		return 0
	}
	for _, all := range []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
		_, stop, err := c.host.listenAs("sshd", c.proc.pid, netip.AddrPortFrom(all, sshPort), c.host.login)
		if err != nil {
			return c.fail(255, "error: Bind to port %d on %s failed: %v", sshPort, all, err)
		}
		defer stop()
	}
	c.ready()
	<-c.ctx.Done()
	return 0
}

// password lets into the mail host where the fault of that name was asked for.
const password = "postern"

// admission is how a host lets people in: without a question, but for the faults.
func (h *Host) admission() *ssh.ServerConfig {
	config := &ssh.ServerConfig{NoClientAuth: true, ServerVersion: "SSH-2.0-OpenSSH_10.0p2"}
	if h.w.faulty("password") && h == h.w.Mail {
		config.NoClientAuth = false
		config.PasswordCallback = func(_ ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
			if string(given) != password {
				return nil, errors.New("wrong password")
			}
			return nil, nil
		}
	}
	key := h.key
	if h.w.faulty("badkey") && h == h.w.Proxy && h.logins.Load() > 0 {
		key = hostKey(h.w.rand)
	}
	config.AddHostKey(key)
	return config
}

// login serves one connection until either end closes it.
func (h *Host) login(conn net.Conn) {
	ctx, cancel := context.WithCancel(h.up())
	defer cancel()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	c, chans, reqs, err := ssh.NewServerConn(conn, h.admission())
	if err != nil {
		conn.Close()
		return
	}
	h.logins.Add(1)
	h.w.spawn(func() {
		for r := range reqs { // keepalives: any answer is a sign of life
			if r.WantReply {
				r.Reply(false, nil)
			}
		}
	})
	for ch := range chans {
		switch ch.ChannelType() {
		case "session":
			h.w.spawn(func() { h.session(ch, c) })
		case "direct-tcpip":
			h.w.spawn(func() { h.direct(ctx, ch) })
		default:
			ch.Reject(ssh.UnknownChannelType, "unknown channel type")
		}
	}
	c.Close()
}

// session runs one command, or a shell.
func (h *Host) session(nc ssh.NewChannel, c *ssh.ServerConn) {
	ch, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	args := []string{}
	for r := range reqs {
		var asked struct{ Command string }
		switch r.Type {
		case "exec":
			ssh.Unmarshal(r.Payload, &asked)
			args = []string{"sh", "-c", asked.Command}
		case "shell":
			args = []string{"sh", "-s"}
		case "pty-req", "env":
			r.Reply(r.Type == "env", nil)
			continue
		default:
			r.Reply(false, nil)
			continue
		}
		r.Reply(true, nil)
		break
	}
	if len(args) == 0 {
		return
	}
	h.w.spawn(func() { ssh.DiscardRequests(reqs) })
	reader, writer := h.pipe()
	h.w.spawn(func() {
		io.Copy(writer.pipe2(), ch)
		writer.close()
	})
	p := h.start("", args...)
	p.dir = "/root"
	p.open(0, reader)
	p.open(1, &file{host: h, sink: ch, refs: 1})
	p.open(2, &file{host: h, sink: ch.Stderr(), refs: 1})
	status := p.finish(p.execute(args, loginEnv(c)))
	ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(status)}))
}

// pipe2 is the side of a pipe to write to, for who is no process.
func (f *file) pipe2() io.Writer { return flowWriter{f.pipe} }

type flowWriter struct{ f *flow }

func (w flowWriter) Write(b []byte) (int, error) { return w.f.write(b) }

// loginEnv is what a login shell has.
func loginEnv(c *ssh.ServerConn) map[string]string {
	env := map[string]string{"HOME": "/root", "USER": c.User(), "LOGNAME": c.User(), "SHELL": "/bin/sh", "LANG": "C.UTF-8",
		"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	from, err1 := netip.ParseAddrPort(c.RemoteAddr().String())
	to, err2 := netip.ParseAddrPort(c.LocalAddr().String())
	if err1 == nil && err2 == nil {
		env["SSH_CONNECTION"] = strings.Join([]string{from.Addr().String(), strconv.Itoa(int(from.Port())), to.Addr().String(), strconv.Itoa(int(to.Port()))}, " ")
	}
	return env
}

// connectMost is how long a kernel tries to connect, in the host's time.
const connectMost = 130 * time.Second

// direct opens a connection from the host for whoever is logged in.
func (h *Host) direct(ctx context.Context, nc ssh.NewChannel) {
	var to struct {
		Host     string
		Port     uint32
		From     string
		FromPort uint32
	}
	ssh.Unmarshal(nc.ExtraData(), &to)
	dialing, cancel := context.WithTimeout(ctx, h.w.clock.real(connectMost))
	conn, err := h.w.dialFrom(dialing, h, "tcp", net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port))))
	cancel()
	if err != nil {
		nc.Reject(ssh.ConnectionFailed, refusal(err))
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	ch, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	h.w.spawn(func() { ssh.DiscardRequests(reqs) })
	done := make(chan struct{})
	h.w.spawn(func() {
		defer close(done)
		io.Copy(conn, ch)
		if half, ok := conn.(interface{ CloseWrite() error }); ok {
			half.CloseWrite()
		}
	})
	io.Copy(ch, conn)
	ch.CloseWrite()
	<-done
}

// refusal is how sshd says that it could not connect.
func refusal(err error) string {
	var dns *net.DNSError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "Connection refused"
	case errors.Is(err, syscall.EHOSTUNREACH):
		return "No route to host"
	case errors.Is(err, syscall.ENETUNREACH):
		return "Network is unreachable"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "Cannot assign requested address"
	case errors.As(err, &dns):
		return "Name or service not known"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		return "Connection timed out"
	}
	return err.Error()
}
