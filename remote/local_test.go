//go:build unix

package remote

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

func localRoot(t *testing.T, o Options) *Session {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: the local transport is tested as root")
	}
	s, err := Connect(soon(t), Target{Name: "here", Local: true}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestShLocal(t *testing.T) {
	s := localRoot(t, Options{})
	for _, c := range []struct {
		name, script, out string
		code              int
	}{
		{"nothing", "", "", 0},
		{"no line feed", "printf x", "x", 0},
		{"both outputs", "echo a; echo b >&2", "a\nb\n", 0},
		{"exit", "echo a; exit 7", "a\n", 7},
		{"set -e", "set -e; false; echo no", "", 1},
		{"stdin is empty", "cat; echo end", "end\n", 0},
		{"locale", "echo $LC_ALL", "C\n", 0},
		{"quotes", `echo "it's" '"' '$HOME' ')' '` + "`" + `'`, "it's \" $HOME ) `\n", 0},
		{"here document at the end", "cat <<E\nx)\nE", "x)\n", 0},
		{"here document", "cat <<'E'\n$x\nE\necho y", "$x\ny\n", 0},
		{"no way", "echo \"[$SSH_CONNECTION]\"", "[]\n", 0},
		{"blank lines", "printf '\\n\\n'", "\n\n", 0},
		{"changes stay inside", "cd /tmp; x=1; umask 077; exec 1>/dev/null", "", 0},
		{"and did", "pwd; echo [$x]; umask", "/\n[]\n0022\n", 0},
	} {
		r, err := s.sh(soon(t), c.script, nil)
		if err != nil || r.Out != c.out || r.Code != c.code {
			t.Errorf("%s: got %q, %d, %v; want %q, %d", c.name, r.Out, r.Code, err, c.out, c.code)
		}
	}
}

func TestShSurvivesSyntaxErrors(t *testing.T) {
	s := localRoot(t, Options{})
	for _, bad := range []string{"if", "fi", "echo '", `echo "`, "$(", "cat <<X", "}", ")", "case x in", "((", "`"} {
		r, err := s.sh(soon(t), bad, nil)
		if err != nil || r.Code == 0 && bad != "cat <<X" {
			t.Errorf("%q: %+v, %v", bad, r, err)
		}
		if r, err := s.sh(soon(t), "echo on", nil); err != nil || r.Out != "on\n" {
			t.Fatalf("after %q: %+v, %v", bad, r, err)
		}
	}
}

func TestShKeepsTheStart(t *testing.T) {
	s := localRoot(t, Options{})
	r, err := s.sh(soon(t), "head -c 3000000 /dev/zero | tr '\\0' x; exit 3", nil)
	if err != nil || len(r.Out) != MaxAnswer || !r.Cut || r.Code != 3 {
		t.Errorf("%d bytes, cut %v, code %d, %v", len(r.Out), r.Cut, r.Code, err)
	}
}

func TestShOutStreams(t *testing.T) {
	s := localRoot(t, Options{})
	var lines []string
	_, err := s.sh(soon(t), "echo a; printf '\\033]52;c;x\\007b\\n'; printf c", func(l Text) { lines = append(lines, l.String()) })
	if got := strings.Join(lines, "|"); err != nil || got != "a|b|c" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestShGivesUpAndGoesOn(t *testing.T) {
	s := localRoot(t, Options{})
	fifo := t.TempDir() + "/f"
	if r, _ := s.sh(soon(t), "mkfifo "+Quote(fifo), nil); r.Code != 0 {
		t.Fatal(r.Out)
	}
	ctx, cancel := context.WithCancel(context.Background())
	started := make(chan bool, 1)
	go func() { <-started; cancel() }()
	if _, err := s.sh(ctx, "echo go; read x <"+Quote(fifo)+"; echo $x", func(Text) { started <- true }); err == nil {
		t.Fatal("no error after the context ended")
	}
	done := make(chan Answer)
	go func() {
		r, _ := s.sh(soon(t), "echo mine", nil)
		done <- r
	}()
	if err := os.WriteFile(fifo, []byte("late\n"), 0); err != nil {
		t.Fatal(err)
	}
	if r := <-done; r.Out != "mine\n" {
		t.Errorf("got %q: the reply of another script", r.Out)
	}
}
