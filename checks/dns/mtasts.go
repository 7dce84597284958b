package dns

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/zone"
)

func init() {
	about(checks.Check{
		ID: "dns.mtasts", Title: "An MTA-STS policy that is announced is there, and the mail host meets it", Guide: "RFC 8461, 3",
		Page: checks.Page{
			Asks:  "Where a record _mta-sts announces a policy: is it served at https://mta-sts.DOMAIN with a certificate that is right, and does it name the mail host? Does port 25 show a certificate for that name, from an authority that all know? The policy is fetched from the proxy; no redirect is followed. Without such a record nothing is wanted.",
			OK:    "No policy is announced and none is wanted, or it is not served yet, or the policy is there and the mail host meets it.",
			Warn:  "It is served and not announced, or under an old id. Or it is announced and cannot be fetched or read, or the mail host does not meet it and it is only being tested.",
			Fail:  "It asks for another host than ours, or for a certificate that port 25 does not show: large senders refuse to deliver.",
			Mends: "Serve the policy first, and publish its record then; with every change of the policy the record gets another id. To give it up, serve 'mode: none' for as long as max_age was, then take the record away.",
		},
	}, "an MTA-STS policy that the mail host meets, or none", eachDomain(askMTASTS))
}

const (
	policyPath     = "/.well-known/mta-sts.txt" // RFC 8461, 3.3
	mostPolicy     = 1 << 16                    // bytes of a policy (RFC 8461, 3.2 and 3.3: 64 kilobytes are enough)
	policyPatience = 20 * time.Second
)

// trusted are the authorities whose certificates count; nil means those of this machine.
var trusted *x509.CertPool

// policy is what a domain says of TLS at its mail exchangers (RFC 8461, 3.2).
type policy struct {
	mode string
	mx   []string
}

// parsePolicy reads one. Of a key that stands in it twice the first counts, but for mx.
func parsePolicy(text string) (policy, error) {
	values, p := map[string]string{}, policy{}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		key, value, is := strings.Cut(strings.TrimSpace(line), ":")
		if key, value = strings.TrimSpace(key), strings.TrimSpace(value); !is || key == "" {
			return p, fmt.Errorf("%q is no line of a policy", remote.Clean(line).Line(60))
		}
		if key == "mx" {
			p.mx = append(p.mx, strings.ToLower(strings.TrimSuffix(value, ".")))
		} else if _, twice := values[key]; !twice {
			values[key] = value
		}
	}
	p.mode = values["mode"]
	age, err := strconv.ParseUint(values["max_age"], 10, 64)
	switch {
	case values["version"] != "STSv1":
		return p, errors.New("it does not say version: STSv1")
	case p.mode != "enforce" && p.mode != "testing" && p.mode != "none":
		return p, fmt.Errorf("its mode is %q", remote.Clean(p.mode).Line(40))
	case err != nil || age > 31557600:
		return p, fmt.Errorf("its max_age is %q, not seconds of at most a year", remote.Clean(values["max_age"]).Line(40))
	case len(p.mx) == 0 && p.mode != "none":
		return p, errors.New("it names no mx")
	}
	return p, nil
}

// names says whether a policy lets mail go to a host: by its name, or by a pattern for its first label (RFC 8461, 4.1).
func (p policy) names(host string) bool {
	for _, mx := range p.mx {
		_, above, _ := strings.Cut(host, ".")
		if rest, pattern := strings.CutPrefix(mx, "*."); mx == host || pattern && rest == above {
			return true
		}
	}
	return false
}

var stsRecord = regexp.MustCompile(`(?i)^v=STSv1\s*;\s*id=[a-z0-9]{1,32}\s*(;.*)?$`)

func askMTASTS(ctx context.Context, e *checks.Env, s sight, q checks.Question, d string) checks.Result {
	q.Fix, q.Likely = "'postern check --explain dns.mtasts' says in which order", "the record was published before the policy is served, or stayed when the mail host changed"
	var is policy
	r := s.judge(q, set{"_mta-sts." + d, "TXT", "v=stsv1"}, func(told []string) (wrong, odd string) {
		ours := zone.Announced(e.Site, d).Value
		switch {
		case len(told) == 0 && e.Site.Web.MTASTS == "":
			return "", ""
		case len(told) == 0:
			if _, err := s.fetch(ctx, zone.PolicyHost(d), policyPath, e.Now); err == nil {
				return "", "the policy of " + d + " is served, and no record announces it yet: publish _mta-sts." + d + " TXT " + ours
			}
			return "", ""
		case len(told) > 1:
			return "", fmt.Sprintf("there are %d MTA-STS records, which counts as none", len(told))
		case !stsRecord.MatchString(told[0]):
			return "", "the record is malformed, which counts as none: " + remote.Clean(told[0]).Line(120)
		}
		text, err := s.fetch(ctx, zone.PolicyHost(d), policyPath, e.Now)
		if err != nil {
			return "", "the policy of " + d + " cannot be fetched: " + remote.Words(err) + "; senders that know an older one go on with that"
		}
		p, err := parsePolicy(text)
		switch is = p; {
		case err != nil:
			return "", "the policy of " + d + " is malformed: " + err.Error()
		case e.Site.Web.MTASTS != "" && told[0] != ours && text == zone.Policy(e.Site):
			return "", "the record of " + d + " has the id of another policy than the one that is served: who knows that goes on with it, until it is " + ours
		case p.mode == "none" || p.names(e.Site.Hostname):
			return "", ""
		case p.mode == "enforce":
			return "the policy of " + d + " names " + remote.Clean(strings.Join(p.mx, ", ")).Line(120) + ", not " + e.Site.Hostname + ": large senders refuse to deliver", ""
		default:
			return "", "the policy of " + d + " names " + remote.Clean(strings.Join(p.mx, ", ")).Line(120) + ", not " + e.Site.Hostname + "; it is only being tested"
		}
	})
	if r.Outcome != checks.OK || is.mode != "enforce" && is.mode != "testing" {
		return r
	}
	chain, err := s.presented(ctx, e)
	if err != nil {
		return q.Unknown("what port 25 shows: "+remote.Words(err), "no mail server answers there")
	}
	switch err := vouched(chain, e.Site.Hostname, e.Now); {
	case err == nil:
		return r
	case is.mode == "testing":
		return q.Warn("the policy of "+d+" is being tested, and port 25 shows a certificate that does not do: "+remote.Words(err), "it is self-signed, of another name, or has ended", "")
	default:
		return q.Fail("port 25 shows a certificate that the policy of "+d+" does not take: "+remote.Words(err)+": large senders refuse to deliver", "it is self-signed, of another name, or has ended", "")
	}
}

// vouched says why a certificate does not do for a name (RFC 8461, 4.2); nil when it does.
func vouched(chain []*x509.Certificate, name string, now time.Time) error {
	if len(chain) == 0 {
		return errors.New("there is none")
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: name, Roots: trusted, Intermediates: between, CurrentTime: now})
	return err
}

// fetch gets a text over HTTPS, from the place that asks the DNS: it must be plain text, whole and where it was asked for.
func (s sight) fetch(ctx context.Context, host, path string, now time.Time) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, policyPatience, errors.New("it does not answer"))
	defer cancel()
	client := http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12, Time: func() time.Time { return now }},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				found, err := s.lookups().LookupIPAddr(ctx, host)
				for _, one := range found {
					at, _ := netip.AddrFromSlice(one.IP)
					var conn net.Conn
					if conn, err = s.from.Dial.DialContext(ctx, network, netip.AddrPortFrom(at.Unmap(), 443).String()); err == nil {
						return conn, nil
					}
				}
				return nil, err
			}},
	}
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+host+path, nil)
	if err != nil {
		return "", err
	}
	answer, err := client.Do(ask)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	switch {
	case answer.StatusCode != http.StatusOK:
		return "", fmt.Errorf("the web server says %d", answer.StatusCode)
	case kind != "text/plain":
		return "", fmt.Errorf("it is %q, not text/plain", remote.Clean(kind).Line(40))
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, mostPolicy+1))
	if err == nil && len(text) > mostPolicy {
		err = errors.New("it is longer than 64 kilobytes")
	}
	return string(text), err
}
