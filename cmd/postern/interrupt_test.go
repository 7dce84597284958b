package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"postern/steps"
)

func TestCtrlCLeavesAQuestion(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("signals cannot be sent to a process there")
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Dir = dir
	cmd.Env = []string{"POSTERN_TEST_AS_COMMAND=1", "HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "TERM=dumb"}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewReader(stdout)
	if _, err := said.ReadString('>'); err != nil { // the first question's prompt
		t.Fatal(err)
	}
	cmd.Process.Signal(syscall.SIGINT)
	rest, _ := io.ReadAll(said)
	err = cmd.Wait()
	if cmd.ProcessState.ExitCode() != exitFailed {
		t.Errorf("%v, want exit code %d", err, exitFailed)
	}
	if !strings.Contains(string(rest), "stopping after this action") || !strings.Contains(stderr.String(), "stopped by the operator") {
		t.Errorf("said %q and %q", rest, &stderr)
	}
}

func TestHeartbeatWhenSilent(t *testing.T) {
	r, w := io.Pipe()
	long := time.Now().Add(-time.Hour)
	v := &voice{people: w, now: time.Now, spoken: long}
	a := &app{say: v, ask: &asker{}}
	a.last.Store(&steps.Event{Host: "proxy", Text: "installing packages\nmore"})
	a.active.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		a.heartbeat(ctx, 10*time.Millisecond)
		close(done)
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	if want := "  still working; the last was: proxy: installing packages\n"; err != nil || line != want {
		t.Errorf("%q %v, want %q", line, err, want)
	}
	go io.Copy(io.Discard, r)
	cancel()
	<-done
}
