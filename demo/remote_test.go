package demo

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"postern/remote"
)

// straight reaches a host's sshd whatever the simulated network says.
type straight struct{ h *Host }

func (d straight) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	at := func(s string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s)) }
	client, server := pipe(at("198.51.100.7:40000"), at("203.0.113.10:22"))
	d.h.w.spawn(func() { d.h.login(server) })
	return client, nil
}

func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func connect(t testing.TB, h *Host) *remote.Session {
	t.Helper()
	o := remote.Options{Home: t.TempDir(), User: "ann", Dial: straight{h}}
	if os.Getenv("DEMO_LOG") != "" {
		o.Log = func(host, line string) { t.Log(host, line) }
	}
	s, err := remote.Connect(soon(t), remote.Target{Name: h.Name, SSH: "root@203.0.113.10", Fingerprint: h.Fingerprint()}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestConnect(t *testing.T) {
	w := newWorld(t)
	s := connect(t, w.Proxy)
	if source, port, ok := s.Way(); !ok || source.String() != "198.51.100.7" || port != 22 {
		t.Errorf("way: %v %d %v", source, port, ok)
	}
	r, err := s.Sh(soon(t), "echo hi; id -u; echo oops >&2; exit 3")
	if err != nil || r.Out != "hi\n0\noops\n" || r.Code != 3 {
		t.Errorf("Sh: %+v, %v", r, err)
	}
	r, err = s.Sh(soon(t), "for i in $(seq 1 100); do ( echo one line ) & done; wait")
	if err != nil || strings.Count(r.Out, "one line\n") != 100 {
		t.Errorf("100 that write at once: %q, %v", r.Out, err)
	}
	if r, err = s.Sh(soon(t), "if then"); err != nil || r.Code == 0 {
		t.Errorf("a script that is none: %+v, %v", r, err)
	}
	if r, err = s.Sh(soon(t), "exit 0"); err != nil || r.Code != 0 {
		t.Errorf("the channel did not survive that: %+v, %v", r, err)
	}
	a, err := s.Exec(soon(t), "sleep 0.1; echo beside; exit 4")
	if err != nil || a.Out != "beside\n" || a.Code != 4 {
		t.Errorf("Exec: %+v, %v", a, err)
	}
	again, err := s.Again(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestFacts(t *testing.T) {
	w := newWorld(t)
	w.Proxy.files.write("/etc/wireguard/wg9.conf", "[Interface]\nPrivateKey = abc\n# end", 0o600)
	s := connect(t, w.Proxy)
	f, err := s.Facts(soon(t), []remote.Query{remote.ReadFile("/etc/wireguard/wg9.conf"), remote.ReadFile("/nope"),
		remote.ReadRun("x", "echo x; exit 7"), remote.ReadRun("way", `echo "$SSH_CONNECTION"`), remote.ReadFile("/etc")})
	if err != nil {
		t.Fatal(err)
	}
	file, known := f.File("/etc/wireguard/wg9.conf")
	if !known || file == nil || file.Text != "[Interface]\nPrivateKey = redacted:ba7816bf8f01cfea\n# end" || file.Mode != 0o600 || file.Owner != "root:root" {
		t.Errorf("file: %+v %v", file, known)
	}
	if file, known := f.File("/nope"); !known || file != nil {
		t.Errorf("absent: %+v %v", file, known)
	}
	if _, known := f.File("/etc"); known {
		t.Error("a folder was read as a file")
	}
	if a := f.Answers["x"]; a.Out != "x\n" || a.Code != 7 {
		t.Errorf("run: %+v", a)
	}
	if out, _ := f.Get("way"); !strings.HasPrefix(out, "198.51.100.7 40000 203.0.113.10 22") {
		t.Errorf("way: %q", out)
	}
}
