//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// operator is a person at the laptop who runs the program with an answers file of their own.
type operator struct {
	t     testing.TB
	l     *Lab
	node  string   // where the program runs
	site  string   // the answers file
	flags []string // given in every run
}

// newOperator sits down at the laptop of a lab whose host keys are known, with the lab's answers and the lines given
// put in place of those of the same key.
func newOperator(t testing.TB, l *Lab, answers func(string) string) *operator {
	t.Helper()
	if err := l.Trust(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/site.toml")
	if err != nil {
		t.Fatal(err)
	}
	// Chapters 1 to 3 need no names; what is published of them has a test of its own.
	text = regexp.MustCompile(`(?m)^(domain|hostname) = .*\n`).ReplaceAll(text, nil)
	if answers != nil {
		text = []byte(answers(string(text)))
	}
	o := &operator{t: t, l: l, node: "laptop", site: filepath.Join(t.TempDir(), "site.toml")}
	if err := os.WriteFile(o.site, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return o
}

// command is the program with the answers file and those arguments, not started.
func (o *operator) command(ctx context.Context, args ...string) *exec.Cmd {
	o.t.Helper()
	cmd, err := o.l.Command(ctx, o.node, slices.Concat([]string{"postern", "--site", o.site}, o.flags, args)...)
	if err != nil {
		o.t.Fatal(err)
	}
	return cmd
}

// run runs the program, wants that exit code, and gives all it printed.
func (o *operator) run(code int, args ...string) string {
	o.t.Helper()
	out, got := o.try(args...)
	if got != code {
		o.t.Fatalf("postern %s: exit %d, want %d\n%s", strings.Join(args, " "), got, code, out)
	}
	return out
}

// try runs the program and gives all it printed, and its exit code.
func (o *operator) try(args ...string) (string, int) {
	o.t.Helper()
	cmd := o.command(o.t.Context(), args...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return string(out), 0
	case errors.As(err, &exit):
		return string(out), exit.ExitCode()
	}
	o.t.Fatalf("postern %s: %v\n%s", strings.Join(args, " "), err, out)
	return "", -1
}

// result is one row of check --json.
type result struct {
	ID, Step, From, Result, Saw, Want, Likely, Fix, Evidence string
}

// checks asks the checks and gives every result, whatever the exit code.
func (o *operator) checks(args ...string) []result {
	o.t.Helper()
	cmd := o.command(o.t.Context(), append([]string{"--json", "check"}, args...)...)
	out, _ := cmd.Output()
	var doc struct {
		Schema  int
		Results []result
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		o.t.Fatalf("check --json: %v\n%s", err, out)
	}
	if len(doc.Results) == 0 {
		o.t.Fatal("check --json has no results")
	}
	return doc.Results
}

// proven wants that every check is ok, or does not apply; of those named a warning will do.
func (o *operator) proven(warned ...string) {
	o.t.Helper()
	for _, r := range o.checks() {
		if r.Result != "ok" && r.Result != "skip" && !(r.Result == "warn" && slices.Contains(warned, r.ID)) {
			o.t.Errorf("%s from %s: %s: saw %q, want %q, likely %q", r.ID, r.From, r.Result, r.Saw, r.Want, r.Likely)
		}
	}
}

// listen keeps a listener on mail that tells each client the address it saw, until the test ends.
func listen(t testing.TB, l *Lab, addr, port string) {
	t.Helper()
	unit := "peer-" + port
	cmd, err := l.Command(t.Context(), "mail", "sh", "-c", "cat >/run/peer.pl && systemd-run --quiet --collect --unit="+unit+
		" -p Restart=on-failure -p RestartSec=1 perl /run/peer.pl "+addr+" "+port+
		" && for i in $(seq 100); do ss -ltnH | grep -q '"+addr+":"+port+" ' && exit 0; sleep 0.1; done; exit 1")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = thePeer(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("serving %s:%s on mail: %v\n%s", addr, port, err, out)
	}
	at := net.JoinHostPort(addr, port)
	if err := poll(t.Context(), time.Minute, func() bool { return reaches(t.Context(), l, "mail", at) == nil }); err != nil {
		t.Fatalf("nothing listens at %s on mail: %v", at, err)
	}
}

// thePeer is the listener that tells each client the address it saw.
func thePeer(t testing.TB) io.Reader {
	t.Helper()
	script, err := os.ReadFile("testdata/peer.pl")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(script)
}

// peerSeen connects from world to the proxy's port and gives what the listener behind it says it saw. A listener may still
// be starting, as a container's after a boot.
func peerSeen(t *testing.T, l *Lab, port string) string {
	t.Helper()
	var seen string
	var err error
	_ = poll(t.Context(), time.Minute, func() bool {
		seen, err = l.Exec(t.Context(), "world", "perl", "-MIO::Socket::INET", "-e",
			`$s = IO::Socket::INET->new(PeerAddr => "203.0.113.10:$ARGV[0]", Timeout => 5) or die "$@\n"; print scalar <$s> // exit 1`, port)
		return err == nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(seen)
}

// rules is what the kernel filters and translates on a host, without counters and times.
func rules(t *testing.T, l *Lab, host string) string {
	t.Helper()
	return want(t, l, host, "sh", "-c", `{ iptables-save; ip6tables-save; } 2>/dev/null | sed -e '/^#/d' -e 's/\[[0-9:]*\]//'`)
}
