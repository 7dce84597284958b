package steps

import (
	"fmt"
	"strings"

	"postern/seen"
	"postern/site"
)

// WayBack is what to type on a host's own console, as root, when nothing else gets in any more. It is shown once, before
// the first change that could cut the operator off.
func WayBack(s *site.Site, h *site.Host) string {
	if s.Layout == "toaster" {
		return wayBackJails(h)
	}
	where := "at its own screen and keyboard"
	if h.Role == site.Proxy {
		where = "through the provider's panel (Console, VNC or KVM)"
	}
	firewall, undone, tunnel := "ufw disable", "ufw enable", "systemctl stop "+seen.TunnelUnit(s.Tunnel.Interface)
	if h.BSD() {
		firewall, undone, tunnel = "pfctl -d", "pfctl -e", "wg-quick down "+s.Tunnel.Interface
	}
	return strings.Join([]string{
		fmt.Sprintf("If %s cannot be reached any more: it takes an unconfirmed change back by itself at the deadline, so wait for that first.", h.Name),
		fmt.Sprintf("If that does not help, log in as root %s and type:", where),
		"  sh /var/lib/postern/open/agent boot",
		"      takes back a change that is still open (without that folder there is none)",
		"  " + firewall,
		"      opens the firewall, until: " + undone,
		"  " + tunnel,
		"      takes the tunnel down",
	}, "\n")
}
