//go:build unix

package remote

import (
	"context"
	"os/exec"
	"syscall"
)

// startLocal starts a shell on this machine, in a session of its own: an interrupt typed at the terminal must not reach a
// host in the middle of a change.
func startLocal(context.Context) (*process, error) {
	cmd := exec.Command("/bin/sh", "-s")
	cmd.Env = []string{"PATH=" + systemPath, "LC_ALL=C", "HOME=/"}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := newProcess(in, out, func() {})
	go func() {
		<-p.out.ended
		_ = cmd.Wait() // its shell has ended, and that was told: this only takes it off the list of processes
	}()
	return p, nil
}
