package site

import (
	"errors"
	"fmt"
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
	if inside, ok := strings.CutPrefix(text, "["); ok {
		name, after, closed := strings.Cut(inside, "]")
		if !closed || !zoned(name) {
			return "", 0, errBracket
		}
		if after == "" {
			return name, 0, nil
		}
		port, ok := strings.CutPrefix(after, ":")
		if !ok {
			return "", 0, errBracket
		}
		n, err := parsePort(port)
		return name, n, err
	}
	name, port, found := strings.Cut(text, ":")
	if !found {
		return text, 0, nil
	}
	if strings.Contains(port, ":") {
		if !zoned(text) {
			return "", 0, errBracket
		}
		return text, 0, nil
	}
	n, err := parsePort(port)
	return name, n, err
}
