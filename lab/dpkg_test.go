//go:build linux

package main

import (
	"strings"
	"testing"
)

// TestDpkgCutShort: a reboot in the middle of an installation left a package half done, so that nothing more could be
// installed: it is found, and the fix that is offered mends it.
func TestDpkgCutShort(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	o := newOperator(t, l, nil)
	for host, cut := range map[string]string{
		"mail":  "dpkg --unpack /var/cache/apt/archives/wireguard-tools_*.deb",
		"proxy": `dpkg --unpack /var/cache/apt/archives/wireguard-tools_*.deb; sed -i '/^Package: wireguard-tools$/,/^$/s/^Status: .*/Status: install reinstreq half-installed/' /var/lib/dpkg/status`,
	} {
		want(t, l, host, "sh", "-ec", "apt-get -q update; apt-get -q -y --download-only install wireguard-tools; "+cut)
		if out, code := o.try("check", "host.packages"); code != 0 || !strings.Contains(out, "half done: wireguard-tools") {
			t.Errorf("%s: exit %d, half an installation is not found:\n%s", host, code, out)
		}
		if out := o.run(0, "plan", "network"); !strings.Contains(out, "finish the installation that was cut short: wireguard-tools") {
			t.Errorf("%s: nothing would mend it:\n%s", host, out)
		}
		o.run(0, "apply", "--yes", "network")
		if out := o.run(0, "check", "host.packages"); strings.Contains(out, "half done") {
			t.Errorf("%s: it was not mended:\n%s", host, out)
		}
		want(t, l, host, "wg", "--version")
	}
}
