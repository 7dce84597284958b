package remote

import (
	"bufio"
	"bytes"
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

// route is how to reach one host, as ssh_config and what was typed say together.
type route struct {
	typed      string
	host, port string
	user       string
	identities []string // key files, in order
	only       bool     // IdentitiesOnly: offer no other key
	agent      string   // the agent's socket, empty for none
	jumps      []string // ProxyJump, nearest first
	knownHosts []string // files to read; the first is written to
	alias      string   // HostKeyAlias
	hash       bool     // HashKnownHosts
}

// address is host:port as known_hosts looks it up.
func (r route) address() string {
	if r.alias != "" {
		return net.JoinHostPort(r.alias, "22")
	}
	return net.JoinHostPort(r.host, r.port)
}

// login is who and where, for people.
func (r route) login() string { return r.user + "@" + net.JoinHostPort(r.host, r.port) }

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

// resolve reads ssh_config for what was typed. Settings that cannot be read are told to log, and what was typed counts.
func resolve(ctx context.Context, typed string, o Options, log func(string)) (route, error) {
	user, host, port, err := destination(typed)
	if err != nil {
		return route{}, err
	}
	if o.Apart {
		return route{typed: typed, host: host, port: first(port, "22"), user: first(user, o.User)}, nil
	}
	settings, err := sshG(ctx, o.Home, user, host, port)
	if err != nil {
		if settings, err = parseConfig(o.Home, host); err != nil {
			log("ssh_config cannot be read, going on with what was typed: " + err.Error())
		}
	}
	r := route{typed: typed, agent: o.AgentSock}
	r.host = first(settings.get("hostname"), host)
	r.port = first(port, settings.get("port"), "22")
	r.user = first(user, settings.get("user"), o.User)
	r.only = settings.get("identitiesonly") == "yes"
	r.hash = settings.get("hashknownhosts") == "yes"
	r.alias = settings.get("hostkeyalias")
	r.identities = settings.paths(o.Home, r, "identityfile")
	if len(r.identities) == 0 {
		r.identities = settings["default"].paths(o.Home, r)
	}
	switch a := settings.get("identityagent"); a {
	case "", "SSH_AUTH_SOCK", "$SSH_AUTH_SOCK":
	case "none":
		r.agent = ""
	default:
		r.agent = expand(o.Home, r, a)
	}
	if j := settings.get("proxyjump"); j != "" && j != "none" {
		r.jumps = strings.Split(j, ",")
	} else if c := settings.get("proxycommand"); c != "" && c != "none" {
		return route{}, fmt.Errorf("ssh_config wants ProxyCommand %q for %q: use ProxyJump, or name the host to go through", c, host)
	}
	if o.KnownHosts != "" {
		r.knownHosts = []string{o.KnownHosts}
	} else {
		for _, v := range settings["userknownhostsfile"] {
			for _, f := range strings.Fields(v) {
				// ssh -G has put the password database's home for ~ here, and only here
				if was := passwdHome(); len(was) > 1 && strings.HasPrefix(f, was+"/") {
					f = o.Home + f[len(was):]
				}
				r.knownHosts = append(r.knownHosts, expand(o.Home, r, f))
			}
		}
	}
	if len(r.knownHosts) == 0 {
		r.knownHosts = []string{filepath.Join(o.Home, ".ssh", "known_hosts"), filepath.Join(o.Home, ".ssh", "known_hosts2")}
	}
	return r, nil
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

func (s settings) paths(home string, r route, key string) []string { return s[key].paths(home, r) }

func (v values) paths(home string, r route) (out []string) {
	for _, p := range v {
		if p != "none" {
			out = append(out, expand(home, r, p))
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
func expand(home string, r route, p string) string {
	p = strings.Trim(p, `"`)
	if p == "~" || strings.HasPrefix(p, "~/") {
		p = home + p[1:]
	}
	return strings.NewReplacer("%%", "%", "%d", home, "%h", r.host, "%n", r.typed, "%p", r.port, "%r", r.user).Replace(p)
}

func passwdHome() string {
	u, err := user.LookupId(strconv.Itoa(os.Getuid()))
	if err != nil {
		return ""
	}
	return u.HomeDir
}

func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}
