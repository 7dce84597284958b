package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"postern/remote"
	"postern/site"
)

// asking is line mode with what an operator types.
func asking(t *testing.T, typed string) (*asker, *bytes.Buffer) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteString(typed); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() { r.Close() })
	v, _, people, _ := heard()
	return &asker{say: v, in: r, secrets: &secrets{}}, people
}

func TestOnlyYesAgrees(t *testing.T) {
	for typed, want := range map[string]bool{"y\n": true, "YES\n": true, "\n": false, "n\n": false, "maybe\ny\n": true, "maybe\n\n": false} {
		a, _ := asking(t, typed)
		if got, err := a.agree(t.Context(), "do it?"); err != nil || got != want {
			t.Errorf("%q: %v %v, want %v", typed, got, err, want)
		}
	}
	for _, typed := range []string{"", "y", "maybe\n"} { // the end of input, also in the middle of a line, is no answer
		a, _ := asking(t, typed)
		if got, err := a.agree(t.Context(), "do it?"); got || !errors.Is(err, remote.ErrNoAnswer) {
			t.Errorf("%q: %v %v, want no agreement and ErrNoAnswer", typed, got, err)
		}
	}
}

func TestStoppingLeavesAQuestion(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	v, _, _, _ := heard()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := (&asker{say: v, in: r}).agree(ctx, "do it?"); got || err == nil {
		t.Errorf("%v %v, want an error", got, err)
	}
}

func TestFieldAsksUntilItIsValid(t *testing.T) {
	s := site.Default()
	f, err := site.FieldOf(s, "ports.imaps")
	if err != nil {
		t.Fatal(err)
	}
	a, people := asking(t, "70000\n?\n1993\n")
	if err := a.field(t.Context(), s, f, "found on the host"); err != nil {
		t.Fatal(err)
	}
	if s.Ports.IMAPS != 1993 {
		t.Errorf("got %d", s.Ports.IMAPS)
	}
	for _, want := range []string{f.Title, f.Key, f.Help, "found on the host", `"70000" is not a port`, "[993]"} {
		if !strings.Contains(people.String(), want) {
			t.Errorf("%q was not said:\n%s", want, people)
		}
	}
}

func TestFieldTakesNumbersForChoices(t *testing.T) {
	s := site.Default()
	f, err := site.FieldOf(s, "clients.addresses")
	if err != nil {
		t.Fatal(err)
	}
	a, _ := asking(t, "2\n")
	if err := a.field(t.Context(), s, f, ""); err != nil || s.Clients.Addresses != "masquerade" {
		t.Errorf("%q %v, want the second choice", s.Clients.Addresses, err)
	}
	b, _ := asking(t, "\n")
	if err := b.field(t.Context(), s, f, ""); err != nil || s.Clients.Addresses != "masquerade" {
		t.Errorf("%q %v, want it kept", s.Clients.Addresses, err)
	}
}

func TestAskpassGivesSecretsAndNothingKeepsThem(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("--askpass goes through sh here")
	}
	helper := filepath.Join(t.TempDir(), "my askpass")
	script := "#!/bin/sh\nprintf '%s\\n' \"$1\" >>\"$0.asked\"\ncase $1 in *mail*) exit 1;; esac\nprintf 'hunter2 \\n'\n"
	if err := os.WriteFile(helper, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	a, people := asking(t, "")
	a.askpass = remote.Quote(helper)
	got, err := a.answer(t.Context(), remote.Prompt{Kind: remote.Sudo, Host: "proxy", Text: remote.Clean("admin@203.0.113.10:22")})
	if err != nil || got != "hunter2 " {
		t.Fatalf("%q %v, want the secret without its newline", got, err)
	}
	if _, err := a.answer(t.Context(), remote.Prompt{Kind: remote.Password, Host: "mail", Text: remote.Clean("root@192.168.50.2:22"), Refused: true}); !errors.Is(err, remote.ErrNoAnswer) {
		t.Errorf("a helper that fails: %v, want ErrNoAnswer", err)
	}
	asked, _ := os.ReadFile(helper + ".asked")
	if string(asked) != "sudo password on proxy, of admin@203.0.113.10:22\nSSH password on mail, of root@192.168.50.2:22\n" {
		t.Errorf("asked %q", asked)
	}
	if strings.Contains(people.String(), "hunter2") {
		t.Error("the secret was said")
	}
	if !strings.Contains(people.String(), "refused: that is not the SSH password on mail, of root@192.168.50.2:22\n") {
		t.Errorf("it was not said that the answer before was refused, and whose it was: %q", people)
	}
	if got := a.secrets.scrub("x hunter2 y"); got != "x [secret]y" {
		t.Errorf("the log would say %q", got)
	}
}

func TestHostKeyWantsATypedYes(t *testing.T) {
	prompt := remote.Prompt{Kind: remote.HostKey, Host: "proxy", Text: remote.Clean("ED25519 SHA256:abc")}
	a, people := asking(t, "yes\n")
	a.askpass = "echo yes; echo" // must not be asked for a host key
	if got, err := a.answer(t.Context(), prompt); got != "yes" || err != nil {
		t.Errorf("%q %v", got, err)
	}
	if !strings.Contains(people.String(), "SHA256:abc") {
		t.Error("the fingerprint was not shown")
	}
	b, _ := asking(t, "")
	b.askpass = "echo yes; echo"
	if got, err := b.answer(t.Context(), prompt); got != "" || !errors.Is(err, remote.ErrNoAnswer) {
		t.Errorf("%q %v, want ErrNoAnswer at the end of input", got, err)
	}
}
