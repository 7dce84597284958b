// Package cert asks every port of a site's mail servers which certificate it shows, and compares it with the one that the proxy's web server
// has. It does not know who brings one to the other; the web server's own port is the family web's.
package cert

import (
	"context"
	"crypto/x509"
	"net/netip"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

func init() {
	about(checks.Check{
		ID: "cert.served", Rests: []string{"cert.handover", "firewall.open", "smtp.haraka"}, Title: "Every mail port shows the certificate that there is", Guide: "RFC 8314, 3",
		Page: checks.Page{
			Asks: "Does each mail port of the proxy's public addresses show the very certificate that the web server has for the mail host's name, with all that lead to an authority which the asking place trusts, for that name, and valid now? " +
				"It is asked from outside, and the file is looked at that the server there reads: so a certificate that was replaced without a restart is told from one that was not handed over.",
			OK:      "It does; the result says how long the certificate still lasts.",
			Warn:    "It shows a right certificate, and not the one that the web server has; or it ends soon.",
			Fail:    "It ended, is of another name, from nobody that is trusted, or comes without what leads to its authority. Mail programs refuse it.",
			Unknown: "This place cannot ask. A silent port 25 is this too: many networks let nobody dial it.",
			Skip:    "The site has no names yet, or the port is open to some only, or waits for the tunnel.",
			Mends:   "The chapter Caddy hands the web server's certificate over, at once and whenever there is a new one. A server that has the new file and shows the old certificate is told to read it: Haraka by a restart, Postfix and Dovecot by a reload.",
		},
		Reads: checks.Join(seen.Addresses.Reads, seen.Tunnels.Reads, seen.HandoverOf.Reads, seen.TakenOf.Reads),
	}, askServed)
	about(checks.Check{
		ID: "cert.handover", Rests: []string{"host.ssh@", "tunnel.handshake", "web.acme", "mailcow.containers"}, Title: "A new certificate is handed over to the mail ports", Guide: "caddy, Configuration",
		Page: checks.Page{
			Asks:    "Is the certificate of the proxy's web server watched, and was the one that it has brought to all that show it: to Haraka, and through the tunnel to the mail host? Their files are compared, and the unit's last words are read.",
			OK:      "It was, and the next one will be.",
			Warn:    "It is watched, and the web server has none yet.",
			Fail:    "Nothing watches it, or the last one was not brought: why not, in the words of who refused it.",
			Unknown: "A host could not be asked.",
			Skip:    "The site has no names yet, or a change waits for its confirmation.",
			Mends:   "The chapter Caddy sets it up. What hinders it is told; 'systemctl start postern-certificate' on the proxy has it tried at once, and it is tried again every hour.",
		},
		Reads: checks.Join(seen.HandoverOf.Reads, seen.TakenOf.Reads, seen.UnitsOf.Reads),
	}, askHandover)
}

// about registers a check of this family, for a site with names.
func about(c checks.Check, ask func(context.Context, *checks.Env) []checks.Result) {
	c.Step = "caddy"
	c.Ask = checks.Linux(func(ctx context.Context, e *checks.Env) []checks.Result {
		if e.Site.Hostname == "" || e.Site.Domain == "" {
			return []checks.Result{checks.Question{From: checks.Here}.Skip("the site has no names yet (domain, hostname)")}
		}
		return ask(ctx, e)
	})
	checks.Register(c)
}

// door is a mail port at a public address.
type door struct {
	proxy   *site.Host
	service site.Service
	to      netip.AddrPort
}

// doors are those of a site.
func doors(s *site.Site) (all []door) {
	for _, one := range site.Services(s) {
		if one.Name == "http" || one.Name == "https" || one.Proto != "tcp" {
			continue
		}
		for _, p := range s.HostsOf(site.Proxy) {
			all = append(all, door{p, one, netip.AddrPortFrom(p.Public4, uint16(one.Port))})
			if one.Over6 && p.Public6.IsValid() {
				all = append(all, door{p, one, netip.AddrPortFrom(p.Public6, uint16(one.Port))})
			}
		}
	}
	return all
}

func askServed(ctx context.Context, e *checks.Env) []checks.Result {
	var asks []func() checks.Result
	for _, d := range doors(e.Site) {
		asks = append(asks, func() checks.Result { return d.ask(ctx, e) })
	}
	return checks.Together(asks)
}

func (d door) ask(ctx context.Context, e *checks.Env) checks.Result {
	q := checks.Question{Suffix: "." + d.service.Name + checks.Named(e.Site, d.proxy), From: checks.Here, Want: "the certificate of " + e.Site.Hostname + " that the web server has, at " + d.to.String(), Fix: "caddy"}
	if d.to.Addr().Is6() {
		q.Suffix += ".v6"
	}
	if q.Rests = []string{"cert.handover", "firewall.open." + d.service.Name}; !d.service.Forwarded {
		q.Rests = append(q.Rests, "smtp.haraka")
	}
	from, why := e.Public(&q, d.proxy, d.service, d.to)
	if from == nil {
		return why
	}
	if name := e.Unset(append(e.Site.HostsOf(site.Mail), d.proxy)...); d.service.Forwarded && name != "" {
		return q.Skip("the tunnel is not set up on %s yet: chapter 3 does it", name)
	}
	chain, r, err := e.Presented(ctx, from, d.to, d.service.Name == "smtp" || d.service.Name == "submission")
	switch {
	case err != nil:
		return q.Fail(remote.Clean(remote.Words(err)).Line(200), "no mail server answers there, or it has no certificate that it can read", "")
	case r.Mute(), r.Answer == checks.Dropped:
		return q.Unknown(r.Said(), "the network it was asked from may block the port, as most homes' do; firewall.open tells more")
	case r.Answer != checks.Open:
		return q.Skip("nobody listens there: %s", r.Said())
	case len(chain) == 0:
		return q.Fail("it shows no certificate", "its server is set up for other means of TLS", "")
	}
	roots, err := e.Roots(ctx, from)
	if err != nil {
		return q.Cannot(err)
	}
	has, file, err := d.files(e)
	if err != nil {
		return q.Cannot(err)
	}
	return judge(q, e, d, sight{chain, has, file, roots})
}

// files are the certificates that the web server has, and those in the file that the server behind the door reads.
func (d door) files(e *checks.Env) (has, file []*x509.Certificate, err error) {
	v, err := e.Look(d.proxy)
	if err != nil {
		return nil, nil, err
	}
	now, err := seen.HandoverOf.Of(v.Facts)
	if err != nil || !d.service.Forwarded {
		return now.Chain, now.Haraka, err
	}
	for _, h := range e.Site.HostsOf(site.Mail) {
		if v, err = e.Look(h); err == nil {
			file, err = seen.TakenOf.Of(v.Facts)
		}
	}
	return now.Chain, file, err
}

// sight is what a port shows, and what it could.
type sight struct {
	shows, has, file []*x509.Certificate
	roots            *x509.CertPool
}

// same says whether two chains are of one certificate.
func same(a, b []*x509.Certificate) bool { return len(a) > 0 && len(b) > 0 && a[0].Equal(b[0]) }

// sameKey says whether they are at least of one key, which is what a TLSA record may name.
func sameKey(a, b []*x509.Certificate) bool {
	return len(a) > 0 && len(b) > 0 && string(a[0].RawSubjectPublicKeyInfo) == string(b[0].RawSubjectPublicKeyInfo)
}

func judge(q checks.Question, e *checks.Env, d door, s sight) checks.Result {
	flaw := checks.FlawOf(s.shows, e.Site.Hostname, s.roots, e.Now)
	evidence := checks.Shown(s.shows)
	saw, likely, fix := flaw.Saw, flaw.Likely, ""
	if saw == "" {
		saw = "its certificate is right, and not the one that the web server has"
	}
	switch {
	case len(s.has) == 0 && flaw.Saw == "":
		return q.OK("it is right, %s; the web server has none", checks.Lasts(s.shows[0], e.Now))
	case len(s.has) == 0:
		likely = "the web server has no certificate yet that could be handed over: web.acme tells why"
	case same(s.shows, s.has) && flaw.Saw == "":
		return q.OK("it is the web server's: %s", checks.Lasts(s.shows[0], e.Now))
	case same(s.shows, s.has):
		if likely == "" {
			likely = "the web server's own was not renewed: web.acme tells why"
		}
		fix = "see that the web server gets another one: all that it has is what is shown here"
	case same(s.file, s.has):
		saw += "; the new one is in its file, and was not read: replaced without a restart"
		likely = "the server was not told of it: " + reread(e.Site, d)
		fix = likely[strings.Index(likely, ": ")+2:]
	default:
		saw += "; the web server's was not handed over"
		likely = "the last hand-over failed, or what handed over was changed by hand since: cert.handover tells"
	}
	if len(s.has) > 0 && !same(s.shows, s.has) && !sameKey(s.shows, s.has) {
		evidence += "\nthe web server's has another key: a TLSA record must name both until all show it"
	}
	if q.Fix = fix; fix == "" {
		q.Fix = "caddy"
	}
	if flaw.Soon || flaw.Saw == "" {
		return q.Warn(saw, likely, evidence)
	}
	return q.Fail(saw, likely, evidence)
}

// reread is how the server behind a door takes a new certificate up.
func reread(s *site.Site, d door) string {
	switch mail := s.HostsOf(site.Mail)[0].Name; {
	case !d.service.Forwarded:
		return "run 'systemctl restart " + seen.HarakaIn + "' on " + d.proxy.Name
	case s.Mail.Kind == "mailcow":
		return "restart postfix-mailcow, dovecot-mailcow and nginx-mailcow on " + mail
	case d.service.Name == "imaps":
		return "run 'systemctl reload dovecot' on " + mail
	default:
		return "run 'systemctl reload postfix' on " + mail
	}
}
