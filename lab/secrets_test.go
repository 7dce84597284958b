//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// secret is something that must not be seen where it has no business.
type secret struct {
	name  string
	forms [][]byte
}

// newSecret knows a secret as it is, in base64 at every offset, in hex, and, when it is a key, by its bytes in hex.
func newSecret(name, text string) secret {
	s := secret{name: name, forms: [][]byte{[]byte(text), []byte(hex.EncodeToString([]byte(text))), []byte(strings.ToUpper(hex.EncodeToString([]byte(text))))}}
	for offset := range 3 {
		code := base64.RawStdEncoding.EncodeToString(append(make([]byte, offset), text...))
		s.forms = append(s.forms, []byte(code[2*offset:len(code)-2])) // without the ends, which depend on the neighbours
	}
	if raw, err := base64.StdEncoding.DecodeString(text); err == nil && len(raw) == 32 {
		s.forms = append(s.forms, raw, []byte(hex.EncodeToString(raw)), []byte(strings.ToUpper(hex.EncodeToString(raw))), []byte(base64.RawURLEncoding.EncodeToString(raw)))
	}
	return s
}

func (s secret) in(b []byte) bool {
	for _, form := range s.forms {
		if bytes.Contains(b, form) {
			return true
		}
	}
	return false
}

// randomKey is a WireGuard key that nobody uses.
func randomKey() string {
	raw := make([]byte, 32)
	rand.Read(raw)
	raw[0], raw[31] = raw[0]&248, raw[31]&127|64
	return base64.StdEncoding.EncodeToString(raw)
}

// watcher keeps what the command lines and environments of every process of this machine said, the hosts' among them.
type watcher struct {
	rounds int
	said   map[saying]bool
}

// saying is one command line or environment that a program had.
type saying struct{ program, where, text string }

// watch looks again and again until stop is closed, with a breath between so that the machine can do something else.
func (w *watcher) watch(stop <-chan struct{}) {
	w.said = map[saying]bool{}
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Millisecond):
		}
		w.rounds++
		files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, file := range files {
			line, err := os.ReadFile(file)
			if err != nil || len(line) == 0 {
				continue
			}
			program, _, _ := strings.Cut(string(line), "\x00")
			w.said[saying{filepath.Base(program), "command line", string(line)}] = true
			if env, err := os.ReadFile(filepath.Dir(file) + "/environ"); err == nil {
				w.said[saying{filepath.Base(program), "environment", string(env)}] = true
			}
		}
	}
}

// leaks are the places where a secret was seen: "command line of PROGRAM".
func (w *watcher) leaks(s secret) map[string]bool {
	found := map[string]bool{}
	for one := range w.said {
		if s.in([]byte(one.text)) {
			found[one.where+" of "+one.program] = true
		}
	}
	return found
}

// scan reads every file below a folder and says which hold a secret. Where allowed matches the path below root, the file
// may hold it when it is root's alone.
func scan(t *testing.T, root, folder string, secrets []secret, allowed *regexp.Regexp) (files int) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // a folder that has gone meanwhile
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil //nolint:nilerr // a file that has gone meanwhile
		}
		files++
		below := strings.TrimPrefix(path, root)
		for _, s := range secrets {
			if !s.in(text) {
				continue
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			if allowed == nil || !allowed.MatchString(below) {
				t.Errorf("%s lies in %s", s.name, below)
			} else if info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s lies in %s, which others may read (%v)", s.name, below, info.Mode())
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// hostRoot is a host's root as a folder of this machine.
func hostRoot(t *testing.T, l *Lab, host string) string {
	t.Helper()
	pid, err := l.HostPID(host)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("/proc/%d/root", pid)
}

// give writes a file on a host, which nobody but root may read.
func give(t *testing.T, l *Lab, host, path, text string) {
	t.Helper()
	cmd, err := l.Command(t.Context(), host, "sh", "-c", `umask 077; mkdir -p "${0%/*}"; cat >"$0"`, path)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("writing %s on %s: %v\n%s", path, host, err, out)
	}
}

// keyFiles are where private keys may lie on a host, readable for root alone: where they work, and in the copies of the
// very files that held them before us, without which an undo could not bring these back: in the records, and, until the next
// change, with the undo that has taken their record away, which may itself have to be taken back.
var keyFiles = regexp.MustCompile(`^/etc/wireguard/wg0\.(conf|key)$|^/var/lib/postern/(base/wireguard/wireguard\.conf@[0-9a-f]+/orig|done\.\w+/c/\d+/(old|record/orig))$`)

// TestSecrets: passwords and private keys show up in no command line, environment, output, log, plan, answers file or
// record, and private keys never come out of the host that has them.
func TestSecrets(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{Suite: "bookworm"})
	password := "pass-" + hex.EncodeToString([]byte(randomKey()))[:24]
	adopted, shared, decoy := randomKey(), randomKey(), "decoy-"+randomKey()
	for _, host := range []string{"proxy", "mail"} {
		give(t, l, host, "/root/users", "admin:"+password+"\n")
		want(t, l, host, "sh", "-c", "chpasswd </root/users && rm /root/users && mkdir -m 1777 /var/tmp/wire")
		tap, err := os.ReadFile("testdata/wiretap.sh")
		if err != nil {
			t.Fatal(err)
		}
		give(t, l, host, "/usr/local/bin/wiretap", string(tap))
		give(t, l, host, "/etc/ssh/sshd_config.d/wiretap.conf", "ForceCommand /usr/local/bin/wiretap\n")
		want(t, l, host, "sh", "-c", "chmod 755 /usr/local/bin/wiretap; systemctl reload ssh")
	}
	give(t, l, "mail", "/etc/wireguard/wg0.conf", "[Interface]\nPrivateKey = "+adopted+"\nAddress = 10.0.0.2/24\n\n"+
		"[Peer]\n# phone\nPublicKey = "+randomKey()+"\nPresharedKey = "+shared+"\nAllowedIPs = 10.0.0.77/32\n")

	folder := t.TempDir()
	for name, text := range map[string]string{"password": password + "\n", "askpass": "#!/bin/sh\nread -r p <" + folder + "/password\nprintf '%s\\n' \"$p\"\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	o := newOperator(t, l, func(text string) string { return strings.ReplaceAll(text, "root@", "admin@") })
	o.flags = []string{"--askpass", filepath.Join(folder, "askpass")}

	secrets := []secret{newSecret("the sudo password", password), newSecret("the adopted key", adopted), newSecret("the preshared key", shared)}
	w := &watcher{}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() { defer close(done); w.watch(stop) }()
	end := sync.OnceFunc(func() { close(stop); <-done })
	defer end()
	plant(t, l, decoy)

	outputs := map[string]string{}
	look := func(args ...string) {
		t.Helper()
		outputs[strings.Join(args, " ")] = o.run(0, args...)
	}
	look("plan")
	look("--json", "plan")
	look("plan", "--script")
	look("--json", "--events", "apply", "--yes")
	made := want(t, l, "proxy", "cat", "/etc/wireguard/wg0.key")
	if key := want(t, l, "mail", "cat", "/etc/wireguard/wg0.key"); key != adopted {
		t.Fatal("the key that was there was not adopted, so the test shows nothing")
	}
	secrets = append(secrets, newSecret("the key made by us", made))
	look("--json", "check")
	look("--json", "plan")
	searched(t, l, o, secrets)
	look("undo", "--all", "--yes")
	end()
	searched(t, l, o, secrets)

	for name, out := range outputs {
		if len(out) < 100 {
			t.Errorf("%s printed next to nothing: %q", name, out)
		}
		for _, s := range secrets {
			if s.in([]byte(out)) {
				t.Errorf("%s is in the output of %s", s.name, name)
			}
		}
	}
	if seen := w.leaks(newSecret("the decoy", decoy)); !seen["command line of perl"] || !seen["environment of perl"] {
		t.Errorf("%d rounds over the processes did not see the decoy: they see nothing", w.rounds)
	}
	for _, s := range secrets {
		for where := range w.leaks(s) {
			t.Errorf("%s is in the %s", s.name, where)
		}
	}
	t.Logf("looked at every process %d times", w.rounds)
}

// plant has a process on mail for a while that shows a decoy: proof that the watcher sees the hosts' processes.
func plant(t *testing.T, l *Lab, decoy string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cmd, err := l.Command(ctx, "mail", "perl", "-e", "sleep", decoy)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(cmd.Env, "DECOY="+decoy)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
}

// searched looks for secrets in all that is kept here and on the hosts, and in what went over the wire.
func searched(t *testing.T, l *Lab, o *operator, secrets []secret) {
	t.Helper()
	home := l.dir("laptop", "home")
	if n := scan(t, home, ".local/state/postern", secrets, nil); n == 0 {
		t.Error("no log was kept, so nothing was searched")
	}
	scan(t, home, "", secrets, nil)
	scan(t, filepath.Dir(o.site), "", secrets, nil)
	for _, host := range []string{"proxy", "mail"} {
		root := hostRoot(t, l, host)
		if n := scan(t, root, "/var/lib/postern", secrets, keyFiles); n < 20 {
			t.Errorf("%s keeps %d files of ours, so little was searched", host, n)
		}
		for _, folder := range []string{"/etc", "/root", "/home", "/tmp", "/run", "/var/log", "/var/backups"} {
			scan(t, root, folder, secrets, keyFiles)
		}
		for _, folder := range []string{"/var/lib/postern", "/var/lib/postern/base"} {
			if info, err := os.Stat(root + folder); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("%s: %s: %v %v, want 0700", host, folder, info, err)
			}
		}
		journal := []byte(want(t, l, host, "journalctl", "--no-pager", "-o", "verbose"))
		for _, s := range secrets {
			if s.in(journal) {
				t.Errorf("%s: %s is in the journal", host, s.name)
			}
		}
		onWire(t, root, host, secrets)
	}
}

// onWire wants that private keys neither came to a host nor left it, and that the password only came to it.
func onWire(t *testing.T, root, host string, secrets []secret) {
	t.Helper()
	talks, err := filepath.Glob(root + "/var/tmp/wire/*")
	if err != nil || len(talks) < 10 {
		t.Fatalf("%s: %d talks were overheard (%v), so little was searched", host, len(talks), err)
	}
	came := false
	for _, path := range talks {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range secrets {
			password := s.name == "the sudo password" && strings.HasSuffix(path, ".in")
			if came = came || password && s.in(text); s.in(text) && !password {
				t.Errorf("%s: %s went over the wire (%s)", host, s.name, filepath.Base(path))
			}
		}
	}
	if !came {
		t.Errorf("%s: not even the password was overheard, so nothing was", host)
	}
}
