//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// childMark is the name this program runs itself under to do one piece of work
// in the background. A test binary does it too, hence init and not main.
const childMark = "postern-lab-child"

func init() {
	// Namespaces belong to threads. With the main goroutine kept on the first
	// thread, inNetns never gets that one, whose namespace is the process's.
	runtime.LockOSThread()
	if len(os.Args) < 3 || os.Args[0] != childMark {
		return
	}
	work := map[string]func(args []string) error{
		"boot":   childBoot,
		"mirror": childMirror,
		"relay":  childRelay,
		"names":  childNames,
		"mx":     childExchanger,
		"acme":   childACME,
	}[os.Args[1]]
	if work == nil {
		os.Exit(2)
	}
	err := joinCgroup(os.Args[2])
	if err == nil {
		os.NewFile(joinedFD, "joined").Close()
		err = work(os.Args[3:])
	}
	fmt.Fprintf(os.Stderr, "lab: %s: %v\n", os.Args[1], err)
	os.Exit(1)
}

// joinedFD is a pipe that a child closes when it is in its control group.
const joinedFD = 3

// background starts a child in a control group of the lab that outlives this
// process; what it says goes to the log file.
func (l *Lab) background(work, group, log string, args ...string) (pid int, err error) {
	f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = append([]string{childMark, work, l.cgroup(group)}, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + systemPath, "LC_ALL=C"}
	cmd.Stdout, cmd.Stderr = f, f
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	joined, child, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer joined.Close()
	cmd.ExtraFiles = []*os.File{child}
	err = cmd.Start()
	child.Close()
	if err != nil {
		return 0, err
	}
	go func() { _ = cmd.Wait() }()
	// Before that down would not find it.
	_, _ = io.Copy(io.Discard, joined)
	return cmd.Process.Pid, nil
}

// childBoot becomes systemd-nspawn, in a mount namespace where what nspawn
// leaves behind in /run/systemd is not this machine's.
func childBoot(args []string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return err
	}
	if err := os.Mkdir("/run/systemd", 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := unix.Mount("lab", "/run/systemd", "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	path, err := exec.LookPath("systemd-nspawn")
	if err != nil {
		return err
	}
	env := append(os.Environ(), "SYSTEMD_NSPAWN_API_VFS_WRITABLE=network")
	err = unix.Exec(path, append([]string{"systemd-nspawn"}, args...), env)
	return fmt.Errorf("%s: %w", strings.Join(args, " "), err)
}
