package remote

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// shellTimeout bounds each answer while a shell is made a root shell, the operator's own time not counted.
const shellTimeout = 30 * time.Second

// ErrNoRoot means that the login worked, and root could not be had.
var ErrNoRoot = errors.New("cannot become root")

// way is how the operator's connection came in, as the host saw it.
type way struct {
	source netip.Addr
	port   int
	text   string // SSH_CONNECTION, made of its checked parts
}

// parseWay checks SSH_CONNECTION: source, its port, our address, our port.
func parseWay(s string) (way, bool) {
	f := strings.Fields(s)
	if len(f) != 4 {
		return way{}, false
	}
	source, err1 := netip.ParseAddr(f[0])
	_, err2 := strconv.ParseUint(f[1], 10, 16)
	own, err3 := netip.ParseAddr(f[2])
	port, err4 := strconv.ParseUint(f[3], 10, 16)
	if errors.Join(err1, err2, err3, err4) != nil || strings.ContainsAny(source.Zone()+own.Zone(), " '\"`$\\;") {
		return way{}, false
	}
	return way{source: source.Unmap(), port: int(port), text: strings.Join(f, " ")}, true
}

// climb is one shell being made a root shell.
type climb struct {
	s     *Session
	p     *process
	ready string // said by the root shell once it runs; until then nothing more is sent, because dash reads ahead
	mark  string // begins our own lines
	uid   string
	how   string // root, sudo, or what is there to ask: sudo-password, su, nothing
	way   string
	uname string
	wrong int // passwords that sudo or su refused, over all shells tried
}

// root starts a shell and makes it a root shell: as it is, through sudo, or through su. A password is sent only once its own
// prompt came.
func (s *Session) root(ctx context.Context) (*climb, error) {
	for wrong := 0; ; {
		p, err := s.start(ctx)
		if err != nil {
			return nil, err
		}
		c := &climb{s: s, p: p, ready: s.o.nonce(), mark: s.o.nonce(), wrong: wrong}
		again, err := c.up(ctx)
		if err == nil {
			return c, nil
		}
		p.end()
		if !again {
			return nil, err
		}
		wrong = c.wrong
	}
}

// settle gives the root shell the surroundings that every script may count on.
func (s *Session) settle(ctx context.Context, p *process) error {
	return p.write(ctx, "SSH_CONNECTION="+Quote(s.way.text)+"; export SSH_CONNECTION; unset ENV CDPATH; umask 022; cd /; "+s.surroundings()+"\n")
}

// systemPath is where a system keeps its tools; a login may have less.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// surroundings are the same for every shell of ours, whatever the login shell had.
func (s *Session) surroundings() string {
	return "LC_ALL=C; export LC_ALL; unset LANGUAGE; PATH=" + Quote(first(s.o.Path, systemPath)) + "; export PATH; exec 2>&1; "
}

// up climbs; again tells that a new shell may have better luck.
func (c *climb) up(ctx context.Context) (again bool, err error) {
	c.s.trips.Add(1)
	if err := c.p.write(ctx, c.probe()); err != nil {
		return false, c.s.told(err)
	}
	which, said, err := c.wait(ctx, "\n"+c.ready+"\n", "\n"+c.mark+" end\n")
	if err != nil {
		return false, c.silent(err, said)
	}
	c.read(said)
	if which == 0 {
		c.s.log("root: " + first(c.how, "as it is"))
		return false, nil
	}
	switch c.how {
	case "sudo-password":
		return c.sudo(ctx)
	case "su":
		return c.su(ctx)
	}
	return false, fmt.Errorf("%s: %w: the login is uid %s and there is no %s", c.s.name, ErrNoRoot, c.uid, first(c.s.target.Become, "sudo or su"))
}

// wait reads until one of the words comes, or the host has had its time.
func (c *climb) wait(ctx context.Context, words ...string) (int, string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, shellTimeout, fmt.Errorf("no answer within %v: %w", shellTimeout, context.DeadlineExceeded))
	defer cancel()
	return c.p.out.until(ctx, words...)
}

// silent explains a shell that never answered.
func (c *climb) silent(err error, said string) error {
	if errors.Is(err, errEnded) && (c.s.link == nil || c.s.link.alive()) {
		err = errors.New("the shell ended before it answered; does the login shell allow commands?")
	} else if errors.Is(err, errEnded) {
		return c.s.told(err)
	}
	if line := Clean(said).Line(200); line != "" {
		return fmt.Errorf("%s: %w (it said %q)", c.s.name, err, line)
	}
	return fmt.Errorf("%s: %w", c.s.name, err)
}

// shellAs is the command that root runs: it says that it is there, and reads on.
func (c *climb) shellAs() string {
	return "/bin/sh -c " + Quote(`printf '\n%s\n' `+c.ready+`; exec /bin/sh -s`)
}

// probe finds out who we are and takes the way up that needs no password. It is one compound command, so that nothing of it
// is left in the shell's buffer when another shell takes over.
func (c *climb) probe() string {
	tell := func(key, value string) string {
		return "printf '%s %s %s\\n' " + c.mark + " " + key + " " + value + "; "
	}
	sudo := "elif command -v sudo >/dev/null 2>&1; then if sudo -n true </dev/null >/dev/null 2>&1; then " + tell("how", "sudo") + "exec sudo -n -- " + c.shellAs() + "; fi; " + tell("how", "sudo-password")
	su := "elif command -v su >/dev/null 2>&1; then " + tell("how", "su")
	switch c.s.target.Become {
	case "sudo":
		su = ""
	case "su":
		sudo = ""
	}
	return "{ " + c.s.surroundings() + "printf '\\n'; " + tell("uid", `"$(id -u)"`) + tell("way", `"$SSH_CONNECTION"`) + tell("sys", `"$(uname -s)"`) +
		`if [ "$(id -u)" = 0 ]; then printf '\n%s\n' ` + c.ready + "; " + sudo + su +
		"else " + tell("how", "nothing") + "fi; " +
		`[ "$(id -u)" = 0 ] || printf '\n%s end\n' ` + c.mark + "; }\n"
}

// read takes in our own lines and leaves banners and the like.
func (c *climb) read(said string) {
	for _, line := range strings.Split(said, "\n") {
		rest, ok := strings.CutPrefix(line, c.mark+" ")
		if !ok {
			continue
		}
		switch key, value, _ := strings.Cut(rest, " "); key {
		case "uid":
			c.uid = strings.TrimSpace(value)
		case "way":
			c.way = value
		case "sys":
			c.uname = Clean(value).Line(40)
		case "how":
			c.how = value
		}
	}
}

// sudo becomes root with the operator's password: asked for on standard input, behind a prompt that only we know.
func (c *climb) sudo(ctx context.Context) (again bool, err error) {
	prompt := c.s.o.nonce()
	c.s.trips.Add(1)
	if err := c.p.write(ctx, "exec sudo -S -p "+prompt+" -- "+c.shellAs()+"\n"); err != nil {
		return false, c.s.told(err)
	}
	return c.prompted(ctx, "sudo", prompt, "sudo password of "+c.s.who)
}

// su becomes root with root's password. su has no prompt of our own: its usual one counts, and only after our mark.
func (c *climb) su(ctx context.Context) (again bool, err error) {
	c.s.trips.Add(1)
	command := "su root -c "
	if c.uname == "Linux" {
		command = "su -s /bin/sh root -c "
	}
	script := "{ printf '\\n%s su\\n' " + c.mark + "; exec " + command + Quote(c.shellAs()) + "; }\n"
	if err := c.p.write(ctx, script); err != nil {
		return false, c.s.told(err)
	}
	if _, said, err := c.wait(ctx, "\n"+c.mark+" su\n"); err != nil {
		return false, c.silent(err, said)
	}
	return c.prompted(ctx, "su", "assword:", "password of root on "+c.s.name)
}

// prompted answers each prompt until root's shell is there.
func (c *climb) prompted(ctx context.Context, with, prompt, question string) (again bool, err error) {
	key := with + " " + c.s.who
	var sent *string
	all := ""
	for {
		which, said, err := c.wait(ctx, "\n"+c.ready+"\n", prompt)
		all += said + "\n"
		switch {
		case err != nil:
			return c.refused(with, key, sent, all, err)
		case which == 0:
			c.s.log("root: " + with + " with password")
			return false, nil
		}
		if sent != nil {
			c.s.o.Memory.refuse(key, sent)
			c.wrong++
		}
		if c.wrong >= maxTries {
			return false, fmt.Errorf("%s: %w: %s refused the password %d times", c.s.name, ErrNoRoot, with, c.wrong)
		}
		a, err := c.s.o.Memory.ask(ctx, key, func() (string, error) {
			return c.s.o.put(ctx, Prompt{Kind: Sudo, Host: c.s.name, Text: Clean(question)})
		})
		if err != nil {
			return false, fmt.Errorf("%s: %w: %s asks for a password: %w", c.s.name, ErrNoRoot, with, err)
		}
		if strings.ContainsAny(*a, "\n\r\x00") {
			c.s.o.Memory.refuse(key, a)
			return false, fmt.Errorf("%s: the password holds a line break", c.s.name)
		}
		sent = a
		c.s.trips.Add(1)
		if err := c.p.write(ctx, *a+"\n"); err != nil {
			return false, c.s.told(err)
		}
	}
}

// last is the text's last line that says anything, cut to at most n bytes.
func (t Text) last(n int) string {
	lines := strings.Split(strings.TrimSpace(t.s), "\n")
	return cut(strings.TrimSpace(lines[len(lines)-1]), n)
}

var notAllowed = regexp.MustCompile(`(?i)not in the sudoers|not allowed to (run|execute)|may not run sudo|no valid sudoers|permission denied`)

// refused explains why sudo or su ended. A password that was wrong may be given again, to a new one.
func (c *climb) refused(with, key string, sent *string, said string, err error) (again bool, _ error) {
	line := Clean(said).last(200)
	switch {
	case !errors.Is(err, errEnded):
		return false, fmt.Errorf("%s: %w: %s: %w (it said %q)", c.s.name, ErrNoRoot, with, err, line)
	case c.s.link != nil && !c.s.link.alive():
		return false, c.s.told(err)
	case notAllowed.MatchString(said):
		hint := ""
		if with == "sudo" {
			hint = "; with root's password, become = su may do"
		}
		return false, fmt.Errorf("%s: %w: %s does not allow it for %s (it said %q)%s", c.s.name, ErrNoRoot, with, c.s.who, line, hint)
	case sent == nil:
		return false, fmt.Errorf("%s: %w: %s ended (it said %q)", c.s.name, ErrNoRoot, with, line)
	}
	c.s.o.Memory.refuse(key, sent)
	if c.wrong++; c.wrong < maxTries {
		return true, fmt.Errorf("%s: %w: %s refused the password", c.s.name, ErrNoRoot, with)
	}
	return false, fmt.Errorf("%s: %w: %s refused the password %d times", c.s.name, ErrNoRoot, with, c.wrong)
}
