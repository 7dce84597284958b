package tunnel

import (
	"fmt"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

// runs is what runs of the tunnel. An interface that WireGuard cannot tell of is another thing than none.
func runs(f remote.Facts) (seen.WireGuard, error) {
	w, err := seen.Tunnels.Of(f)
	if err == nil && w.Link && !w.Absent && !w.Runs() {
		err = fmt.Errorf("wg show gave no answer")
	}
	return w, err
}

// ends are the two ends of one tunnel: a proxy and a mail host.
type ends struct{ proxy, mail *site.Host }

// tunnels are the pairs of hosts that have a tunnel between them.
func tunnels(e *checks.Env) []ends {
	var all []ends
	for _, p := range e.Site.HostsOf(site.Proxy) {
		for _, m := range e.Site.HostsOf(site.Mail) {
			all = append(all, ends{p, m})
		}
	}
	return all
}
