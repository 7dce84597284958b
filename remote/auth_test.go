//go:build unix

package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// asker answers prompts from a list by kind, the last answer again and again, and keeps what it was asked.
type asker struct {
	answers map[Kind][]string
	asked   []Prompt
}

func (a *asker) ask(_ context.Context, p Prompt) (string, error) {
	a.asked = append(a.asked, p)
	left := a.answers[p.Kind]
	if len(left) == 0 {
		return "", ErrNoAnswer
	}
	if len(left) > 1 {
		a.answers[p.Kind] = left[1:]
	}
	return left[0], nil
}

func (a *asker) kinds() string {
	var out []string
	for _, p := range a.asked {
		out = append(out, string(p.Kind))
	}
	return strings.Join(out, " ")
}

// wants makes a host that takes one password, and notes what it was sent.
func (h *host) wants(password string) *[]string {
	var sent []string
	h.config.NoClientAuth = false
	h.config.MaxAuthTries = 20
	h.config.PasswordCallback = func(_ ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
		sent = append(sent, string(p))
		if string(p) != password {
			return nil, errors.New("no")
		}
		return nil, nil
	}
	return &sent
}

// takes makes a host that takes some keys, and notes which it was shown.
func (h *host) takes(keys ...ssh.PublicKey) *[]string {
	var shown []string
	h.config.NoClientAuth = false
	h.config.PublicKeyCallback = func(_ ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
		shown = append(shown, ssh.FingerprintSHA256(k))
		for _, good := range keys {
			if string(good.Marshal()) == string(k.Marshal()) {
				return nil, nil
			}
		}
		return nil, errors.New("no")
	}
	return &shown
}

func TestPassword(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []string
		sent    string // over one login
		fails   string
	}{
		{"right", []string{"good"}, "good", ""},
		{"right the third time", []string{"a", "b", "good"}, "a b good", ""},
		{"wrong three times", []string{"a", "b", "c", "good"}, "a b c", "SSH refused the password of admin@127.0.0.1:"},
		{"wrong the same way", []string{"a"}, "a", "3 times"},
		{"nobody to ask", nil, "", ErrNoAnswer.Error()},
	} {
		h := newHost(t)
		sent := h.wants("good")
		a := &asker{answers: map[Kind][]string{Password: c.answers}}
		o := h.options()
		o.Ask = a.ask
		s, err := Connect(soon(t), h.target(), o)
		if got := strings.Join(*sent, " "); got != c.sent {
			t.Errorf("%s: sent %q, want %q", c.name, got, c.sent)
		}
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) || !strings.Contains(err.Error(), "refused") || !strings.HasPrefix(err.Error(), "proxy: ") {
				t.Errorf("%s: got %v", c.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		n := len(a.asked)
		b, err := again(t, s)
		if err != nil || len(a.asked) != n {
			t.Errorf("%s: a second login: %v, and %d more questions", c.name, err, len(a.asked)-n)
		} else {
			b.Close()
		}
		s.Close()
	}
}

func TestKeyboardInteractive(t *testing.T) {
	h := newHost(t)
	h.config.NoClientAuth = false
	rounds := 0
	h.config.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
		rounds++
		one, err := ask("", "Two \x1b[31mquestions", []string{"Password: ", "Favourite colour? "}, []bool{false, true})
		if err != nil || len(one) != 2 {
			return nil, fmt.Errorf("round one: %w", err)
		}
		two, err := ask("", "", []string{"Verification code: "}, []bool{false})
		if err != nil || len(two) != 1 || one[0]+one[1]+two[0] != "goodblue123" {
			return nil, fmt.Errorf("%v %v %w", one, two, err)
		}
		return nil, nil
	}
	a := &asker{answers: map[Kind][]string{Password: {"good"}, Challenge: {"blue", "000", "blue", "123"}}}
	o := h.options()
	o.Ask = a.ask
	s := h.connect(o)
	if rounds != 2 {
		t.Errorf("%d rounds, want 2", rounds)
	}
	for _, p := range a.asked {
		if strings.Contains(p.Text.String(), "\x1b") || p.Host != "proxy" {
			t.Errorf("asked %+v", p)
		}
		if strings.Contains(p.Text.String(), "colour") != p.Echo {
			t.Errorf("echo of %q is %v", p.Text, p.Echo)
		}
	}
	n := len(a.asked)
	if b, err := again(t, s); err != nil || len(a.asked) != n {
		t.Errorf("a second login: %v, asked again: %v", err, a.asked[n:])
	} else {
		b.Close()
	}
}

func TestKeyThenPassword(t *testing.T) {
	h := newHost(t)
	o := h.options()
	pub := keyFile(t, filepath.Join(o.Home, ".ssh", "id_ed25519"))
	h.config.NoClientAuth = false
	h.config.PublicKeyCallback = func(_ ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
		if string(k.Marshal()) != string(pub.Marshal()) {
			return nil, errors.New("no")
		}
		return nil, &ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{PasswordCallback: func(_ ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
			if string(p) != "good" {
				return nil, errors.New("no")
			}
			return nil, nil
		}}}
	}
	a := &asker{answers: map[Kind][]string{Password: {"good"}}}
	o.Ask = a.ask
	h.connect(o)
}

func TestPassphrase(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []string
		asked   int
		fails   string
	}{
		{"right", []string{"open"}, 1, ""},
		{"right the second time", []string{"x", "open"}, 2, ""},
		{"wrong", []string{"x"}, 3, "wrong 3 times"},
		{"nobody to ask", nil, 1, ErrNoAnswer.Error()},
	} {
		h := newHost(t)
		o := h.options()
		pub := lockedFile(t, filepath.Join(o.Home, ".ssh", "id_ed25519"))
		h.takes(pub)
		a := &asker{answers: map[Kind][]string{Passphrase: c.answers}}
		o.Ask = a.ask
		s, err := Connect(soon(t), h.target(), o)
		if len(a.asked) != c.asked || strings.Trim(strings.ReplaceAll(a.kinds(), "passphrase", ""), " ") != "" {
			t.Errorf("%s: asked %v", c.name, a.asked)
		}
		if (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err == nil {
			if b, err := again(t, s); err != nil || len(a.asked) != c.asked {
				t.Errorf("%s: a second login: %v, asked %v", c.name, err, a.asked)
			} else {
				b.Close()
			}
			s.Close()
		}
	}
}

// A key that the host does not take is not worth a question.
func TestPassphraseOnlyWhenWanted(t *testing.T) {
	h := newHost(t)
	o := h.options()
	lockedFile(t, filepath.Join(o.Home, ".ssh", "id_ecdsa"))
	pub := keyFile(t, filepath.Join(o.Home, ".ssh", "id_ed25519"))
	h.takes(pub)
	a := &asker{}
	o.Ask = a.ask
	h.connect(o)
	if len(a.asked) != 0 {
		t.Errorf("asked %v", a.asked)
	}
}

// The key whose passphrase nobody knows does not stand in the way of the others.
func TestPassphraseThenAnotherKey(t *testing.T) {
	h := newHost(t)
	o := h.options()
	locked := lockedFile(t, filepath.Join(o.Home, ".ssh", "id_ecdsa"))
	pub := keyFile(t, filepath.Join(o.Home, ".ssh", "id_ed25519"))
	h.takes(locked, pub)
	h.connect(o)
}

// lockedPEM is a key whose passphrase is "open", with one round of bcrypt, because the usual sixteen take seconds under the
// race detector. It opens nothing but the hosts of these tests.
const lockedPEM = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABBgEZPXlH
cX+gwwmIFp5r/SAAAAAQAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIL4mVSb1HmkutLTI
ZTp+xx+xB6esdDL8PctP1XbiCX2DAAAAsNWAbNGi/Se8YhWLjK/K4QH99As9SBNdyvUlY+
8Rzf4KHC3BqRplqHakLAkD/ct4CtXS+Xlo/3lbHIAjWQSh7UF6E0rt/ysa7SH1cgFUaWpo
0ghx3lsZwzgTvk+7DkJh6uue7LEI1TTiJor4HK42d0FLyDrxnUqaTDXWg6K7gqx5jLz53P
e2fmF452Xc3CwhAwtWR0NogaJjMl93UrixvnKZPS9QUL4SArqrfo+pKQ3Z
-----END OPENSSH PRIVATE KEY-----
`

// lockedFile writes the locked key and gives its public half.
func lockedFile(t *testing.T, path string) ssh.PublicKey {
	t.Helper()
	if err := os.WriteFile(path, []byte(lockedPEM), 0o600); err != nil {
		t.Fatal(err)
	}
	k, err := ssh.ParsePrivateKeyWithPassphrase([]byte(lockedPEM), []byte("open"))
	if err != nil {
		t.Fatal(err)
	}
	return k.PublicKey()
}

// startAgent serves n keys and gives the socket and their public halves.
func startAgent(t *testing.T, n int) (string, []ssh.PublicKey) {
	t.Helper()
	ring := agent.NewKeyring()
	var pubs []ssh.PublicKey
	for i := range n {
		path := filepath.Join(t.TempDir(), fmt.Sprint(i))
		pubs = append(pubs, keyFile(t, path))
		pem, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		k, err := ssh.ParseRawPrivateKey(pem)
		if err != nil {
			t.Fatal(err)
		}
		if err := ring.Add(agent.AddedKey{PrivateKey: k}); err != nil {
			t.Fatal(err)
		}
	}
	sock := filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go agent.ServeAgent(ring, c)
		}
	}()
	return sock, pubs
}

func (o Options) writeConfig(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(o.Home, ".ssh", "config"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestManyKeysInTheAgent(t *testing.T) {
	sock, pubs := startAgent(t, 12)
	t.Run("the configured key goes first", func(t *testing.T) {
		h := newHost(t)
		h.config.MaxAuthTries = 2
		o := h.options()
		o.AgentSock = sock
		mine := keyFile(t, filepath.Join(o.Home, "mine"))
		o.writeConfig(t, "Host *\n IdentityFile ~/mine\n")
		shown := h.takes(mine)
		h.connect(o)
		if (*shown)[0] != ssh.FingerprintSHA256(mine) {
			t.Errorf("shown first: %v", (*shown)[0])
		}
	})
	t.Run("by its public half", func(t *testing.T) {
		h := newHost(t)
		h.config.MaxAuthTries = 2
		o := h.options()
		o.AgentSock = sock
		if err := os.WriteFile(filepath.Join(o.Home, "mine.pub"), ssh.MarshalAuthorizedKey(pubs[11]), 0o600); err != nil {
			t.Fatal(err)
		}
		o.writeConfig(t, "Host *\n IdentityFile ~/mine\n IdentitiesOnly yes\n")
		h.takes(pubs[11])
		h.connect(o)
	})
	t.Run("IdentitiesOnly", func(t *testing.T) {
		h := newHost(t)
		o := h.options()
		o.AgentSock = sock
		mine := keyFile(t, filepath.Join(o.Home, "mine"))
		o.writeConfig(t, "Host *\n IdentityFile ~/mine\n IdentitiesOnly yes\n")
		shown := h.takes()
		_, err := Connect(soon(t), h.target(), o)
		if err == nil || strings.Join(*shown, " ") != ssh.FingerprintSHA256(mine) {
			t.Errorf("%v, shown %v", err, *shown)
		}
	})
	t.Run("the host hangs up over too many", func(t *testing.T) {
		h := newHost(t)
		h.config.MaxAuthTries = 6
		o := h.options()
		o.AgentSock = sock
		h.takes(pubs[11])
		h.connect(o)
	})
	t.Run("none is right", func(t *testing.T) {
		h := newHost(t)
		h.config.MaxAuthTries = 6
		o := h.options()
		o.AgentSock = sock
		shown := h.takes()
		_, err := Connect(soon(t), h.target(), o)
		if err == nil || !strings.Contains(err.Error(), "12 keys were offered") {
			t.Errorf("got %v", err)
		}
		slices.Sort(*shown)
		if n := len(*shown); n != len(slices.Compact(*shown)) {
			t.Errorf("%d keys shown, some twice", n)
		}
	})
}

func TestNothingKeptIsPrinted(t *testing.T) {
	h := newHost(t)
	h.wants("hunter2hunter2")
	a := &asker{answers: map[Kind][]string{Password: {"hunter2hunter2"}}}
	o := h.options()
	o.Ask = a.ask
	var log []string
	o.Log = func(host, line string) { log = append(log, host+" "+line) }
	s := h.connect(o)
	if _, err := s.sh(soon(t), "echo hunter2hunter2; echo 'PrivateKey = abc+/='", nil); err != nil {
		t.Fatal(err)
	}
	for _, text := range append(log, fmt.Sprintf("%v %+v %#v", s, s, s), fmt.Sprintf("%v %+v %#v", s.o.Memory, s.o, s.o)) {
		if strings.Contains(text, "hunter2") || strings.Contains(text, "abc+/") {
			t.Errorf("a secret shows in %q", text)
		}
	}
	if !strings.Contains(strings.Join(log, "\n"), "< [secret]") {
		t.Errorf("the transcript: %q", log)
	}
}
