package wireguard

import (
	"fmt"

	"postern/site"
)

// Words is what is so once the tunnel is kept, in plain words: "mail: it is 10.0.0.2 in the tunnel wg0, …".
func (e End) Words() string {
	s, h := e.Site, e.Host
	here := s.TunnelAddress(h).String()
	if six := s.TunnelAddress6(h); six.IsValid() {
		here += " and " + six.String()
	}
	here = fmt.Sprintf("%s: it is %s in the tunnel %s", h.Name, here, s.Tunnel.Interface)
	if h.Role == site.Proxy {
		return fmt.Sprintf("%s, which the mail host dials on %d/udp, known by its key", here, s.Tunnel.Port)
	}
	clients := ""
	if preserves(s, h) {
		clients = "clients that came through the tunnel are answered through it, and "
	}
	return fmt.Sprintf("%s, which it dials at %s itself, so it needs no open port; %swhat else it sends leaves as before", here, Endpoint(s), clients)
}
