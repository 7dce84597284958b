package remote

import (
	"cmp"
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

// connection is how the operator's connection came in, as the host saw it.
type connection struct {
	source netip.Addr
	port   int
	text   string // SSH_CONNECTION, made of its checked parts
}

// parseConnection checks SSH_CONNECTION: source, its port, our address, our port.
func parseConnection(s string) (connection, bool) {
	f := strings.Fields(s)
	if len(f) != 4 {
		return connection{}, false
	}
	source, err1 := netip.ParseAddr(f[0])
	_, err2 := strconv.ParseUint(f[1], 10, 16)
	own, err3 := netip.ParseAddr(f[2])
	port, err4 := strconv.ParseUint(f[3], 10, 16)
	if errors.Join(err1, err2, err3, err4) != nil || strings.ContainsAny(source.Zone()+own.Zone(), " '\"`$\\;") {
		return connection{}, false
	}
	return connection{source: source.Unmap(), port: int(port), text: strings.Join(f, " ")}, true
}

// elevation is one shell being made a root shell.
type elevation struct {
	s     *Session
	p     *process
	ready string // said by the root shell once it runs; until then nothing more is sent, because dash reads ahead
	mark  string // begins our own lines
	uid   string
	how   string // root, sudo, or what is there to ask: sudo-password, su, nothing
	from  string // SSH_CONNECTION
	uname string
	wrong int // passwords that sudo or su refused, over all shells tried
}

// root starts a shell and makes it a root shell: as it is, through sudo, or through su. A password is sent only once its own
// prompt came.
func (s *Session) root(ctx context.Context) (*elevation, error) {
	for wrong := 0; ; {
		p, err := s.start(ctx)
		if err != nil {
			return nil, err
		}
		e := &elevation{s: s, p: p, ready: nonce(), mark: nonce(), wrong: wrong}
		again, err := e.attempt(ctx)
		if err == nil {
			return e, nil
		}
		p.end()
		if !again {
			return nil, err
		}
		wrong = e.wrong
	}
}

// settle gives the root shell the surroundings that every script may count on. UNAME is the system's, so that no script has to ask for it.
func (s *Session) settle(ctx context.Context, p *process) error {
	return p.write(ctx, "SSH_CONNECTION="+Quote(s.came.text)+" UNAME="+Quote(s.uname)+"; export SSH_CONNECTION UNAME; unset ENV CDPATH; umask 022; cd /; "+s.surroundings()+"\n")
}

// systemPath is where a system keeps its tools; a login may have less.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// surroundings are the same for every shell of ours, whatever the login shell had.
func (s *Session) surroundings() string {
	return "LC_ALL=C; export LC_ALL; unset LANGUAGE; PATH=" + Quote(cmp.Or(s.o.Path, systemPath)) + "; export PATH; exec 2>&1; "
}

// attempt takes the way up that there is; again tells that a new shell may have better luck.
func (e *elevation) attempt(ctx context.Context) (again bool, err error) {
	e.s.trips.Add(1)
	if err := e.p.write(ctx, e.probe()); err != nil {
		return false, e.s.explain(err)
	}
	which, said, err := e.wait(ctx, "\n"+e.ready+"\n", "\n"+e.mark+" end\n", "\n"+e.mark+" how sudo\n")
	e.read(said)
	if err == nil && which == 2 { // it may take its time again
		e.how = "sudo"
		which, said, err = e.wait(ctx, "\n"+e.ready+"\n")
	}
	if err != nil {
		return false, e.noAnswer(ctx, err, said)
	}
	if which == 0 {
		e.s.log("root: " + cmp.Or(e.how, "as it is"))
		return false, nil
	}
	switch e.how {
	case "sudo-password":
		return e.sudo(ctx)
	case "su":
		return e.su(ctx)
	}
	return false, fmt.Errorf("%s: %w: the login is uid %s and there is no %s", e.s.name, ErrNoRoot, e.uid, cmp.Or(e.s.target.Become, "sudo or su"))
}

// wait reads until one of the marks comes, or the host has had its time.
func (e *elevation) wait(ctx context.Context, marks ...string) (int, string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, shellTimeout, noAnswerWithin(shellTimeout))
	defer cancel()
	return e.p.out.until(ctx, marks...)
}

// noAnswer explains a shell that never answered, in what the host said. One that reads all before it runs any, as some that a
// start-up file puts in the place of the login shell, says why once there is no more to read.
func (e *elevation) noAnswer(ctx context.Context, err error, said string) error {
	if errors.Is(err, errEnded) && e.s.link != nil && !e.s.link.alive() {
		return e.s.explain(err)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	e.p.finish()
	_, more, _ := e.p.out.until(last)
	line := theirs(said + "\n" + more + "\n" + e.p.noise(last)).last(200)
	what, hint := worded(err), ""
	switch {
	case strings.HasPrefix(e.how, "sudo"):
		return e.slow("sudo", line, err)
	case e.uid != "": // it answers, and became nobody else
	case errors.Is(err, errEnded):
		what = errors.New("the shell ended before it answered; does the login shell allow commands?")
	default:
		what = fmt.Errorf("the login shell runs nothing of what it is sent: %w", what)
		hint = "; does a start-up file such as ~/.bashrc put another shell in its place (exec fish)? Only a terminal should get that: [ -t 0 ] && exec fish"
	}
	if line != "" {
		hint = fmt.Sprintf(" (it said %q)", line) + hint
	}
	return fmt.Errorf("%s: %w%s", e.s.name, what, hint)
}

// lastWords is how long a shell that was given up may still say why.
const lastWords = 2 * time.Second

// ours is what we send: marks, and the scripts that hold them.
var ours = regexp.MustCompile(`(?m)^.*(p[0-9a-f]{32}|LC_ALL=C; export).*$|^[ ^~]+$`)

// theirs is what a host said by itself, without what is ours.
func theirs(said string) Text { return Clean(ours.ReplaceAllString(said, "")) }

// shellAs is the command that root runs: it says that it is there, and reads on.
func (e *elevation) shellAs() string {
	return "/bin/sh -c " + Quote(`printf '\n%s\n' `+e.ready+`; exec /bin/sh -s`)
}

// probe finds out who we are and takes the way up that needs no password. It is one compound command, so that nothing of it
// is left in the shell's buffer when another shell takes over.
func (e *elevation) probe() string {
	tell := func(key, value string) string {
		return "printf '%s %s %s\\n' " + e.mark + " " + key + " " + value + "; "
	}
	sudo := "elif command -v sudo >/dev/null 2>&1; then " + tell("how", "sudo-asked") + "if sudo -n true </dev/null >/dev/null; then " + tell("how", "sudo") + "exec sudo -n -- " + e.shellAs() + "; fi; " + tell("how", "sudo-password")
	su := "elif command -v su >/dev/null 2>&1; then " + tell("how", "su")
	switch e.s.target.Become {
	case "sudo":
		su = ""
	case "su":
		sudo = ""
	}
	me, sys := "$(id -u)", tell("sys", `"$(uname -s)"`)
	if e.s.uname != "" { // a further shell of the session tells this no more
		sys = ""
	}
	if e.s.isRoot {
		me = "0"
	}
	return "{ " + e.s.surroundings() + "printf '\\n'; me=" + me + "; " + tell("uid", `"$me"`) + tell("from", `"$SSH_CONNECTION"`) + sys +
		`if [ "$me" = 0 ]; then printf '\n%s\n' ` + e.ready + "; " + sudo + su +
		"else " + tell("how", "nothing") + "fi; " +
		`[ "$me" = 0 ] || printf '\n%s end\n' ` + e.mark + "; }\n"
}

// read takes in our own lines and leaves banners and the like.
func (e *elevation) read(said string) {
	for _, line := range strings.Split(said, "\n") {
		rest, ok := strings.CutPrefix(line, e.mark+" ")
		if !ok {
			continue
		}
		switch key, value, _ := strings.Cut(rest, " "); key {
		case "uid":
			e.uid = strings.TrimSpace(value)
		case "from":
			e.from = value
		case "sys":
			e.uname = Clean(value).Line(40)
		case "how":
			e.how = value
		}
	}
}

// sudo becomes root with the operator's password: asked for on standard input, behind a prompt that only we know.
func (e *elevation) sudo(ctx context.Context) (again bool, err error) {
	prompt := nonce()
	e.s.trips.Add(1)
	if err := e.p.write(ctx, "exec sudo -S -p "+prompt+" -- "+e.shellAs()+"\n"); err != nil {
		return false, e.s.explain(err)
	}
	return e.prompted(ctx, "sudo", prompt, Prompt{Kind: Sudo, Host: e.s.name, Text: Clean(e.s.who)})
}

// su becomes root with root's password. su has no prompt of our own: its usual one counts, and only after our mark.
func (e *elevation) su(ctx context.Context) (again bool, err error) {
	e.s.trips.Add(1)
	command := "su root -c "
	if cmp.Or(e.s.uname, e.uname) == "Linux" {
		command = "su -s /bin/sh root -c "
	}
	script := "{ printf '\\n%s su\\n' " + e.mark + "; exec " + command + Quote(e.shellAs()) + "; }\n"
	if err := e.p.write(ctx, script); err != nil {
		return false, e.s.explain(err)
	}
	if _, said, err := e.wait(ctx, "\n"+e.mark+" su\n"); err != nil {
		return false, e.noAnswer(ctx, err, said)
	}
	return e.prompted(ctx, "su", "assword:", Prompt{Kind: Su, Host: e.s.name, Text: Clean("root")})
}

// prompted answers each prompt until root's shell is there.
func (e *elevation) prompted(ctx context.Context, with, prompt string, question Prompt) (again bool, err error) {
	key := with + " " + e.s.who
	var sent *string
	all := ""
	for {
		which, said, err := e.wait(ctx, "\n"+e.ready+"\n", prompt)
		all += said + "\n"
		switch {
		case err != nil:
			return e.refused(with, key, sent, all, err)
		case which == 0:
			e.s.log("root: " + with + " with password")
			return false, nil
		}
		if sent != nil {
			e.s.o.Memory.refuse(key, sent)
			e.wrong++
		}
		if e.wrong >= maxTries {
			return false, e.wrongTooOften(with)
		}
		a, err := e.s.o.Memory.ask(ctx, key, func(refused bool) (string, error) {
			question.Refused = refused
			return e.s.o.put(ctx, question)
		})
		if err != nil {
			return false, fmt.Errorf("%s: %w: %s asks for a password: %w", e.s.name, ErrNoRoot, with, err)
		}
		if strings.ContainsAny(*a, "\n\r\x00") {
			e.s.o.Memory.refuse(key, a)
			return false, fmt.Errorf("%s: the password holds a line break", e.s.name)
		}
		sent = a
		e.s.trips.Add(1)
		if err := e.p.write(ctx, *a+"\n"); err != nil {
			return false, e.s.explain(err)
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
func (e *elevation) refused(with, key string, sent *string, said string, err error) (again bool, _ error) {
	line := theirs(said).last(200)
	user, _, _ := strings.Cut(e.s.who, "@")
	switch {
	case !errors.Is(err, errEnded):
		return false, e.slow(with, line, err)
	case e.s.link != nil && !e.s.link.alive():
		return false, e.s.explain(err)
	case notAllowed.MatchString(said):
		hint := ""
		if with == "sudo" {
			hint = "; with root's password, become = su may do"
		}
		return false, fmt.Errorf("%s: %w: %s does not allow it for %s (it said %q)%s", e.s.name, ErrNoRoot, with, e.s.who, line, hint)
	case strings.Contains(said, "must have a tty"):
		return false, fmt.Errorf("%s: %w: %s wants a terminal (it said %q): the line 'Defaults:%s !requiretty', put into its sudoers with visudo, lets this login do without", e.s.name, ErrNoRoot, with, line, user)
	case sent == nil:
		return false, fmt.Errorf("%s: %w: %s ended (it said %q)", e.s.name, ErrNoRoot, with, line)
	}
	e.s.o.Memory.refuse(key, sent)
	if e.wrong++; e.wrong < maxTries {
		return true, fmt.Errorf("%s: %w: %s refused the password", e.s.name, ErrNoRoot, with)
	}
	return false, e.wrongTooOften(with)
}

// wrongTooOften says whose password was refused, and by what.
func (e *elevation) wrongTooOften(with string) error {
	user := "root"
	if with == "sudo" {
		user, _, _ = strings.Cut(e.s.who, "@")
	}
	return fmt.Errorf("%s: %w: %s refused the password of %s %d times", e.s.name, ErrNoRoot, with, user, e.wrong)
}

// slow says that sudo or su did not answer, and what it said until then: most often it looks for the host's own name.
func (e *elevation) slow(with, line string, err error) error {
	hint := ""
	if strings.Contains(line, "unable to resolve host") {
		hint = "; a line for the host's own name in its /etc/hosts mends that"
	}
	if line != "" {
		hint = fmt.Sprintf(" (it said %q)", line) + hint
	}
	return fmt.Errorf("%s: %w: %s: %w%s", e.s.name, ErrNoRoot, with, worded(err), hint)
}
