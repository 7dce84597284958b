package smtp

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/zone"
)

func init() {
	checks.Register(checks.Check{
		ID: "smtp.outbound", Rests: []string{"host.ssh@"}, Step: "haraka", Title: "Port 25 of others is reached, in each family", Beyond: true,
		Page: checks.Page{
			Asks: "Is outgoing port 25 open? Mail servers of different operators (the answer port25.exchangers) are greeted from the host that sends, each family by itself, and no mail is sent; so is an address that nobody has, which must stay silent. " +
				"Where none answers, the web and the ports of submission tell what else is closed, and the host's own rules are followed to see whether they keep it back.",
			OK:      "They answer.",
			Warn:    "One of them does not answer or declines this address; or the port is closed over IPv6 only, and mail goes on over IPv4.",
			Fail:    "It is closed, and the result says where: at the provider, in the host's own firewall, by somebody who answers in the place of others, or because every mail server declines this address.",
			Unknown: "No name could be looked up, or the host cannot ask.",
			Skip:    "The site has no names yet (domain, hostname), no mail leaves in this family, none of the mail servers has an address in it, or mail goes by a smart host (smarthost.host).",
			Mends:   "Where the provider keeps it back, 'postern port25' leads through asking for it. Where a rule of the host does, that rule is named: it is not ours.",
		},
		Guide: "firewall, Special Case: Port 25 (SMTP)", Reads: checks.Join(seen.Rules.Reads, seen.Tunnels.Reads), Ask: named(askOutbound),
	})
}

// Whom else a host dials, and only where no mail server answers.
var (
	usual    = site.Default().Ports
	controls = map[string][]int{"www.google.com": {usual.HTTPS}, "www.iana.org": {usual.HTTPS}, "smtp.gmail.com": {usual.Submissions, usual.Submission}}
	unowned  = map[bool]netip.Addr{false: netip.MustParseAddr("192.0.2.1"), true: netip.MustParseAddr("100::1")} // RFC 5737, RFC 6666
	families = map[bool]string{false: "IPv4", true: "IPv6"}
)

func askOutbound(ctx context.Context, e *checks.Env) []checks.Result {
	roles := []site.Role{site.Proxy}
	if e.Site.Mail.Path == "direct" {
		roles = append(roles, site.Mail)
	}
	ask := func(six bool, suffix string) func() []checks.Result {
		return func() []checks.Result {
			return checks.EachHost(e, checks.Question{Suffix: suffix, Want: "mail servers of others answer at port 25 over " + families[six], Fix: askProvider}, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
				q.Suffix += checks.Named(e.Site, h)
				switch unset := e.Unset(e.Site.Hosts...); {
				case e.Site.Smarthost.Host != "":
					return q.Skip("mail goes by a smart host")
				case six && (h.Role == site.Mail || !sixth(e.Site, h)):
					return q.Skip("no mail leaves over IPv6")
				case h.Role == site.Mail && unset != "":
					return q.Skip(notYet, unset)
				}
				return outbound(ctx, e, q, h, v, six)
			}, roles...)
		}
	}
	both := make([][]checks.Result, 2)
	checks.AtOnce(2, func(i int) { both[i] = ask(i == 1, []string{"", ".v6"}[i])() })
	return append(both[0], both[1]...)
}

// sixth says whether mail leaves a proxy over IPv6.
func sixth(s *site.Site, p *site.Host) bool {
	for _, a := range zone.Senders(s, p) {
		if a.Is6() {
			return true
		}
	}
	return false
}

// outbound is what the signals of one host in one family come to.
func outbound(ctx context.Context, e *checks.Env, q checks.Question, h *site.Host, v *checks.Vantage, six bool) checks.Result {
	s, err := signals(ctx, e, h, v, six)
	if err != nil {
		return q.Cannot(err)
	}
	if s.opens() == 0 && h.Role == site.Proxy {
		other, err := signals(ctx, e, h, v, !six)
		s.OtherOpen = err == nil && other.opens() > 0
	}
	for _, p := range e.Site.HostsOf(site.Proxy) {
		if pv, err := e.Look(p); err == nil && s.opens() == 0 && h.Role == site.Mail {
			at, err := signals(ctx, e, p, pv, six)
			s.ProxyOpen = err == nil && at.opens() > 0
		}
	}
	d := Diagnose(s)
	if d.Do != "" {
		q.Fix = d.Do
	}
	if six && d.Outcome == checks.Fail {
		d.Outcome = checks.Warn
	}
	saw, why := d.Words+": "+s.met(), map[string]string{certain: "it is certain", likely: "it is most likely so", possible: "it may be so"}[d.Sure]
	if d.Settles != "" {
		why += "; what settles it: " + d.Settles
	}
	var r checks.Result
	switch d.Outcome {
	case checks.OK:
		r = q.OK("%s", s.met())
	case checks.Skip:
		return q.Skip("%s", d.Words)
	case checks.Unknown:
		if r = q.Unknown(saw, why); d.Do != "" {
			r.Fix = d.Do
		}
	case checks.Warn:
		r = q.Warn(saw, why, "")
	default:
		r = q.Fail(saw, why, "")
	}
	s.Cause, s.Sure = d.Cause, d.Sure
	r.Evidence, r.Signals = remote.Clean(strings.Join(s.Lines(), "\n")), s
	return r
}

// met is what the mail servers did, in a few words: those that do the same together.
func (s Signals) met() string {
	if len(s.Dials) == 0 {
		return s.Lookup
	}
	var order, parts []string
	names := map[string][]string{}
	for _, d := range s.Dials {
		said := d.Said
		if d.Declined != "" {
			said = d.Declined
		}
		if names[said] == nil {
			order = append(order, said)
		}
		names[said] = append(names[said], d.Name)
	}
	for _, said := range order {
		if n := len(names[said]); n == len(s.Dials) && n > 1 {
			parts = append(parts, fmt.Sprintf("all %d mail servers: %s", n, said))
		} else {
			parts = append(parts, strings.Join(names[said], ", ")+": "+said)
		}
	}
	return strings.Join(parts, "; ")
}

// Lines are the signals one by one, for who has to believe them.
func (s Signals) Lines() []string {
	var lines []string
	when := s.At.UTC().Format("2006-01-02 15:04 UTC") + ": from " + s.From + " to "
	for _, d := range s.Dials {
		lines = append(lines, when+d.String())
	}
	for i, met := range []checks.Answer{s.Control, s.Submission, s.Canary} {
		if met != "" && (i < 2 || met == checks.Open) {
			lines = append(lines, when+[]string{fmt.Sprintf("port %d of others", usual.HTTPS), fmt.Sprintf("ports %d and %d of others", usual.Submissions, usual.Submission), "port 25 of an address that nobody has"}[i]+": "+checks.Reached{Answer: met}.Said())
		}
	}
	if c := s.Counted; c != nil {
		line := fmt.Sprintf("packets that passed the server's own firewall: %d SYN out; %d SYN-ACK, %d RST, %d ICMP unreachable in", c.SYN, c.SYNACK, c.RST, c.ICMP)
		for _, a := range c.By {
			line += ", from " + a.String()
		}
		lines = append(lines, line)
	}
	return lines
}

// paper is the print of a server's certificate, and the names in it.
func (t *talk) paper() (string, []string) {
	c, inside := t.conn.(*tls.Conn)
	if !inside || len(c.ConnectionState().PeerCertificates) == 0 {
		return "", nil
	}
	leaf := c.ConnectionState().PeerCertificates[0]
	sum := sha256.Sum256(leaf.Raw)
	names := append([]string{leaf.Subject.CommonName}, leaf.DNSNames...)
	return hex.EncodeToString(sum[:8]), names[:min(len(names), 20)]
}
