//go:build linux

package main

import (
	"strings"
	"testing"
	"time"
)

// TestLockOut: a policy that shuts the operator out is refused before anything changes; forced, the host takes it back, also
// when nobody is there any more to ask it to.
func TestLockOut(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	o := newOperator(t, l, nil)
	o.run(0, "apply", "--yes")
	for _, c := range []struct{ host, addr, answer string }{
		{"mail", "192.168.50.2", "host.mail.ssh_from=10.9.9.0/24"},
		{"proxy", "203.0.113.10", "host.proxy.ssh_from=10.9.9.0/24"},
	} {
		t.Run(c.host, func(t *testing.T) {
			a := &arena{l: l}
			o := &operator{t: t, l: l, node: "laptop", site: o.site}
			old := map[string]string{"mail": printOf(t, l, "mail"), "proxy": printOf(t, l, "proxy")}
			same := func(after string) {
				t.Helper()
				if err := a.login(t, c.addr); err != nil {
					t.Errorf("%s: no login: %v", after, err)
				}
				for host, was := range old {
					if now := printOf(t, l, host); now != was {
						t.Errorf("%s: %s differs:\n%s", after, host, apart(now, was))
					}
				}
			}
			ends := func() string { return want(t, l, c.host, "sh", "-c", "ls -d /var/lib/postern/done.*") }

			before := ends()
			out := o.run(1, "--set", c.answer, "apply", "--yes")
			for _, said := range []string{"locked out", "--accept-risk=lose-ssh", "nothing was changed"} {
				if !strings.Contains(out, said) {
					t.Errorf("the refusal does not say %q:\n%s", said, out)
				}
			}
			if now := ends(); now != before {
				t.Errorf("a refused run began something: %s, was %s", now, before)
			}
			same("refused")

			flags := []string{"--set", c.answer, "--accept-risk=lose-ssh", "--yes", "--deadline", "20s", "--json", "--events", "apply"}
			f := fly(o, flags...)
			shut := a.shutOut(t, f, c.addr)
			<-f.ended
			if code := f.cmd.ProcessState.ExitCode(); code != 4 {
				t.Errorf("forced: exit %d, want 4\n%s", code, f.told())
			}
			if !shut {
				t.Errorf("forced: a new login worked all the time, so nothing was forced:\n%s", f.told())
			}
			a.settled(t, f)
			same("forced")

			f = fly(o, flags...)
			if where, ok := f.stopAt(pointNamed(t, "applied"), c.host); !ok {
				t.Fatalf("the run ended before it was applied:\n%s", f.told())
			} else {
				t.Log(where)
			}
			if err := f.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			if a.login(t, c.addr) == nil {
				t.Error("one can log in while locked out")
			}
			start := time.Now()
			for a.login(t, c.addr) != nil && time.Since(start) < 2*time.Minute {
			}
			t.Logf("locked out with nobody there: a login works again after %s; the deadline was 20 s", time.Since(start).Round(time.Second))
			a.settled(t, f)
			same("forced, and the client killed")
		})
	}
}

// shutOut says whether a new login failed while the program ran.
func (a *arena) shutOut(t *testing.T, f *flight, addr string) bool {
	t.Helper()
	for {
		select {
		case <-f.ended:
			return false
		default:
		}
		if a.login(t, addr) != nil {
			return true
		}
	}
}

// TestBrokenMailIsTakenBack: a change that leaves SSH alone but shuts out the mail programs that came in on 993 is not kept.
// The tunnel gets other addresses, and the mail server goes on listening on its old one.
func TestBrokenMailIsTakenBack(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	o := newOperator(t, l, nil)
	o.run(0, "apply", "--yes")
	listen(t, l, "10.0.0.2", "993")
	old := map[string]string{"mail": printOf(t, l, "mail"), "proxy": printOf(t, l, "proxy")}
	out, code := o.try("--set", "tunnel.network=10.66.0.0/24", "--set", "tunnel.proxy=10.66.0.1", "--set", "tunnel.mail=10.66.0.2", "apply", "--yes")
	if code != 4 {
		t.Errorf("exit %d, want 4\n%s", code, out)
	}
	if !strings.Contains(out, "993") {
		t.Errorf("it does not say what broke:\n%s", out)
	}
	start := time.Now()
	for reaches(t.Context(), l, "world", "203.0.113.10:993") != nil && time.Since(start) < 2*time.Minute {
		time.Sleep(200 * time.Millisecond) // the tunnel's next handshake
	}
	if got := peerSeen(t, l, "993"); !strings.HasPrefix(got, "peer "+worldAddress+" ") {
		t.Errorf("993 says %q", got)
	}
	t.Logf("993 answers again %s after the program ended", time.Since(start).Round(100*time.Millisecond))
	for host, was := range old {
		if now := printOf(t, l, host); now != was {
			t.Errorf("%s differs:\n%s", host, apart(now, was))
		}
	}
}
