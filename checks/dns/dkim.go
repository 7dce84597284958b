package dns

import (
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/zone"
)

func init() {
	about(checks.Check{
		ID: "dns.dkim", Title: "The domain's DKIM key is there and whole, and not another than the mail server's", Guide: "dns, DKIM Records",
		Page: checks.Page{
			Asks: "Is there one DKIM key at the selector (the answer mail.selector), and is it whole? What registrars' forms do to a long text is looked for: cut, a blank where two strings meet, quotes, the domain added twice. Where the mail host's rspamd or OpenDKIM signs with a key in a file, is it that one? Its public half is made on the host; the private one stays there.",
			OK:   "A key is there, and whole. The result says whether it was compared: where the mail server keeps its key elsewhere, only a message shows that it signs with it.",
			Warn: "The key is usable, and weaker than usual, or marked as a test; or the mail server signs with another selector.",
			Fail: "There is no key, or a broken one, or another than the mail server's: signatures of all mail fail.",
		},
	}, "one DKIM key of %D, whole, and the one that its mail is signed with", eachDomain(askDKIM))
}

func askDKIM(ctx context.Context, e *checks.Env, s sight, q checks.Question, d string) checks.Result {
	of, elsewhere := set{zone.KeyName(e.Site, d), "TXT", ""}, ""
	keys := signing(ctx, e, d)
	here := slices.DeleteFunc(slices.Clone(keys), func(k seen.SigningKey) bool { return !strings.EqualFold(k.Selector, e.Site.Mail.Selector) })
	if len(keys) > 0 && len(here) == 0 {
		elsewhere = "mail is signed with the selector " + keys[0].Selector + ", not " + e.Site.Mail.Selector
		q.Fix, q.Likely = "say so: --set mail.selector="+keys[0].Selector+" --save; then ask again", elsewhere
	}
	here = slices.DeleteFunc(here, func(k seen.SigningKey) bool { return k.Public == "" })
	if len(here) == 1 {
		s.records = []zone.Record{zone.Key(e.Site, d, here[0].Kind, here[0].Public)}
	}
	r := s.judge(q, of, func(told []string) (wrong, odd string) {
		if twice := s.doubled(d, of); len(told) == 0 && twice != "" {
			return twice, ""
		}
		wrong, odd = judgeDKIM(told)
		if wrong == "" && len(here) > 0 && !slices.ContainsFunc(here, func(k seen.SigningKey) bool { return sameKey(k.Public, keyIn(told[0])) }) {
			wrong = "it has another key than the one that mail is signed with"
		}
		if wrong != "" {
			wrong = of.name + ": " + wrong
		}
		if elsewhere != "" {
			odd = elsewhere
		}
		return wrong, odd
	})
	switch {
	case len(here) > 0 && r.Outcome == checks.OK:
		r.Saw = remote.Clean("mail is signed with it: " + r.Saw.Line(200))
	case len(here) > 0 && r.Outcome == checks.Fail:
		r.Evidence = remote.Clean(r.Evidence.String() + "\nto publish: " + zone.Key(e.Site, d, here[0].Kind, here[0].Public).Line())
	case r.Outcome == checks.OK:
		r.Saw = remote.Clean("whole; whether mail is signed with it was not seen: " + r.Saw.Line(200))
	}
	return r
}

// signing are the keys that the mail hosts sign a domain's mail with, as far as they tell. They are asked once per Run, and apart
// from the look: rspamd takes as long to tell as all the rest of a host.
func signing(ctx context.Context, e *checks.Env, domain string) []seen.SigningKey {
	type key struct{}
	all, _ := checks.Once(ctx, e, key{}, func(ctx context.Context) []seen.SigningKey {
		var list []seen.SigningKey
		for _, h := range e.Site.HostsOf(site.Mail) {
			if v, err := e.Look(h); err == nil {
				keys, _ := checks.Ask(ctx, e.Site, v, seen.Signing)
				list = append(list, keys...)
			}
		}
		return list
	})
	return slices.DeleteFunc(slices.Clone(all), func(k seen.SigningKey) bool { return k.Domain != domain })
}

// keyIn is the key of a record, in base64.
func keyIn(record string) string {
	for _, part := range strings.Split(record, ";") {
		if name, value, _ := strings.Cut(part, "="); strings.TrimSpace(name) == "p" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// sameKey compares what two texts in base64 stand for.
func sameKey(a, b string) bool {
	x, err := base64.StdEncoding.DecodeString(a)
	y, err2 := base64.StdEncoding.DecodeString(b)
	return err == nil && err2 == nil && slices.Equal(x, y)
}

// least is how many bits an RSA key must have (RFC 8301, 3.2), and good how many it should.
const (
	least = 1024
	good  = 2048
)

// judgeDKIM says what is wrong with the record of a DKIM key (RFC 6376, 3.6.1), and what is odd.
func judgeDKIM(records []string) (wrong, odd string) {
	switch len(records) {
	case 0:
		return "there is no key", ""
	case 1:
	default:
		return fmt.Sprintf("there are %d keys at one name; receivers take any of them or none", len(records)), ""
	}
	tags := map[string]string{}
	for _, part := range strings.Split(records[0], ";") {
		name, value, _ := strings.Cut(part, "=")
		tags[strings.TrimSpace(name)] = value
	}
	key := tags["p"]
	switch raw := strings.TrimSpace(key); {
	case strings.ContainsAny(records[0], `"\`):
		return "quotes or backslashes were pasted into it", ""
	case tags["v"] != "" && strings.TrimSpace(tags["v"]) != "DKIM1":
		return "it does not begin with v=DKIM1", ""
	case raw == "":
		return "its key is empty, which revokes it", ""
	case strings.ContainsAny(raw, " \t"):
		return "a blank stands in the key, where two strings were joined", ""
	}
	der, err := base64.StdEncoding.DecodeString(strings.TrimSpace(key))
	if err != nil {
		if n := len(records[0]); n > 200 && n < 256 {
			return fmt.Sprintf("it was cut after %d signs: a longer text must stand in several strings", n), ""
		}
		return "its key is no base64", ""
	}
	if strings.TrimSpace(tags["k"]) == "ed25519" {
		if len(der) != ed25519.PublicKeySize {
			return "its ed25519 key has not 32 bytes", ""
		}
		return "", "many receivers do not know ed25519: publish an RSA key beside it"
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return "its key was cut, or is none", ""
	}
	is, rsaKey := public.(*rsa.PublicKey)
	switch {
	case !rsaKey:
		return "its key is not RSA", ""
	case is.N.BitLen() < least:
		return fmt.Sprintf("its key has %d bits, and receivers refuse less than %d (RFC 8301)", is.N.BitLen(), least), ""
	case is.N.BitLen() < good:
		return "", fmt.Sprintf("its key has %d bits; %d is usual", is.N.BitLen(), good)
	case strings.Contains(tags["t"], "y"):
		return "", "t=y says that it is only being tested"
	}
	return "", ""
}
