package demo_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"postern/checks"
	"postern/demo"
	"postern/remote"
	"postern/run"
	"postern/site"
)

// faultStories say what the engine makes of each fault.
var faultStories = map[string]func(t *testing.T, o *operator){
	"lockout": func(t *testing.T, o *operator) {
		if err := o.apply(); !errors.Is(err, run.ErrRolledBack) {
			t.Errorf("apply: %v", err)
		}
		if !strings.Contains(o.told(), "a new login does not work yet") {
			t.Error("nobody was told that no new login works")
		}
	},
	"linkloss": func(t *testing.T, o *operator) {
		if err := o.apply(); err != nil && !errors.Is(err, run.ErrRolledBack) && !errors.Is(err, run.ErrUntold) {
			t.Errorf("apply: %v", err)
		}
		if err := o.apply(); err != nil {
			t.Errorf("again: %v", err)
		}
	},
	"port25": func(t *testing.T, o *operator) {
		if err := o.apply(); err != nil {
			t.Errorf("apply: %v", err)
		}
		if b := bad(o.last); !strings.Contains(b, "smtp") {
			t.Errorf("nothing is said of smtp:\n%s", b)
		}
	},
	"mtu": func(t *testing.T, o *operator) {
		if err := o.apply(); err != nil {
			t.Errorf("apply: %v", err)
		}
		if b := bad(o.last); !strings.Contains(b, "mtu") {
			t.Errorf("nothing is said of the MTU:\n%s", b)
		}
		for _, r := range o.last {
			if key, value, ok := strings.Cut(r.Answer, "="); ok {
				if err := site.Set(o.site, key, value); err != nil {
					t.Error(err)
				}
			}
		}
		if err := o.apply(); err != nil {
			t.Errorf("with the answer that was offered: %v", err)
		}
		if b := bad(o.last); strings.Contains(b, "mtu") {
			t.Errorf("the answer that was offered does not mend it:\n%s", b)
		}
	},
	"unit": func(t *testing.T, o *operator) {
		if err := o.apply(); err != nil {
			t.Errorf("apply: %v", err)
		}
		time.Sleep(time.Minute)
		list := checks.Causes(o.check())
		if len(list) != 1 || list[0].Key() != "tunnel.unit@mail" || len(list[0].Follows) < 12 || !strings.Contains(list[0].Saw.String(), "is stopped since ") || list[0].Fix != "wireguard" {
			t.Errorf("not one cause with what follows from it, which its chapter mends: %+v", list)
		}
		if err := o.apply(); err != nil {
			t.Errorf("again: %v", err)
		}
		if list := checks.Causes(o.check()); len(list) > 0 {
			t.Errorf("it mends nothing: %+v", list)
		}
	},
	"apt": func(t *testing.T, o *operator) {
		if err := o.apply(); err != nil {
			t.Errorf("apply: %v", err)
		}
		if !strings.Contains(o.told(), "waiting for another apt to finish: 612/unattended-upgr") {
			t.Error("nobody waited for the other apt")
		}
	},
	"badkey": func(t *testing.T, o *operator) {
		var changed *remote.ChangedKeyError
		if err := o.apply(); !errors.As(err, &changed) {
			t.Errorf("apply: %v", err)
		}
	},
	"password": func(t *testing.T, o *operator) {
		if err := o.apply(); err != nil {
			t.Errorf("apply: %v", err)
		}
		if n := strings.Count(o.told(), "asked password mail"); n != 1 {
			t.Errorf("the password was asked for %d times", n)
		}
	},
	"ptr": func(t *testing.T, o *operator) {
		if err := o.apply(); err != nil {
			t.Errorf("apply: %v", err)
		}
		if b := bad(o.last); !strings.Contains(b, "PTR host-10.hoster.example is not of this site") || strings.Count(b, "dns.") != 1 {
			t.Errorf("the reverse name is not what is told of:\n%s", b)
		}
	},
	"spf": func(t *testing.T, o *operator) {
		if err := o.apply(); err != nil {
			t.Errorf("apply: %v", err)
		}
		if b := bad(o.last); !strings.Contains(b, "there are 2 SPF records") || strings.Count(b, "dns.") != 1 {
			t.Errorf("the second SPF record is not what is told of:\n%s", b)
		}
	},
	"dkim": func(t *testing.T, o *operator) {
		if err := o.apply(); err != nil {
			t.Errorf("apply: %v", err)
		}
		if b := bad(o.last); !strings.Contains(b, "it has another key than the one that mail is signed with") || strings.Count(b, "dns.") != 1 {
			t.Errorf("the old key is not what is told of:\n%s", b)
		}
	},
	"relay": func(t *testing.T, o *operator) {
		_ = o.apply() // what is an open relay is no change of ours
		if b := bad(o.last); !strings.Contains(b, "an open relay: from <>") {
			t.Errorf("nobody says that it is an open relay:\n%s", b)
		}
	},
	"junk": func(t *testing.T, o *operator) {
		if err := o.apply(); err != nil {
			t.Errorf("apply: %v", err)
		}
		if b := bad(o.sends(t)); !strings.Contains(b, "mail took it from unknown[10.0.0.1], which is no address of the world") {
			t.Errorf("nobody says that senders are not known:\n%s", b)
		}
	},
	"homeip": func(t *testing.T, o *operator) {
		if err := o.apply(); err != nil {
			t.Errorf("apply: %v", err)
		}
		if b := bad(o.sends(t)); !strings.Contains(b, "it left by mx.friend.test[192.0.2.25]:25, and not by the proxy") {
			t.Errorf("nobody says where it leaves from:\n%s", b)
		}
		o.site.Mail.Path = "direct"
		if _ = o.apply(); !strings.Contains(bad(o.last), "sees 198.51.100.") {
			t.Errorf("nobody says whom others see:\n%s", bad(o.last))
		}
	},
	"boot": func(t *testing.T, o *operator) {
		if err := o.apply(); err == nil {
			t.Error("nobody noticed the reboot")
		}
		if err := o.apply(); err != nil {
			t.Errorf("again: %v", err)
		}
	},
}

// TestFaults tells each fault's story.
func TestFaults(t *testing.T) {
	for fault := range demo.Faults() {
		t.Run(fault, story(func(t *testing.T) {
			deadline := 10 * time.Minute
			switch fault {
			case "lockout": // no new login works until the host's guard acts
				deadline = 12 * time.Second
			case "badkey": // no new login ever works
				deadline = 4 * time.Second
			}
			o := newOperator(t, deadline, fault)
			faultStories[fault](t, o)
			if t.Failed() {
				t.Logf("%s\n%s", bad(o.last), o.told())
			}
		}))
	}
}

// TestUnknownFault wants the names of those that there are.
func TestUnknownFault(t *testing.T) {
	if _, err := demo.New(demo.Options{Faults: []string{"nosuch"}}); err == nil || !strings.Contains(err.Error(), "linkloss") {
		t.Error(err)
	}
}

// TestNobodyThere wants a login that leads nowhere to fail with an SSH client's words.
func TestNobodyThere(t *testing.T) {
	story(func(t *testing.T) {
		o := newOperator(t, time.Minute)
		for to, want := range map[string]string{
			"root@203.0.113.10:2222": "refuses the connection",
			"root@192.168.50.77":     "there is no way to 192.168.50.77:22",
			"root@nosuch.example":    `there is no host named "nosuch.example"`,
			"root@203.0.113.99":      "203.0.113.99:22 does not answer within 10s",
		} {
			if _, err := o.connect(t.Context(), remote.Target{Name: "proxy", SSH: to}); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", to, err)
			}
		}
		if _, err := o.connect(t.Context(), remote.Target{Name: "mail", Local: true}); err == nil || !strings.Contains(err.Error(), "this machine") {
			t.Errorf("this machine: %v", err)
		}
	})(t)
}
