//go:build linux

package main

import (
	"errors"
	"testing"
	"time"
)

const worldAddress = "198.51.100.77"

// TestSetup is the main job: two bare hosts become one proven system, on each supported release.
func TestSetup(t *testing.T) {
	t.Parallel()
	for _, suite := range []string{"bookworm", "trixie"} {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			variation{lab: Options{Suite: suite}, begin: withServices, settled: servesStill}.prove(t)
		})
	}
}

// onSuites proves something on bookworm, and with every case on trixie too.
func onSuites(t *testing.T, prove func(t *testing.T, suite string)) {
	t.Helper()
	for _, suite := range []string{"bookworm", "trixie"} {
		t.Run(suite, func(t *testing.T) {
			if suite != "bookworm" {
				needTorture(t)
			}
			t.Parallel()
			prove(t, suite)
		})
	}
}

// onBoth does something to both hosts at once.
func onBoth(t *testing.T, do func(host string) error) {
	t.Helper()
	errs := make(chan error)
	for _, host := range []string{"proxy", "mail"} {
		go func() { errs <- do(host) }()
	}
	if err := errors.Join(<-errs, <-errs); err != nil {
		t.Fatal(err)
	}
}

// afterReboot wants check to exit 0 without help. The tunnel's first handshake may take a keepalive interval, so it is
// asked again for a while.
func (o *operator) afterReboot() {
	o.t.Helper()
	var out string
	code := -1
	for end := time.Now().Add(90 * time.Second); code != 0 && time.Now().Before(end); {
		out, code = o.try("check")
	}
	if code != 0 {
		o.t.Fatalf("check after the reboot: exit %d\n%s", code, out)
	}
}

func wantClientsSeen(t *testing.T, l *Lab) {
	t.Helper()
	variation{}.wantSeen(t, l)
}

// TestSetupForDocker: a container that publishes the port on the tunnel's address sees the client's own address, and
// comes back after a reboot, though Docker must wait for the tunnel.
func TestSetupForDocker(t *testing.T) {
	t.Parallel()
	onSuites(t, func(t *testing.T, suite string) {
		l := newLab(t, Options{Suite: suite, Docker: true})
		o := newOperator(t, l, nil)
		o.run(0, "apply", "--yes")
		for _, port := range []string{"993", "587", "465"} {
			container(t, l, port)
		}
		wantClientsSeen(t, l)
		o.proven()
		onBoth(t, func(host string) error { return l.Reboot(t.Context(), host) })
		o.afterReboot()
		wantClientsSeen(t, l)
	})
}

// container runs the listener in a container that publishes port on the tunnel's address.
func container(t *testing.T, l *Lab, port string) {
	t.Helper()
	script := `mkdir -p /srv && cat >/srv/peer.pl && docker run -d --restart always --name peer-$0 -p 10.0.0.2:$0:$0 \
		-v /srv/peer.pl:/peer.pl:ro lab/base perl /peer.pl 0.0.0.0 $0`
	cmd, err := l.Command(t.Context(), "mail", "sh", "-c", script, port)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = thePeer(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("container for %s: %v\n%s", port, err, out)
	}
}
