package checks

import (
	"fmt"

	"postern/remote"
	"postern/seen"
	"postern/site"
)

// wgOf is what runs of the tunnel. An interface that WireGuard cannot tell of is another thing than none.
func wgOf(f remote.Facts) (seen.WireGuard, error) {
	w, err := seen.Tunnels.Of(f)
	if err == nil && w.Link && !w.Absent && !w.Runs() {
		err = fmt.Errorf("wg show gave no answer")
	}
	return w, err
}

// ends are the two ends of one tunnel: a proxy and a mail host.
type ends struct {
	proxy, mail   *site.Host
	proxyV, mailV *Vantage
}

// tunnels are the pairs of hosts that have a tunnel between them. err is set for a pair of which an end is not known.
func (e *Env) tunnels() []ends {
	var all []ends
	for _, p := range e.Site.HostsOf(site.Proxy) {
		for _, m := range e.Site.HostsOf(site.Mail) {
			all = append(all, ends{p, m, e.Hosts[p.Name], e.Hosts[m.Name]})
		}
	}
	return all
}

// unset names a host on which the tunnel was not set up yet, so that what needs it is not applicable; "" when there is
// none. A tunnel that was set up and is down is another thing.
func (e *Env) unset(hosts ...*site.Host) string {
	for _, h := range hosts {
		v, err := e.look(h)
		if err != nil {
			continue
		}
		if w, err := wgOf(v.Facts); err == nil && w.Unset && !w.Runs() {
			return h.Name
		}
	}
	return ""
}

const notYet = "the tunnel is not set up on %s yet: chapter 3 does it"
