package checks

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/remote"
	"postern/seen"
)

// Flaw is what is wrong with certificates that were shown.
type Flaw struct {
	Saw    string // in words that begin with "its"; "" when nothing is
	Likely string // "" where it follows from who should have renewed it
	Soon   bool   // it only ends soon: it should have been renewed by now
}

// soon is when a certificate should have been renewed, at the latest; one that lasts for days alone has a quarter of its time.
const soon = 21 * 24 * time.Hour

// FlawOf judges what was shown for a name, by the authorities that count.
func FlawOf(chain []*x509.Certificate, name string, roots *x509.CertPool, now time.Time) Flaw {
	leaf, between := chain[0], x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: between, CurrentTime: now})
	left := leaf.NotAfter.Sub(now)
	var unknown x509.UnknownAuthorityError
	switch {
	case now.After(leaf.NotAfter):
		return Flaw{Saw: "its certificate ended on " + Day(leaf.NotAfter)}
	case now.Before(leaf.NotBefore):
		return Flaw{Saw: "its certificate is valid from " + Day(leaf.NotBefore) + " only", Likely: "the clock of this place is off"}
	case leaf.VerifyHostname(name) != nil:
		return Flaw{Saw: "its certificate is of another name: " + remote.Clean(cmp.Or(strings.Join(leaf.DNSNames, ", "), leaf.Subject.String())).Line(120), Likely: "no certificate was issued for this name, or another site answers for it"}
	case errors.As(err, &unknown) && len(chain) == 1 && leaf.Issuer.String() != leaf.Subject.String():
		return Flaw{Saw: "its chain is incomplete: only the certificate itself is shown, and not what leads to its authority", Likely: "the file has the certificate alone; it wants the full chain (fullchain.pem)"}
	case errors.As(err, &unknown):
		return Flaw{Saw: "its certificate is from nobody that is trusted: " + Issuer(leaf), Likely: "it is self-signed, or from an authority of your own that this place does not know"}
	case err != nil:
		return Flaw{Saw: "its certificate does not do: " + remote.Clean(remote.Words(err)).Line(160)}
	case left < min(soon, leaf.NotAfter.Sub(leaf.NotBefore)/4):
		return Flaw{Saw: "its certificate ends" + span(left, " in %s") + ", on " + Day(leaf.NotAfter), Soon: true}
	}
	return Flaw{}
}

// Shown tells what was shown, as evidence.
func Shown(chain []*x509.Certificate) string {
	leaf := chain[0]
	return fmt.Sprintf("shown: for %s, issued by %s, serial %x, %s to %s, %d certificates", strings.Join(leaf.DNSNames, ", "), Issuer(leaf), leaf.SerialNumber, Day(leaf.NotBefore), Day(leaf.NotAfter), len(chain))
}

// Issuer is who signed a certificate, by the name of the organization first.
func Issuer(c *x509.Certificate) string {
	return remote.Clean(strings.TrimSpace(strings.Join(append(slices.Clone(c.Issuer.Organization), c.Issuer.CommonName), " "))).Line(80)
}

// Day is a moment in words.
func Day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// Lasts says who issued a certificate, and how long it lasts.
func Lasts(c *x509.Certificate, now time.Time) string {
	return fmt.Sprintf("by %s, lasts until %s%s", Issuer(c), c.NotAfter.UTC().Format("2006-01-02"), span(c.NotAfter.Sub(now), ", for %s"))
}

// span is a time in the unit that tells; nobody wants the days of many years.
func span(d time.Duration, words string) string {
	days := int(d.Hours() / 24)
	switch {
	case days > 10*365:
		return ""
	case days > 1:
		return fmt.Sprintf(words, fmt.Sprintf("%d days", days))
	}
	return fmt.Sprintf(words, d.Round(time.Minute))
}

// Roots are the authorities that a place trusts.
func (e *Env) Roots(ctx context.Context, from *Vantage) (*x509.CertPool, error) {
	switch {
	case from.Trusts != nil:
		return from.Trusts, nil
	case from.Name == Here:
		return x509.SystemCertPool()
	}
	type key struct{ roots string }
	type told struct {
		pool *x509.CertPool
		err  error
	}
	t, err := Once(ctx, e, key{from.Name}, func(run context.Context) told {
		pool, err := Ask(run, e.Site, from, seen.Roots)
		return told{pool, err}
	})
	return t.pool, errors.Join(err, t.err)
}
