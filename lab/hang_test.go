//go:build linux

package main

import (
	"strings"
	"testing"
	"time"
)

// hangs are what may hang on a host, or never end, when somebody asks: as it is done, and mended.
var hangs = []struct{ name, hang, mend string }{
	{"systemctl sleeps and ufw talks for ever", `cd /usr/bin && mv systemctl systemctl.was && printf '#!/bin/sh\nexec sleep 900\n' >systemctl
		cd /usr/sbin && mv ufw ufw.was && printf '#!/bin/sh\nexec yes\n' >ufw && chmod 755 ufw /usr/bin/systemctl`,
		`mv /usr/bin/systemctl.was /usr/bin/systemctl; mv /usr/sbin/ufw.was /usr/sbin/ufw`},
	{"user.rules is a FIFO", `cd /etc/ufw && mv user.rules user.rules.was && mkfifo -m 640 user.rules`,
		`cd /etc/ufw && mv -f user.rules.was user.rules`},
	{"user.rules has 200 MB", `cd /etc/ufw && cp -p user.rules user.rules.was && yes '# 0123456789' | head -c 200000000 >>user.rules`,
		`cd /etc/ufw && mv -f user.rules.was user.rules`},
}

// toolsThatHang: what hangs on one host ends neither check nor plan, and takes nothing of what the other one says.
func toolsThatHang(t *testing.T, l *Lab, o *operator) {
	for i, h := range hangs {
		if i > 0 && !torture() {
			t.Log("the others are tried only in make torture")
			break
		}
		want(t, l, "proxy", "sh", "-ec", h.hang)
		start := time.Now()
		healthy, untold := 0, 0
		for _, r := range o.checks() {
			switch {
			case strings.HasPrefix(r.ID, "host.") && r.Result == "ok" && r.From == "mail":
				healthy++
			case r.Result == "unknown":
				untold++
			}
		}
		took := time.Since(start)
		out, code := o.try("plan")
		planned := time.Since(start) - took
		want(t, l, "proxy", "sh", "-c", h.mend)
		if healthy == 0 || untold == 0 || took > 4*time.Minute || planned > 4*time.Minute || code == 0 && !strings.Contains(out, "nothing to change") {
			t.Errorf("%s: check took %s (%d ok of the other host, %d unknown); plan took %s, exit %d:\n%s", h.name, took, healthy, untold, planned, code, out)
		}
		t.Logf("%s: check %s, %d unknown; plan %s, exit %d: %s", h.name, took.Round(time.Second), untold, planned.Round(time.Second), code, tail(strings.TrimSpace(out), 300))
	}
}
