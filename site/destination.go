package site

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// parseDestination reads where SSH goes to: an alias, host, user@host, user@host:port, user@[v6]:port or ssh://user@host:port.
// It is kept as written.
func parseDestination(text string) (string, error) {
	_, err := portOf(text)
	return text, err
}

// portOf is the port that a destination names, or 0.
func portOf(text string) (int, error) {
	rest, uri := strings.CutPrefix(text, "ssh://")
	if uri {
		rest = strings.TrimSuffix(rest, "/")
	}
	user, host, named := strings.Cut(rest, "@")
	if !named {
		user, host = "", rest
	}
	switch {
	case strings.HasPrefix(text, "-"):
		return 0, fmt.Errorf("%s begins with a hyphen; a host or an alias of your ssh_config is wanted", quote(text))
	case strings.Contains(user, ":"):
		// not repeated: it is the operator's password
		return 0, errors.New("has a password in it; secrets are never stored here, it will be asked for when it is needed")
	case named && !word(user, 64, "._-+"):
		return 0, fmt.Errorf("%s has no valid user name before the @ (letters, digits, and . _ - +)", quote(text))
	}
	name, port, err := hostPort(host)
	if err != nil {
		return 0, fmt.Errorf("%s is not an SSH destination: %w", quote(text), err)
	}
	if !word(name, 253, "._-") && !zoned(name) {
		return 0, fmt.Errorf("%s is not an SSH destination (user@host:port, or an alias of your ssh_config)", quote(text))
	}
	return port, nil
}

// hostPort takes the port off; 0 is none.
func hostPort(text string) (string, int, error) {
	bracketed := strings.HasPrefix(text, "[")
	if inside := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"); zoned(inside) && (text == inside || text == "["+inside+"]") {
		return inside, 0, nil
	}
	if !bracketed && !strings.Contains(text, ":") {
		return text, 0, nil
	}
	name, port, err := net.SplitHostPort(text)
	if err != nil || bracketed && !zoned(name) {
		return "", 0, errors.New("an IPv6 address with a port is written [2001:db8::7]:2222")
	}
	n, err := parsePort(port)
	return name, n, err
}

// zoned says whether the text is an IPv6 address, perhaps with a zone of harmless characters.
func zoned(text string) bool {
	a, err := netip.ParseAddr(text)
	return err == nil && a.Is6() && (a.Zone() == "" || word(a.Zone(), 253, "._-"))
}
