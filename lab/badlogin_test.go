//go:build linux

package main

import (
	"strings"
	"testing"
)

// sudoWantsTerminal: sudo's own words are told, and the line that lets this login do without.
func sudoWantsTerminal(t *testing.T, l *Lab, o *operator) {
	want(t, l, "mail", "sh", "-ec", "echo 'Defaults requiretty' >/etc/sudoers.d/zz-tty; chmod 440 /etc/sudoers.d/zz-tty; visudo -c >/dev/null")
	defer want(t, l, "mail", "rm", "/etc/sudoers.d/zz-tty")
	out, code := o.try(append(as(t, "admin", adminPassword, o), "plan", "network")...)
	if code != 1 || !strings.Contains(out, "must have a tty to run sudo") || !strings.Contains(out, "Defaults:admin !requiretty") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

// shellReplaced: a start-up file that puts another shell in the place of the login shell is told in that one's own words.
func shellReplaced(t *testing.T, l *Lab, o *operator) {
	if !torture() {
		t.Skip("it waits 30 s for an answer: POSTERN_TORTURE=1 asks it")
	}
	want(t, l, "mail", "sh", "-ec", `cp ~admin/.bashrc /root/bashrc.kept; { echo "exec sh -c 'cat >/dev/null; echo fish: no such command >&2'"; cat /root/bashrc.kept; } >~admin/.bashrc`)
	defer want(t, l, "mail", "sh", "-ec", "cp /root/bashrc.kept ~admin/.bashrc")
	out, code := o.try(append(as(t, "admin", adminPassword, o), "plan", "network")...)
	if code != 2 || !strings.Contains(out, "fish: no such command") || !strings.Contains(out, ".bashrc") {
		t.Errorf("exit %d\n%s", code, out)
	}
}
