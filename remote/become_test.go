//go:build unix

package remote

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// unprivileged makes the login an ordinary user's, and sudo what script says: it has $tries passwords to read.
func (h *host) unprivileged(sudo string) {
	h.command("id", `echo "${FAKE_UID:-1000}"`)
	h.command("sudo", `
with() { while [ "$1" != -- ]; do shift; done; shift; FAKE_UID=0; export FAKE_UID; unset SSH_CONNECTION; exec "$@"; }
ask() { [ "$1 $2" = "-S -p" ] || exit 99; tries=$1; n=0
	while [ $n -lt "${most:-3}" ]; do
		printf '%s' "$3" >&2; IFS= read -r pw || exit 1; n=$((n+1))
		[ "$pw" = good ] && return; echo 'Sorry, try again.' >&2
	done; echo "sudo: $n incorrect password attempts" >&2; exit 1; }
`+sudo)
}

const sudoNever = `[ "$1" = -n ] && exit 1; `

func TestSudo(t *testing.T) {
	for _, c := range []struct {
		name, sudo string
		answers    []string
		asked      int
		fails      string
	}{
		{"without a password", `[ "$1 $2" = "-n true" ] && exit 0; with "$@"`, nil, 0, ""},
		{"with a password", sudoNever + `ask "$@"; with "$@"`, []string{"good"}, 1, ""},
		{"with a lecture", sudoNever + `echo "We trust you have received the usual lecture. Password:"; ask "$@"; with "$@"`, []string{"good"}, 1, ""},
		{"wrong, then right", sudoNever + `ask "$@"; with "$@"`, []string{"bad", "good"}, 2, ""},
		{"always wrong", sudoNever + `ask "$@"; with "$@"`, []string{"bad"}, 3, "sudo refused the password of admin 3 times"},
		{"one try each", sudoNever + `most=1; ask "$@"; with "$@"`, []string{"a", "b", "good"}, 3, ""},
		{"one try each, always wrong", sudoNever + `most=1; ask "$@"; with "$@"`, []string{"a"}, 3, "sudo refused the password of admin 3 times"},
		{"not in sudoers", sudoNever + `ask "$@"; echo "admin is not in the sudoers file."; exit 1`, []string{"good"}, 1, "admin is not in the sudoers file"},
		{"wants a terminal", sudoNever + `echo "sudo: sorry, you must have a tty to run sudo"; exit 1`, []string{"good"}, 0, "you must have a tty"},
		{"wants a terminal, and what to do", sudoNever + `echo "sudo: sorry, you must have a tty to run sudo"; exit 1`, []string{"good"}, 0, "Defaults:admin !requiretty"},
		{"a name that nobody knows", `echo "sudo: unable to resolve host mail: Temporary failure in name resolution" >&2; [ "$1 $2" = "-n true" ] && exit 0; with "$@"`, nil, 0, ""},
		{"nobody to ask", sudoNever + `ask "$@"; with "$@"`, nil, 1, ErrNoAnswer.Error()},
		{"a password with a line feed", sudoNever + `ask "$@"; with "$@"`, []string{"a\nrm -rf x"}, 1, "line break"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t)
			h.unprivileged(c.sudo)
			a := &asker{answers: map[Kind][]string{Sudo: c.answers}}
			o := h.options()
			o.Ask = a.ask
			s, err := Connect(soon(t), h.target(), o)
			if len(a.asked) != c.asked {
				t.Errorf("asked %v", a.asked)
			}
			if c.fails != "" {
				if !errors.Is(err, ErrNoRoot) && !strings.Contains(c.fails, "line") || err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			r, err := s.sh(soon(t), "id -u; echo \"$SSH_CONNECTION\"", nil)
			if err != nil || !strings.HasPrefix(r.Out, "0\n127.0.0.1 ") {
				t.Errorf("%+v, %v", r, err)
			}
			if x, err := s.Exec(soon(t), ReadRun("", "id -u")); err != nil || x.Out != "0\n" {
				t.Errorf("Exec: %+v, %v", x, err)
			}
			if b, err := again(t, s); err != nil || len(a.asked) != c.asked {
				t.Errorf("a second login: %v, asked %v", err, a.asked)
			} else {
				b.Close()
			}
		})
	}
}

// A sudo that does not ask must not be told: the password would land in the shell.
func TestSudoThatDoesNotAsk(t *testing.T) {
	h := newHost(t)
	h.unprivileged(sudoNever + `with "$@"`)
	a := &asker{answers: map[Kind][]string{Sudo: {"good"}}}
	o := h.options()
	o.Ask = a.ask
	h.connect(o)
	if len(a.asked) != 0 {
		t.Errorf("asked %v", a.asked)
	}
}

// slowly is a context that ends while a host still makes up its mind.
func slowly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// What keeps a login is said in the host's own words, without ours: neither the text that was sent nor its marks.
func TestSlowLogin(t *testing.T) {
	const unresolved = `echo "sudo: unable to resolve host mail: Temporary failure in name resolution" >&2; sleep 60`
	for _, c := range []struct {
		name, sudo, shell string
		says              []string
	}{
		{"sudo hangs over its own name", unresolved, "", []string{"cannot become root: sudo", "sudo: unable to resolve host mail: Temporary failure in name resolution"}},
		{"the second sudo hangs", `[ "$1 $2" = "-n true" ] && exit 0; ` + unresolved, "", []string{"cannot become root: sudo", "unable to resolve host mail"}},
		{"exec fish in .bashrc", "exit 1", `cat >/dev/null; echo "fish: '{ ... }' is not supported for grouping commands" >&2`,
			[]string{"runs nothing", "fish: '{ ... }' is not supported for grouping commands", ".bashrc", "-t 0"}},
		{"a shell that echoes", "exit 1", `cat`, []string{"runs nothing"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.unprivileged(c.sudo)
			if c.shell != "" {
				h.shell = []string{"/bin/sh", "-c", c.shell}
			}
			_, err := Connect(slowly(t), h.target(), h.options())
			if err == nil {
				t.Fatal("a login")
			}
			for _, want := range c.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v: does not say %q", err, want)
				}
			}
			if regexp.MustCompile(`p[0-9a-f]{32}|LC_ALL|context|EOF`).MatchString(err.Error()) {
				t.Errorf("%v: holds what is ours, or Go's", err)
			}
		})
	}
}

// A question that comes again says that the answer before was refused.
func TestAnswerRefused(t *testing.T) {
	h := newHost(t)
	h.unprivileged(sudoNever + `ask "$@"; with "$@"`)
	h.wants("login")
	a := &asker{answers: map[Kind][]string{Password: {"bad", "login"}, Sudo: {"bad", "good"}}}
	o := h.options()
	var said []string
	o.Ask = func(ctx context.Context, p Prompt) (string, error) {
		said = append(said, fmt.Sprint(p.Kind, " ", p.Refused, " ", strings.HasPrefix(p.Text.String(), "admin@127.0.0.1:")))
		return a.ask(ctx, p)
	}
	h.connect(o)
	if got := strings.Join(said, ", "); got != "password false true, password true true, sudo false true, sudo true true" {
		t.Errorf("asked %s", got)
	}
}

// A prompt that is not ours, in a banner or a lecture, gets nothing.
func TestSudoPromptOfAnother(t *testing.T) {
	h := newHost(t)
	h.noise = "Password: \n[sudo] password for admin: "
	h.unprivileged(sudoNever + `printf '[sudo] password for admin: '; exit 1`)
	a := &asker{answers: map[Kind][]string{Sudo: {"good"}}}
	o := h.options()
	o.Ask = a.ask
	if _, err := Connect(soon(t), h.target(), o); !errors.Is(err, ErrNoRoot) || len(a.asked) != 0 {
		t.Errorf("%v, asked %v", err, a.asked)
	}
	if strings.Contains(h.heard.String(), "good") {
		t.Error("the password was sent")
	}
}

func TestSu(t *testing.T) {
	const su = `while [ "$1" != -c ]; do shift; done
printf 'Password: ' >&2; IFS= read -r pw; [ "$pw" = good ] || { echo 'su: Authentication failure' >&2; exit 1; }
FAKE_UID=0; export FAKE_UID; exec /bin/sh -c "$2"`
	for _, c := range []struct {
		answers []string
		fails   string
	}{{[]string{"good"}, ""}, {[]string{"bad", "good"}, ""}, {[]string{"bad"}, "su refused the password of root 3 times"}} {
		h := newHost(t)
		h.noise = "Password: "
		h.unprivileged("exit 1")
		h.command("su", su)
		a := &asker{answers: map[Kind][]string{Su: c.answers}}
		o := h.options()
		o.Ask = a.ask
		target := h.target()
		target.Become = "su"
		s, err := Connect(soon(t), target, o)
		if (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%v: %v", c.answers, err)
		}
		if err != nil {
			continue
		}
		if r, err := s.sh(soon(t), "id -u", nil); err != nil || r.Out != "0\n" {
			t.Errorf("%+v, %v", r, err)
		}
		s.Close()
	}
}

func TestNeitherSudoNorSu(t *testing.T) {
	h := newHost(t)
	h.command("id", "echo 1000")
	h.command("uname", "echo Linux")
	o := h.options()
	o.Path = h.dir
	if _, err := Connect(soon(t), h.target(), o); !errors.Is(err, ErrNoRoot) || !strings.Contains(err.Error(), "no sudo or su") {
		t.Errorf("got %v", err)
	}
}

func TestParseConnection(t *testing.T) {
	for in, ok := range map[string]bool{
		"192.0.2.1 50000 198.51.100.1 22":       true,
		"2001:db8::1 50000 2001:db8::2 2222":    true,
		"::ffff:192.0.2.1 1 ::ffff:192.0.2.2 2": true,
		"":                                      false,
		"192.0.2.1 50000 198.51.100.1":          false,
		"192.0.2.1 50000 198.51.100.1 22 x":     false,
		"192.0.2.1 50000 $(reboot) 22":          false,
		"192.0.2.1 50000 198.51.100.1 99999":    false,
		"fe80::1%a';x 1 fe80::1 22":             false,
	} {
		if w, got := parseConnection(in); got != ok {
			t.Errorf("%q: %+v, %v", in, w, got)
		}
	}
	if w, _ := parseConnection("::ffff:192.0.2.1 1 ::1 2222"); w.source.String() != "192.0.2.1" || w.port != 2222 {
		t.Errorf("%+v", w)
	}
}
