package site

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"path"
	"strings"
)

func letter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }
func digit(r rune) bool  { return r >= '0' && r <= '9' }

// word says whether the text is 1 to most bytes of letters, digits and extra, and does not begin like an option.
func word(text string, most int, extra string) bool {
	if text == "" || len(text) > most || text[0] == '-' {
		return false
	}
	return !strings.ContainsFunc(text, func(r rune) bool { return !letter(r) && !digit(r) && !strings.ContainsRune(extra, r) })
}

// parseDomain reads a name of the public DNS (RFC 1123, section 2.1), lower-cased.
func parseDomain(text string) (string, error) {
	name := strings.ToLower(text)
	if _, err := netip.ParseAddr(name); err == nil {
		return "", fmt.Errorf("%s is an address; a name such as mail.example.org is wanted", quote(text))
	}
	if short, dot := strings.CutSuffix(name, "."); dot && dnsName(short) {
		return "", fmt.Errorf("%s ends with a dot; write %s", quote(text), short)
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r > 127 }) {
		return "", fmt.Errorf("%s is not a host name; write it in its xn-- form", quote(text))
	}
	if !dnsName(name) {
		return "", fmt.Errorf("%s is not a host name (letters, digits and hyphens between dots, such as mail.example.org)", quote(text))
	}
	return name, nil
}

// parseExchanger reads the name of a mail server, or its address.
func parseExchanger(text string) (string, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.IsGlobalUnicast() && a.Zone() == "" {
		return a.String(), nil
	}
	return parseDomain(text)
}

func dnsName(name string) bool {
	labels := strings.Split(name, ".")
	if len(name) > 253 || len(labels) < 2 {
		return false
	}
	for _, label := range labels {
		if !word(label, 63, "-") || strings.HasSuffix(label, "-") {
			return false
		}
	}
	// a last label of digits only would be read as an address (RFC 3696, section 2)
	return strings.ContainsFunc(labels[len(labels)-1], letter)
}

// parseInterface reads the name of a network interface: what both the kernel (15 bytes) and wg-quick take.
func parseInterface(text string) (string, error) {
	switch {
	case !word(text, 15, "_=+.-") || text == "." || text == "..":
		return "", fmt.Errorf("%s is not an interface name (1 to 15 letters, digits, and _ = + . -)", quote(text))
	case text == "lo" || text == "all" || text == "default":
		return "", fmt.Errorf("%s is a name the system keeps for itself; write that of a real interface, such as eth0", quote(text))
	}
	return text, nil
}

// parseSelector reads the selector of a DKIM key: one or more labels (RFC 6376, 3.1).
func parseSelector(text string) (string, error) {
	d, err := parseDomain(text + ".example.org")
	if err != nil {
		return "", fmt.Errorf("%s is not a selector (letters, digits and -, such as dkim)", quote(text))
	}
	return strings.TrimSuffix(d, ".example.org"), nil
}

// parseUser reads the name of somebody who logs in elsewhere.
func parseUser(text string) (string, error) {
	if !word(text, 200, "._+@=/:%~-") {
		return "", fmt.Errorf("%s is not a user name (at most 200 letters, digits and . _ + @ = / : %% ~ -)", quote(text))
	}
	return text, nil
}

// parseWords reads a number or a sentence that somebody was told.
func parseWords(text string) (string, error) {
	if !word(text, 200, " .,:#/_@()+-!?") {
		return "", fmt.Errorf("%s is not plain words (at most 200 letters, digits, spaces and . , : # / _ @ ( ) + - ! ?)", quote(text))
	}
	return text, nil
}

// parseMechanism reads a part of an SPF record that lets mail of others' addresses pass (RFC 7208, 5).
func parseMechanism(text string) (string, error) {
	name, value, _ := strings.Cut(strings.ToLower(text), ":")
	switch _, notPrefix := netip.ParsePrefix(value); {
	case name == "include" || name == "a" || name == "mx":
		if _, err := parseDomain(value); err == nil {
			return name + ":" + value, nil
		}
	case name == "ip4" || name == "ip6":
		if _, err := netip.ParseAddr(value); err == nil || notPrefix == nil {
			return name + ":" + value, nil
		}
	}
	return "", fmt.Errorf("%s is not a part of an SPF record such as include:spf.example.net or ip4:192.0.2.0/24", quote(text))
}

// parseFingerprint reads a host key's fingerprint as ssh-keygen -l prints it.
func parseFingerprint(text string) (string, error) {
	sum, ok := strings.CutPrefix(text, "SHA256:")
	raw, err := base64.RawStdEncoding.Strict().DecodeString(sum)
	if !ok || err != nil || len(raw) != 32 {
		return "", fmt.Errorf("%s is not a fingerprint (SHA256: and 43 characters, as ssh-keygen -lf FILE prints it)", quote(text))
	}
	return text, nil
}

// parseProvider reads the ID of a hoster; which IDs are known is not this package's matter.
func parseProvider(text string) (string, error) {
	if id := strings.ToLower(text); word(id, 32, "-") {
		return id, nil
	}
	return "", fmt.Errorf("%s is not a provider's ID (letters, digits and hyphens, such as ionos)", quote(text))
}

// named reads a word of at most so many bytes; what says what it is.
func named(what string, most int, extra string) func(string) (string, error) {
	return func(text string) (string, error) {
		if !word(text, most, extra) {
			return "", fmt.Errorf("%s is not %s", quote(text), what)
		}
		return text, nil
	}
}

var (
	hostName = named("a name for a host (1 to 32 letters, digits and hyphens)", 32, "-")
	jailName = named("a name for a jail (1 to 32 letters, digits, and _ -)", 32, "_-")
	pfTable  = named("the name of a pf table (1 to 31 letters, digits, and _ . -)", 31, "_.-") // as PF_TABLE_NAME_SIZE leaves
)

// parsePath reads the absolute path of a file, which means the same to every shell and program.
func parsePath(text string) (string, error) {
	if !strings.HasPrefix(text, "/") || path.Clean(text) != text || !word(text, 255, "/._@+-") {
		return "", fmt.Errorf("%s is not an absolute path (letters, digits and . _ @ + -)", quote(text))
	}
	return text, nil
}

// parseURL reads an address of the web, with https.
func parseURL(text string) (string, error) {
	rest, https := strings.CutPrefix(text, "https://")
	at, file, _ := strings.Cut(rest, "/")
	host, port, given := strings.Cut(at, ":")
	_, err := parseDomain(host)
	if given && err == nil {
		_, err = parsePort(port)
	}
	if !https || err != nil || file != "" && !word(file, 255, "/._~-") {
		return "", fmt.Errorf("%s is not an https address, such as https://acme.example.net/directory", quote(text))
	}
	return text, nil
}
