package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

// Kind is what a Prompt asks for.
type Kind string

// The kinds of Prompt.
const (
	Password   Kind = "password"   // the SSH password of who Text says, on Host
	Passphrase Kind = "passphrase" // of the key file in Text
	Sudo       Kind = "sudo"       // the password that sudo asks for, of who Text says, on Host
	Su         Kind = "su"         // root's password on Host, which su asks for
	Handed     Kind = "handed"     // what a change on Host needs, in Text
	Challenge  Kind = "challenge"  // one keyboard-interactive question, in Text
	HostKey    Kind = "hostkey"    // a key not seen before; Text has type and fingerprint; the answer must be "yes"
)

// Prompt is one question that only the operator can answer.
type Prompt struct {
	Kind    Kind
	Host    string
	Text    Text
	Echo    bool
	Refused bool // the answer given before was not taken
}

// ErrNoAnswer means that a Prompt could not be put: no terminal, or end of input.
var ErrNoAnswer = errors.New("nobody could be asked")

// put is Options.Ask, where there is one.
func (o Options) put(ctx context.Context, p Prompt) (string, error) {
	if o.Ask == nil {
		return "", ErrNoAnswer
	}
	return o.Ask(ctx, p)
}

// Memory keeps the operator's answers while the program runs, so that each is asked for once: a change is confirmed over a
// second login. It is never written anywhere, and prints as nothing.
type Memory struct {
	mu     sync.Mutex
	answer map[string]*string    // by what was asked
	wrong  map[string]bool       // by what was asked, that the last answer was refused
	keys   map[string]ssh.Signer // opened key files, by path
	hosts  map[string]string     // accepted host keys, by address
	hung   map[string]string     // agents that hang, by socket: in words
	asking chan struct{}         // one question at a time
}

// NewMemory is an empty Memory.
func NewMemory() *Memory {
	m := &Memory{answer: map[string]*string{}, wrong: map[string]bool{}, keys: map[string]ssh.Signer{}, hosts: map[string]string{},
		hung: map[string]string{}, asking: make(chan struct{}, 1)}
	m.asking <- struct{}{}
	return m
}

// String hides what is kept.
func (m *Memory) String() string { return "[answers kept in memory]" }

// GoString hides what is kept.
func (m *Memory) GoString() string { return m.String() }

// Format hides what is kept, whatever the verb.
func (m *Memory) Format(f fmt.State, _ rune) { fmt.Fprint(f, m.String()) }

// get is the kept answer, nil for none.
func (m *Memory) get(key string) *string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.answer[key]
}

// refuse forgets an answer that the host did not take, unless it has been replaced meanwhile.
func (m *Memory) refuse(key string, was *string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.answer[key] == was {
		delete(m.answer, key)
		m.wrong[key] = true
	}
}

// ask is the kept answer, or else put's, which is then kept. put is told whether the one before was refused.
func (m *Memory) ask(ctx context.Context, key string, put func(refused bool) (string, error)) (*string, error) {
	select {
	case <-m.asking:
		defer func() { m.asking <- struct{}{} }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	m.mu.Lock()
	a, refused := m.answer[key], m.wrong[key]
	m.mu.Unlock()
	if a != nil {
		return a, nil
	}
	s, err := put(refused)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answer[key], m.wrong[key] = &s, false
	return &s, nil
}

func (m *Memory) key(path string) ssh.Signer {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.keys[path]
}

func (m *Memory) keepKey(path string, k ssh.Signer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys[path] = k
}

func (m *Memory) hostKey(address string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hosts[address]
}

func (m *Memory) keepHostKey(address, fingerprint string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hosts[address] = fingerprint
}

// agentHung is the words that an agent hangs, which are kept when given; "" while nobody knows of it.
func (m *Memory) agentHung(socket, words string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if words != "" {
		m.hung[socket] = words
	}
	return m.hung[socket]
}

// redact takes every kept answer out of a line. Short ones would take too much with them and are left.
func (m *Memory) redact(line string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.answer {
		if len(*a) >= 4 {
			line = strings.ReplaceAll(line, *a, "[secret]")
		}
	}
	return line
}
