//go:build unix

package remote

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	plantedKey  = "cGxhbnRlZCBrZXkgdGhhdCBtdXN0IG5vdCB0cmF2ZWw="
	plantedKey2 = "YW5vdGhlciBvbmUgdGhhdCBtdXN0IG5vdCB0cmF2ZWw="
)

func shortHash(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])[:16]
}

func write(t *testing.T, path, text string, mode fs.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFacts(t *testing.T) {
	h := newHost(t)
	s := h.connect(h.options())
	dir := t.TempDir()
	files := map[string]string{
		"plain": "a\nb\n", "no line feed": "a\nb", "empty": "", "line feeds": "\n\n\n", "tabs\t": "\t x \t\n", "it's $(odd) \"name\"": "x\n",
		"crlf": "a\r\nb\r\n", "latin1": "caf\xe9\n", "escape": "\x1b[31m\n", "looks like a frame": "\np0123q0 begin\np0123q0 0\n",
	}
	var ask []Query
	for name, text := range files {
		ask = append(ask, ReadFile(write(t, filepath.Join(dir, name), text, 0o640)))
	}
	if err := os.Symlink(filepath.Join(dir, "plain"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "nothing"), filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "setuid"), "x\n", 0o755|fs.ModeSetuid)
	ask = append(ask, ReadFile(dir), ReadFile(filepath.Join(dir, "absent")), ReadFile(filepath.Join(dir, "plain", "below")), ReadFile(filepath.Join(dir, "link")), ReadFile(filepath.Join(dir, "dangling")), ReadFile(filepath.Join(dir, "setuid")),
		ReadRun("out", "echo a; echo b >&2; exit 3"), ReadRun("syntax", "if"), ReadRun("stdin", "cat"), ReadRun("way", "echo $SSH_CONNECTION"), ReadRun("none", ""), ReadRun("same", "echo 1"), ReadRun("same", "echo 1"),
		ReadRun("apart", "cd /; x=1; code=9"), ReadRun("after", "echo [$x]; pwd"))
	before := s.RoundTrips()
	f, err := s.Facts(soon(t), ask)
	if err != nil {
		t.Fatal(err)
	}
	if n := s.RoundTrips() - before; n != 1 {
		t.Errorf("%d round trips", n)
	}
	for name, want := range files {
		file, known := f.File(filepath.Join(dir, name))
		if !known || file == nil || file.Text != want || file.Mode != 0o640 || !strings.Contains(file.Owner, ":") {
			t.Errorf("%q: %+v, %v", name, file, known)
		}
	}
	if _, known := f.File(dir); known {
		t.Error("a directory is not a file")
	}
	if _, known := f.File(filepath.Join(dir, "dangling")); known {
		t.Error("a dangling link is neither there nor absent")
	}
	for _, name := range []string{"absent", "plain/below"} {
		if file, known := f.File(filepath.Join(dir, name)); file != nil || !known {
			t.Errorf("%s: %+v, %v", name, file, known)
		}
	}
	if file, _ := f.File(filepath.Join(dir, "link")); file == nil || file.Text != "a\nb\n" || file.Mode != 0o640 {
		t.Errorf("link: %+v", file)
	}
	if file, _ := f.File(filepath.Join(dir, "setuid")); file == nil || file.Mode != 0o755|fs.ModeSetuid {
		t.Errorf("setuid: %+v", file)
	}
	for id, want := range map[string]Answer{"out": {Out: "a\n", Code: 3}, "syntax": {Code: 2}, "stdin": {}, "none": {}, "same": {Out: "1\n"}, "apart": {}} {
		if got := f.Answers[id]; got.Out != want.Out || got.Code != want.Code {
			t.Errorf("%s: %+v, want %+v", id, got, want)
		}
	}
	if out, ok := f.Get("way"); !ok || !strings.HasPrefix(out, "127.0.0.1 ") {
		t.Errorf("way: %q", out)
	}
	if out, ok := f.Get("after"); !ok || !strings.HasPrefix(out, "[]\n/") {
		t.Errorf("after: %q", out)
	}
}

// What hangs on a host, or never ends, costs its own answer and nothing else: it is ended there with all it started, by the system's
// timeout or without one.
func TestFactsOfToolsThatHang(t *testing.T) {
	for _, system := range []string{"with timeout", "without"} {
		t.Run(system, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			o := h.options()
			o.Look = 12 * time.Second
			if system == "without" {
				o.Path = h.dir + ":" + withoutTool(t, "timeout")
			}
			s := h.connect(o)
			dir := t.TempDir()
			fifo, big, mark := filepath.Join(dir, "fifo"), filepath.Join(dir, "big"), filepath.Join(dir, "postern-test-hangs")
			if err := syscall.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			write(t, big, strings.Repeat("line\n", MaxAnswer), 0o600)
			write(t, mark, "exec sleep 900\n", 0o600)
			f, err := s.Facts(soon(t), []Query{
				ReadFile(fifo), ReadFile(big), ReadRun("first", "echo a; exit 3"), ReadRun("endless", "yes"), ReadRun("stubborn", "trap '' TERM; sh "+mark+" & echo b; wait"),
				ReadRun("fifo", "cat "+fifo), ReadRun("last", "echo c"),
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, known := f.File(fifo); known || f.Answers[fifo].Late {
				t.Errorf("a FIFO was opened: %+v", f.Answers[fifo])
			}
			if _, known := f.File(big); known || !f.Answers[big].Cut {
				t.Error("a file longer than an answer may be is known")
			}
			for id, want := range map[string]Answer{"first": {Out: "a\n", Code: 3}, "stubborn": {Out: "b\n", Code: -1, Late: true}, "fifo": {Code: -1, Late: true}, "last": {Out: "c\n"}} {
				if got := f.Answers[id]; got != want {
					t.Errorf("%s: %+v, want %+v", id, got, want)
				}
			}
			if got := f.Answers["endless"]; !got.Cut || len(got.Out) != MaxAnswer {
				t.Errorf("endless: %d bytes, %v", len(got.Out), got.Cut)
			}
			if out, err := exec.Command("pgrep", "-f", mark).Output(); err == nil {
				t.Errorf("what a query started goes on: %s", out)
			}
			if f, err := s.Facts(soon(t), []Query{ReadRun("again", "echo d")}); err != nil || f.Answers["again"].Out != "d\n" {
				t.Errorf("the next look: %+v, %v", f, err)
			}
		})
	}
}

// withoutTool is a PATH on which one tool is missing.
func withoutTool(t *testing.T, tool string) string {
	t.Helper()
	dir := t.TempDir()
	for _, from := range []string{"/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
		all, _ := filepath.Glob(from + "/*")
		for _, path := range all {
			if filepath.Base(path) != tool {
				_ = os.Symlink(path, filepath.Join(dir, filepath.Base(path)))
			}
		}
	}
	return dir
}

func TestFactsWithTwoOfAName(t *testing.T) {
	h := newHost(t)
	s := h.connect(h.options())
	if _, err := s.Facts(soon(t), []Query{ReadRun("a", "1"), ReadRun("a", "2")}); err == nil {
		t.Error("no error")
	}
	if f, err := s.Facts(soon(t), nil); err != nil || len(f.Answers) != 0 {
		t.Errorf("%+v, %v", f, err)
	}
}

// Not one byte of a key may leave the host, however the file is written.
func TestSecretsStayOnTheHost(t *testing.T) {
	h := newHost(t)
	s := h.connect(h.options())
	dir := t.TempDir()
	lines := map[string]string{
		"PrivateKey = %s":            "PrivateKey = redacted:HASH",
		"PrivateKey=%s":              "PrivateKey= redacted:HASH",
		"  privatekey\t=\t%s  ":      "  privatekey\t= redacted:HASH",
		"PRESHAREDKEY = %s":          "PRESHAREDKEY = redacted:HASH",
		"PresharedKey =%s\r":         "PresharedKey = redacted:HASH",
		"# PrivateKey = %s":          "# PrivateKey = redacted:HASH",
		"\xef\xbb\xbfPrivateKey=%s":  "\xef\xbb\xbfPrivateKey= redacted:HASH",
		"x\rPrivateKey = %s":         "x\rPrivateKey = redacted:HASH",
		"\xff\xfePrivateKey = %s":    "\xff\xfePrivateKey = redacted:HASH",
		"DBPASS=%s":                  "DBPASS=redacted:HASH",
		"DBROOT=%s \r":               "DBROOT=redacted:HASH",
		"export REDISPASS=%s":        "export REDISPASS=redacted:HASH",
		"#AZUREDNS_CLIENTSECRET=%s":  "#AZUREDNS_CLIENTSECRET=redacted:HASH",
		"#API_KEY=%s":                "#API_KEY=redacted:HASH",
		"API_KEY_READ_ONLY = %s":     "API_KEY_READ_ONLY =redacted:HASH",
		"SOGO_URL_ENCRYPTION_KEY=%s": "SOGO_URL_ENCRYPTION_KEY=redacted:HASH",
	}
	var ask []Query
	want := map[string]string{}
	n := 0
	for line, redacted := range lines {
		for _, end := range []string{"\n", "", "\nPublicKey = x\n"} {
			n++
			path := filepath.Join(dir, fmt.Sprint(n))
			write(t, path, "[Interface]\n"+fmt.Sprintf(line, plantedKey)+end, 0o600)
			want[path] = "[Interface]\n" + strings.ReplaceAll(redacted, "HASH", shortHash(plantedKey)) + end
			ask = append(ask, ReadFile(path))
		}
	}
	two := write(t, filepath.Join(dir, "two"), "PrivateKey = "+plantedKey+"\nPresharedKey = "+plantedKey2+"\nPrivateKey = \n", 0o600)
	want[two] = "PrivateKey = redacted:" + shortHash(plantedKey) + "\nPresharedKey = redacted:" + shortHash(plantedKey2) + "\nPrivateKey = \n"
	ask = append(ask, ReadFile(two), ReadRun("conf", "cat "+Quote(two)), ReadRun("err", "cat "+Quote(two)+" >&2"))
	want["conf"] = want[two]
	f, err := s.Facts(soon(t), ask)
	if err != nil {
		t.Fatal(err)
	}
	for id, text := range want {
		if got := f.Answers[id]; got.Out != text || got.Code != 0 {
			t.Errorf("%s: %q, %d; want %q", id, got.Out, got.Code, text)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, secret := range []string{plantedKey, plantedKey2, "cGxhbnRl", "dHJhdmVs"} {
		if strings.Contains(h.said.String(), secret) {
			t.Errorf("%q went over the wire", secret)
		}
	}
	if !strings.Contains(h.said.String(), shortHash(plantedKey)) {
		t.Error("the wire was not recorded")
	}
}

func TestFactsWithoutWhatRedacts(t *testing.T) {
	for _, missing := range []string{"awk", "sha256sum"} {
		h := newHost(t)
		for _, name := range []string{"sh", "cat", "uname", "stat", "cut", "awk", "sha256sum"} {
			if path := "/usr/bin/" + name; name != missing {
				os.Symlink(path, filepath.Join(h.dir, name))
			}
		}
		o := h.options()
		o.Path = h.dir
		s := h.connect(o)
		path := write(t, filepath.Join(t.TempDir(), "f"), "PrivateKey = "+plantedKey+"\n", 0o600)
		if _, err := s.Facts(soon(t), []Query{ReadFile(path)}); err == nil {
			t.Errorf("without %s: no error", missing)
		}
		if strings.Contains(h.said.String(), plantedKey) {
			t.Errorf("without %s the key went over the wire", missing)
		}
	}
}

func TestFactsAreBounded(t *testing.T) {
	h := newHost(t)
	s := h.connect(h.options())
	f, err := s.Facts(soon(t), []Query{
		ReadRun("line", "head -c 10000000 /dev/zero | tr '\\0' x"),
		ReadRun("lines", "yes | head -c 3000000"),
		ReadRun("small", "echo x"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"line", "lines"} {
		if a := f.Answers[id]; len(a.Out) != MaxAnswer || !a.Cut {
			t.Errorf("%s: %d bytes, cut %v", id, len(a.Out), a.Cut)
		}
		if _, ok := f.Get(id); ok {
			t.Errorf("%s: half an answer is none", id)
		}
	}
	if out, ok := f.Get("small"); !ok || out != "x\n" {
		t.Errorf("small: %q", out)
	}
}
