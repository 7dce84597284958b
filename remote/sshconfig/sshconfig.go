// Package sshconfig tells how ssh would reach a destination: what was typed, and what ssh_config says of it. It connects to
// nothing, and asks nobody.
package sshconfig

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/kevinburke/ssh_config"
)

// Host is how to reach one host, as ssh_config and what was typed say together.
type Host struct {
	Typed      string
	Name, Port string
	User       string
	Identities []string // key files, in order
	Only       bool     // IdentitiesOnly: offer no other key
	Agent      string   // the agent's socket, empty for none
	Jumps      []string // ProxyJump, nearest first
	KnownHosts []string // files to read; the first is written to
	Alias      string   // HostKeyAlias
	Hash       bool     // HashKnownHosts
}

// Address is host:port, where it listens.
func (h Host) Address() string { return net.JoinHostPort(h.Name, h.Port) }

// KeyAddress is host:port as known_hosts looks it up.
func (h Host) KeyAddress() string {
	if h.Alias != "" {
		return net.JoinHostPort(h.Alias, "22")
	}
	return h.Address()
}

// Login is who and where, for people.
func (h Host) Login() string { return h.User + "@" + h.Address() }

// Operator is whose settings count.
type Operator struct {
	Home, User string
	AgentSock  string // SSH_AUTH_SOCK
	KnownHosts string // in place of those that ssh_config names
	Apart      bool   // no settings count but what was typed
}

// destination takes user@host:port, ssh://user@host:port, [v6]:port, a bare IPv6 address or an alias apart.
func destination(s string) (user, host, port string, err error) {
	rest := strings.TrimSuffix(strings.TrimPrefix(s, "ssh://"), "/")
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		user, rest = rest[:i], rest[i+1:]
	}
	host = rest
	if strings.HasPrefix(rest, "[") || strings.Count(rest, ":") == 1 {
		if strings.HasSuffix(rest, "]") {
			host = strings.Trim(rest, "[]")
		} else if host, port, err = net.SplitHostPort(rest); err != nil {
			return "", "", "", fmt.Errorf("%q is not user@host:port", s)
		}
	}
	if n, e := strconv.Atoi(port); port != "" && (e != nil || n < 1 || n > 65535) {
		return "", "", "", fmt.Errorf("%q is not a port (1 to 65535)", port)
	}
	for _, word := range []string{user, host} {
		if strings.HasPrefix(word, "-") || strings.ContainsAny(word, " \t\r\n\x00'\"`$;|&<>()\\") {
			return "", "", "", fmt.Errorf("%q is not user@host:port", s)
		}
	}
	if host == "" {
		return "", "", "", fmt.Errorf("%q names no host", s)
	}
	return user, host, port, nil
}

// Resolve reads ssh_config for what was typed. Settings that cannot be read are told to log, and what was typed counts.
func Resolve(ctx context.Context, typed string, o Operator, log func(string)) (Host, error) {
	user, host, port, err := destination(typed)
	if err != nil {
		return Host{}, err
	}
	if o.Apart {
		return Host{Typed: typed, Name: host, Port: cmp.Or(port, "22"), User: cmp.Or(user, o.User)}, nil
	}
	settings, err := sshG(ctx, o.Home, user, host, port)
	if err != nil {
		if settings, err = parseConfig(o.Home, host); err != nil {
			log("ssh_config cannot be read, going on with what was typed: " + err.Error())
		}
	}
	h := Host{Typed: typed, Agent: o.AgentSock}
	h.Name = cmp.Or(settings.get("hostname"), host)
	h.Port = cmp.Or(port, settings.get("port"), "22")
	h.User = cmp.Or(user, settings.get("user"), o.User)
	h.Only = settings.get("identitiesonly") == "yes"
	h.Hash = settings.get("hashknownhosts") == "yes"
	h.Alias = settings.get("hostkeyalias")
	h.Identities = settings.paths(o.Home, h, "identityfile")
	if len(h.Identities) == 0 {
		h.Identities = settings["default"].paths(o.Home, h)
	}
	switch a := settings.get("identityagent"); a {
	case "", "SSH_AUTH_SOCK", "$SSH_AUTH_SOCK":
	case "none":
		h.Agent = ""
	default:
		h.Agent = expand(o.Home, h, a)
	}
	if j := settings.get("proxyjump"); j != "" && j != "none" {
		h.Jumps = strings.Split(j, ",")
	} else if c := settings.get("proxycommand"); c != "" && c != "none" {
		return Host{}, fmt.Errorf("ssh_config wants ProxyCommand %q for %q: use ProxyJump, or name the host to go through", c, host)
	}
	if o.KnownHosts != "" {
		h.KnownHosts = []string{o.KnownHosts}
	} else {
		for _, v := range settings["userknownhostsfile"] {
			for _, f := range strings.Fields(v) {
				// ssh -G has put the password database's home for ~ here, and only here
				if was := passwdHome(); len(was) > 1 && strings.HasPrefix(f, was+"/") {
					f = o.Home + f[len(was):]
				}
				h.KnownHosts = append(h.KnownHosts, expand(o.Home, h, f))
			}
		}
	}
	if len(h.KnownHosts) == 0 {
		h.KnownHosts = []string{filepath.Join(o.Home, ".ssh", "known_hosts"), filepath.Join(o.Home, ".ssh", "known_hosts2")}
	}
	return h, nil
}

// settings are the values of ssh_config by keyword in lower case.
type settings map[string]values
type values []string

func (s settings) get(key string) string {
	if v := s[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func (s settings) paths(home string, h Host, key string) []string { return s[key].paths(home, h) }

func (v values) paths(home string, h Host) (out []string) {
	for _, p := range v {
		if p != "none" {
			out = append(out, expand(home, h, p))
		}
	}
	return out
}

// sshG asks the ssh that is installed; it connects nowhere.
func sshG(ctx context.Context, home, user, host, port string) (settings, error) {
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var args []string
	if was := passwdHome(); was != "" && home != was { // ssh looks for its files where the password database says, whatever HOME is
		file := filepath.Join(home, ".ssh", "config")
		if _, err := os.Stat(file); err != nil {
			file = os.DevNull
		}
		args = append(args, "-F", file)
	}
	if user != "" {
		args = append(args, "-l", user)
	}
	if port != "" {
		args = append(args, "-p", port)
	}
	cmd := exec.CommandContext(ctx, ssh, append(args, "-G", "--", host)...)
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	s := settings{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		if key, value, ok := strings.Cut(lines.Text(), " "); ok {
			s[key] = append(s[key], value)
		}
	}
	return s, lines.Err()
}

// parseConfig reads the operator's and the system's ssh_config where there is no ssh to ask.
func parseConfig(home, host string) (settings, error) {
	s := settings{"default": values{"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"}}
	for _, path := range []string{filepath.Join(home, ".ssh", "config"), "/etc/ssh/ssh_config"} {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		c, err := ssh_config.DecodeBytes(b)
		if err != nil {
			return s, fmt.Errorf("%s: %w", path, err)
		}
		for _, key := range []string{"hostname", "port", "user", "identitiesonly", "hostkeyalias", "identityfile", "identityagent", "proxyjump", "proxycommand", "userknownhostsfile", "hashknownhosts"} {
			v, err := c.GetAll(host, key)
			if err != nil {
				return s, fmt.Errorf("%s: %w", path, err)
			}
			if len(v) > 0 && (s[key] == nil || key == "identityfile") {
				s[key] = append(s[key], v...)
			}
		}
	}
	if v := s["hostname"]; len(v) > 0 {
		v[0] = strings.ReplaceAll(v[0], "%h", host)
	}
	return s, nil
}

// expand makes a path of what ssh_config says: a leading ~ and the tokens.
func expand(home string, h Host, p string) string {
	p = strings.Trim(p, `"`)
	if p == "~" || strings.HasPrefix(p, "~/") {
		p = home + p[1:]
	}
	return strings.NewReplacer("%%", "%", "%d", home, "%h", h.Name, "%n", h.Typed, "%p", h.Port, "%r", h.User).Replace(p)
}

func passwdHome() string {
	u, err := user.LookupId(strconv.Itoa(os.Getuid()))
	if err != nil {
		return ""
	}
	return u.HomeDir
}
