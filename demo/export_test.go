package demo

import (
	"fmt"
	"net/netip"
	"strings"
)

// Whole is all of a host that an undo must bring back: its files, but for those of the package installer and of the answers'
// folder, and what it says of itself.
func Whole(h *Host) string {
	var b strings.Builder
	for _, path := range h.Paths() {
		if !strings.HasPrefix(path, "/var/lib/") {
			f := h.File(path)
			fmt.Fprintf(&b, "%s %o %s\n%s\n", path, f.Mode, f.Owner, f.Text)
		}
	}
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	for _, fact := range []string{"addresses", "listeners", "routing", "sysctl", "units", "tunnel", "keys", "keyfiles", "boot", "ufw", "pf", "pfrules", "rcconf", "toaster"} {
		says := answers[fact]
		if own := bsdAnswers[fact]; h.bsd != nil && own != nil {
			says = own
		}
		b.WriteString(fact + "\n" + says(h, []string{"wg0"}))
	}
	for _, r := range h.kernel.rules {
		for name, t := range r {
			for chain, c := range t {
				if c.policy == "-" || c.policy == "DROP" || len(c.rules) > 0 {
					fmt.Fprintf(&b, "%s %s %s %q\n", name, chain, c.policy, c.rules)
				}
			}
		}
	}
	return b.String()
}

// BSD installs FreeBSD on a host, whose address may come by DHCP, or be its only one.
func BSD(h *Host, release string, dhcp, only4 bool) {
	if only4 {
		h.six = netip.Prefix{}
	}
	h.becomeBSD(release, "vtnet0")
	h.bsd.dhcp = dhcp
}

// Install installs packages by hand.
func Install(h *Host, names ...string) {
	for _, name := range names {
		h.unpack(name)
	}
}

// Theirs gives a FreeBSD host a main file of pf of its operator's, which runs.
func Theirs(h *Host, text string) {
	h.put("/etc/pf.conf", text, 0o600)
	h.put("/etc/pf.postern.conf", "", 0o644)
	h.w.mu.Lock()
	h.sysrc("pf_enable", "YES")
	h.w.mu.Unlock()
	h.Restart()
}
