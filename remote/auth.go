package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"postern/remote/sshconfig"
)

// maxTries is how often the operator may answer the same question wrongly.
const maxTries = 3

// login is one host being logged in to. It outlives a connection that the host hung up on.
type login struct {
	hops   *hops
	target Target
	host   sshconfig.Host
	clock  *loginClock
	banner string

	greeting *greeting // of the connection at hand

	attempts int
	keyTypes int             // how many times the pinned key was not the one shown, and other types were asked for
	refused  map[string]bool // keys the host did not take, by fingerprint
	offered  []string        // the keys offered over this connection, in order
	skip     []string        // key files whose passphrase nobody gave
	last     *string         // the password sent last
	tries    int             // of the password
	asked    int             // questions put
	answered map[string]bool // questions the host asked over this connection
	keyErr   error           // why a key that the host would take was not used
	keyFresh bool            // keyErr came up since the last method
	hostErr  error           // why the host's key was not taken

	agent     net.Conn // to the operator's agent
	agentHung string   // that it hangs, in words
}

// progress grows with everything learned that makes another connection worth it.
func (l *login) progress() int { return len(l.refused) + len(l.skip) + l.asked + l.keyTypes }

// again tells whether another connection may go better than the one that ended with err.
func (l *login) again(err error, before int) bool {
	if l.hostErr != nil {
		return errors.Is(l.hostErr, errOtherType)
	}
	if strings.Contains(err.Error(), "oo many authentication failures") {
		for _, k := range l.offered {
			l.refused[k] = true
		}
		return l.progress() > before
	}
	return l.asked > 0 && l.progress() > before && hungUp(err)
}

// config is what x/crypto needs for one handshake; done lets go of the agent.
func (l *login) config(ctx context.Context) (_ *ssh.ClientConfig, done func(), err error) {
	l.offered, l.last, l.hostErr, l.keyErr, l.answered = nil, nil, nil, nil, map[string]bool{}
	check, algorithms, err := l.hostKeys(ctx)
	if err != nil {
		return nil, nil, err
	}
	agent, done := l.openAgent()
	password := ssh.PasswordCallback(func() (string, error) { return l.password(ctx, false) })
	questions := ssh.KeyboardInteractive(func(_, instruction string, questions []string, echos []bool) ([]string, error) {
		return l.challenge(ctx, instruction, questions, echos)
	})
	keys := func() ([]ssh.Signer, error) { return l.signers(ctx, agent), nil } //nolint:unparam // what x/crypto asks for
	return &ssh.ClientConfig{
		User:              l.host.User,
		Auth:              []ssh.AuthMethod{ssh.PublicKeysCallback(keys), ssh.RetryableAuthMethod(questions, maxTries), ssh.RetryableAuthMethod(password, maxTries)},
		HostKeyCallback:   check,
		HostKeyAlgorithms: algorithms,
		ClientVersion:     "SSH-2.0-postern",
		BannerCallback:    func(b string) error { l.banner = Clean(b).String(); return nil },
		AuthCallback: func(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
			if n := len(c.TriedMethods); n == 0 || c.TriedMethods[n-1] != "publickey" || !slices.Contains(c.AllowedMethods, "publickey") {
				return nil, nil
			}
			if !l.keyFresh || len(c.TriedMethods) > maxTries {
				return nil, nil
			}
			l.keyFresh = false // a key could not be opened: go on with the others
			return ssh.PublicKeysCallback(keys), nil
		},
	}, done, nil
}

// ask puts a question to the operator, while the host's time stands still.
func (l *login) ask(ctx context.Context, key string, p Prompt) (*string, error) {
	return l.hops.o.Memory.ask(ctx, key, func(refused bool) (string, error) {
		l.asked++
		p.Refused = refused
		return l.clock.pausedFor(loginTimeout, func() (string, error) { return l.hops.o.put(ctx, p) })
	})
}

// password is the next password to try. One that was refused is asked for again; the same one again is not sent again, but
// counts. Among others it is sent again: it may have been another answer that was wrong.
func (l *login) password(ctx context.Context, amongOthers bool) (string, error) {
	key := "password " + l.host.Login()
	for {
		if l.last != nil {
			l.hops.o.Memory.refuse(key, l.last)
		}
		if l.tries >= maxTries {
			return "", fmt.Errorf("the password was refused %d times", l.tries)
		}
		a, err := l.ask(ctx, key, Prompt{Kind: Password, Host: l.target.name(), Text: Clean(l.host.Login())})
		if err != nil {
			return "", fmt.Errorf("password of %s: %w", l.host.Login(), err)
		}
		l.tries++
		again := l.last != nil && *l.last == *a && !amongOthers
		l.last = a
		if !again {
			return *a, nil
		}
	}
}

// challenge answers one round of keyboard-interactive questions. A single hidden question that asks for the password is the
// password; others are kept by their text, so that a second login asks nothing that is still true.
func (l *login) challenge(ctx context.Context, instruction string, questions []string, echos []bool) ([]string, error) {
	if len(questions) > 16 {
		return nil, fmt.Errorf("the host asks %d questions at once", len(questions))
	}
	answers := make([]string, len(questions))
	for i, q := range questions {
		text := Clean(strings.TrimSpace(instruction + "\n" + q))
		if echo := i < len(echos) && echos[i]; echo || !strings.Contains(strings.ToLower(q), "password") || strings.Contains(strings.ToLower(q), "one-time") {
			a, err := l.challengeOne(ctx, text, echo)
			if err != nil {
				return nil, err
			}
			answers[i] = a
			continue
		}
		a, err := l.password(ctx, true)
		if err != nil {
			return nil, err
		}
		answers[i] = a
	}
	return answers, nil
}

// challengeOne answers from memory once per login: an answer that is asked for again was not right.
func (l *login) challengeOne(ctx context.Context, text Text, echo bool) (string, error) {
	key := "challenge " + l.host.Login() + " " + text.String()
	if l.answered[key] {
		l.hops.o.Memory.refuse(key, l.hops.o.Memory.get(key))
	}
	l.answered[key] = true
	a, err := l.ask(ctx, key, Prompt{Kind: Challenge, Host: l.target.name(), Text: text, Echo: echo})
	if err != nil {
		return "", fmt.Errorf("%s: %w", text.Line(80), err)
	}
	return *a, nil
}

// explain says what a login failed on in the operator's words.
func (l *login) explain(err error) error {
	text := err.Error()
	switch {
	case l.hostErr != nil:
		return l.hostErr
	case errors.Is(err, ErrNoAnswer) && l.keyErr != nil:
		return fmt.Errorf("login as %s: %w; the host would take that key", l.host.User, l.keyErr)
	case errors.Is(err, ErrNoAnswer):
		return fmt.Errorf("login as %s refused: %s: %w", l.host.User, l.keysOffered(), err)
	case l.tries >= maxTries:
		return fmt.Errorf("SSH refused the password of %s %d times", l.host.Login(), l.tries)
	case strings.Contains(text, "unable to authenticate"), strings.Contains(text, "oo many authentication failures"):
		why := l.keysOffered()
		if l.keyErr != nil {
			why = l.keyErr.Error()
		} else if l.tries > 0 {
			why += ", and SSH refused the password of " + l.host.Login()
		}
		if strings.Contains(text, "oo many") {
			why += "; the host hung up over too many keys: name the right one with IdentityFile and IdentitiesOnly"
		}
		return fmt.Errorf("login as %s refused: %s", l.host.User, why)
	case l.agent != nil && strings.Contains(text, "i/o timeout") && strings.Contains(text, "agent"):
		return fmt.Errorf("the ssh agent at %s did not sign within %s: does it wait for a touch?", l.host.Agent, signTimeout)
	case hungUp(err):
		if len(l.offered) == 0 {
			err = errors.Join(ErrTurnedAway, err)
		}
		return &dialError{l.hungUp(), err}
	}
	return err
}

// keysOffered says which keys were offered.
func (l *login) keysOffered() string {
	said := offers(l.keysShown())
	if l.agentHung != "" {
		said += ", and " + l.agentHung
	}
	return said
}

// keysShown is how many keys the host was shown.
func (l *login) keysShown() int {
	n := len(l.refused)
	for _, k := range l.offered {
		if !l.refused[k] {
			n++
		}
	}
	return n
}

// offers says that in words.
func offers(n int) string {
	switch n {
	case 0:
		return "there was no key to offer"
	case 1:
		return "1 key was offered"
	}
	return fmt.Sprintf("%d keys were offered", n)
}

// hungUp says that the host ended the connection, in its own words where it had any.
func (l *login) hungUp() string {
	text := l.host.Login() + " hung up during the login"
	if said := l.greeting.words(); said != "" {
		return fmt.Sprintf("%s: it said %q", text, said)
	}
	return text + " without a word: is an SSH server there, and is this address let in, or banned for a while?"
}

// hungUp tells whether the host ended the connection without a word.
func hungUp(err error) bool {
	for _, s := range []string{"EOF", "connection reset", "broken pipe", "closed network connection", "disconnect"} {
		if strings.Contains(err.Error(), s) {
			return true
		}
	}
	return false
}
