package dns

import (
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
)

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
