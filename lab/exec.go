//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Command gives a command that runs on a node when started: on proxy and mail
// as root inside the booted host, without its network; on laptop in its
// namespace, with its HOME and the program on PATH, in this directory; on gw,
// inet and world in their namespaces. Killing the process kills the command, not
// what it left in the background. Down ends whatever still runs.
func (l *Lab) Command(ctx context.Context, node string, argv ...string) (*exec.Cmd, error) {
	n, err := nodeNamed(node)
	if err != nil {
		return nil, err
	}
	if len(argv) == 0 {
		return nil, fmt.Errorf("nothing to run on %s", node)
	}
	if n.boots {
		pid, err := l.HostPID(node)
		if err != nil {
			return nil, err
		}
		cmd := exec.CommandContext(ctx, "nsenter", append([]string{"-t", strconv.Itoa(pid), "-a", "--",
			"setpriv", "--pdeathsig", "KILL", "--"}, argv...)...)
		cmd.Env = []string{"PATH=" + systemPath, "HOME=/root", "USER=root", "LOGNAME=root", "LANG=C.UTF-8", "TERM=" + os.Getenv("TERM")}
		return cmd, nil
	}
	args := []string{"--net=" + l.netns(node), "--"}
	if node != "laptop" {
		cmd := exec.CommandContext(ctx, "nsenter", append(args, argv...)...)
		cmd.Env = append(os.Environ(), l.trustEnv()...)
		return cmd, nil
	}
	args = append(args, "unshare", "--mount", "--propagation", "slave", "sh", "-c", enterLaptop, "laptop", l.dir("laptop", "etc"))
	cmd := exec.CommandContext(ctx, "nsenter", append(args, argv...)...)
	cmd.Env = l.laptopEnv()
	return cmd, nil
}

// enterLaptop lays the laptop's own files over the machine's: OpenSSH takes the
// home from passwd, not from HOME.
const enterLaptop = `for f in passwd hosts resolv.conf; do mount -n --bind "$1/$f" "/etc/$f" || exit 125; done
shift; exec "$@"`

// laptopEnv is this process's environment with another home, and the caches of
// the Go tool where they were.
func (l *Lab) laptopEnv() []string {
	home := l.dir("laptop", "home")
	env := os.Environ()
	for _, name := range []string{"GOCACHE", "GOPATH", "GOMODCACHE"} {
		if out, err := exec.Command("go", "env", name).Output(); err == nil {
			env = append(env, name+"="+strings.TrimSpace(string(out)))
		}
	}
	env = slices.DeleteFunc(env, func(kv string) bool {
		return strings.HasPrefix(kv, "SSH_") || strings.HasPrefix(kv, "XDG_") || strings.HasPrefix(kv, "POSTERN_")
	})
	return append(append(env, l.trustEnv()...), "HOME="+home, "PATH="+l.dir("bin")+":"+os.Getenv("PATH"))
}

// trustEnv has programs trust what the lab's hosts trust.
func (l *Lab) trustEnv() []string {
	return []string{"SSL_CERT_FILE=" + l.dir("roots.pem"), "CURL_CA_BUNDLE=" + l.dir("roots.pem")}
}

// Exec runs a command on a node and gives its standard output. The error holds
// what it said on standard error, and wraps *exec.ExitError.
func (l *Lab) Exec(ctx context.Context, node string, argv ...string) (string, error) {
	cmd, err := l.Command(ctx, node, argv...)
	if err != nil {
		return "", err
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	ownGroup(cmd, syscall.SIGKILL)
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %s: %w: %s", node, strings.Join(argv, " "), err, tail(strings.TrimSpace(errs.String()), 4000))
	}
	return out.String(), nil
}

// makeLaptop makes the operator's home, with a key and an empty known_hosts.
func (l *Lab) makeLaptop(ctx context.Context) error {
	ssh := l.dir("laptop", "home", ".ssh")
	if err := os.MkdirAll(ssh, 0o700); err != nil {
		return err
	}
	passwd, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return err
	}
	files := map[string]string{
		l.dir("laptop", "etc", "passwd"):               moveHome(string(passwd), l.dir("laptop", "home")),
		l.dir("laptop", "etc", "hosts"):                "127.0.0.1 localhost laptop\n::1 localhost\n",
		l.dir("laptop", "etc", "resolv.conf"):          resolvConf,
		l.dir("laptop", "home", ".ssh", "known_hosts"): "",
	}
	for path, text := range files {
		if err := put(path, text, 0o644); err != nil {
			return err
		}
	}
	_, err = run(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "operator@laptop", "-f", filepath.Join(ssh, "id_ed25519"))
	return err
}

// moveHome gives root another home in a passwd file.
func moveHome(passwd, home string) string {
	lines := strings.Split(passwd, "\n")
	for i, line := range lines {
		if f := strings.Split(line, ":"); len(f) == 7 && f[0] == "root" {
			f[5] = home
			lines[i] = strings.Join(f, ":")
		}
	}
	return strings.Join(lines, "\n")
}

// buildProgram builds the checkout's program for the laptop, when there is one.
func (l *Lab) buildProgram(ctx context.Context) error {
	top, ok := checkout()
	if !ok {
		return nil
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", l.dir("bin", "postern"), "./cmd/postern")
	cmd.Dir = top
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as it is released: it runs on the hosts too
	_, err := runCmd(cmd)
	return err
}

// checkout finds the top of the program's source tree, when this process runs in it.
func checkout() (string, bool) {
	mod, err := exec.Command("go", "env", "GOMOD").Output()
	top := filepath.Dir(strings.TrimSpace(string(mod)))
	return top, err == nil && exists(filepath.Join(top, "cmd", "postern"))
}
