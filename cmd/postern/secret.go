package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"postern/remote"
	"postern/report"
)

// secrets are the passwords answered in this run, kept only so that no log can hold one.
type secrets struct {
	mu   sync.Mutex
	list []string
}

func (s *secrets) add(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, secret)
}

// scrub takes every secret out of text. Shorter ones than four letters stay: their gaps would spell them out.
func (s *secrets) scrub(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.list {
		if len(one) >= 4 {
			text = strings.ReplaceAll(text, one, "[secret]")
		}
	}
	return text
}

// answer puts one of remote's prompts to the operator.
func (a *asker) answer(ctx context.Context, p remote.Prompt) (string, error) {
	a.turn.Lock() // hosts are connected to at once, the operator is asked one thing at a time
	defer a.turn.Unlock()
	if refused := report.Refused(p); refused != "" {
		a.say.line(red, "%s", refused)
	}
	switch {
	case p.Kind == remote.HostKey:
		return a.hostKey(ctx, p)
	case !report.Masked(p):
		return a.line(ctx, report.Asked(p)+" ")
	}
	secret, err := a.secret(ctx, report.Asked(p))
	if err == nil && secret != "" {
		a.secrets.add(secret)
	}
	return secret, err
}

// hostKey shows a key that was not seen before; only a typed yes accepts it, --yes does not.
func (a *asker) hostKey(ctx context.Context, p remote.Prompt) (string, error) {
	for _, line := range report.HostKey(p) {
		if line != "" {
			a.say.line(plain, "%s", line)
		}
	}
	answer, err := a.line(ctx, "Type yes if it is the same: ")
	if err != nil {
		return "", fmt.Errorf("the host key of %s: %w", p.Host, err)
	}
	return strings.TrimSpace(answer), nil
}

// secret asks --askpass, or the terminal without echo.
func (a *asker) secret(ctx context.Context, text string) (string, error) {
	if a.askpass == "" {
		return a.typed(ctx, text)
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", a.askpass+` "$1"`, "postern-askpass", text)
	if runtime.GOOS == "windows" {
		words := strings.Fields(a.askpass)
		cmd = exec.CommandContext(ctx, words[0], append(words[1:], text)...)
	}
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = errors.New(exit.ProcessState.String()) // what it printed may be secret
		}
		return "", fmt.Errorf("%w: --askpass for the %s: %w", remote.ErrNoAnswer, text, err)
	}
	return strings.TrimRight(string(out), "\r\n"), nil
}

// typed reads a secret from the terminal itself, whatever standard input is.
func (a *asker) typed(ctx context.Context, text string) (string, error) {
	nobody := fmt.Errorf("%w: no terminal to ask for the %s", remote.ErrNoAnswer, text)
	in, out := "/dev/tty", "/dev/tty"
	if runtime.GOOS == "windows" {
		in, out = "CONIN$", "CONOUT$"
	}
	tty, err := os.OpenFile(in, os.O_RDWR, 0)
	if err != nil {
		return "", nobody
	}
	defer tty.Close()
	screen := tty
	if out != in {
		if screen, err = os.OpenFile(out, os.O_WRONLY, 0); err != nil {
			return "", nobody
		}
		defer screen.Close()
	}
	before, err := term.GetState(int(tty.Fd()))
	if err != nil {
		return "", nobody
	}
	defer func() { _ = term.Restore(int(tty.Fd()), before) }() // a terminal that has gone needs none
	a.busy.Add(1)
	defer a.busy.Add(-1)
	typed := reading(ctx, func() ([]byte, error) { return term.ReadPassword(int(tty.Fd())) })
	hushed(int(tty.Fd()), before)
	a.say.write(screen, plain, text+": ")
	secret, err := typed()
	if errors.Is(err, errAbandoned) {
		return "", ctx.Err()
	}
	a.say.write(screen, plain, "\n")
	if err != nil {
		return "", fmt.Errorf("%w: the %s: %w", remote.ErrNoAnswer, text, err)
	}
	return string(secret), nil
}

// hushed waits until a terminal is not any more as it was before: whoever types as soon as a secret is asked for must not
// see it. One that echoed nothing before stays as it was, and is not waited for long.
func hushed(tty int, before *term.State) {
	for range 2000 {
		if now, err := term.GetState(tty); err != nil || !reflect.DeepEqual(now, before) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
