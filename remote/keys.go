package remote

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// openAgent connects to the operator's agent, if there is one. It is used here, never forwarded.
func (l *login) openAgent() (agent.ExtendedAgent, func()) {
	if l.host.Agent == "" {
		return nil, func() {}
	}
	if l.agentHung = l.hops.o.Memory.agentHung(l.host.Agent, ""); l.agentHung != "" {
		return nil, func() {}
	}
	conn, err := net.DialTimeout("unix", l.host.Agent, time.Second)
	if err != nil {
		l.hops.log("the agent does not answer: " + err.Error())
		return nil, func() {}
	}
	l.agent = conn
	return agent.NewClient(conn), func() { conn.Close() }
}

// agentTimeout is how long an agent may take to list its keys, signTimeout to sign: a person may have to touch a key, and the host's own
// time for the login goes on meanwhile.
const (
	agentTimeout = 5 * time.Second
	signTimeout  = loginTimeout - agentTimeout
)

// agentKeys lists an agent's keys. One that hangs is asked once, and named where the login fails.
func (l *login) agentKeys(a agent.ExtendedAgent) []ssh.Signer {
	l.agent.SetDeadline(time.Now().Add(agentTimeout))
	defer func() { l.agent.SetDeadline(time.Now().Add(signTimeout)) }()
	all, err := a.Signers()
	if err != nil && strings.Contains(err.Error(), "i/o timeout") {
		l.agentHung = l.hops.o.Memory.agentHung(l.host.Agent, fmt.Sprintf("the ssh agent at %s hangs: it lists no keys within %s", l.host.Agent, agentTimeout))
	}
	if err != nil {
		l.hops.log("the agent lists no keys: " + err.Error())
	}
	return all
}

// signers are the keys to offer: those of ssh_config's files or the usual ones first, by the agent where it holds them; then
// the agent's others, unless IdentitiesOnly. A host counts each against its limit.
func (l *login) signers(ctx context.Context, a agent.ExtendedAgent) []ssh.Signer {
	held := map[string]ssh.Signer{}
	var order []string
	if a != nil {
		for _, s := range l.agentKeys(a) {
			f := ssh.FingerprintSHA256(s.PublicKey())
			held[f] = s
			order = append(order, f)
		}
	}
	var out []ssh.Signer
	seen := map[string]bool{}
	add := func(s ssh.Signer, from string) {
		f := ssh.FingerprintSHA256(s.PublicKey())
		if !seen[f] && !l.refused[f] {
			seen[f] = true
			out = append(out, &offered{Signer: s, shown: func() { l.offer(f, from) }})
		}
	}
	for _, path := range l.host.Identities {
		pub := publicOf(path)
		if pub != nil && held[ssh.FingerprintSHA256(pub)] != nil {
			add(held[ssh.FingerprintSHA256(pub)], path+" (agent)")
		} else if s := l.file(ctx, path, pub); s != nil {
			add(s, path)
		}
	}
	for _, f := range order {
		if !l.host.Only {
			add(held[f], "agent")
		}
	}
	return out
}

// offer notes a key that was shown to the host.
func (l *login) offer(fingerprint, from string) {
	if !slices.Contains(l.offered, fingerprint) {
		l.offered = append(l.offered, fingerprint)
		l.hops.log("offering " + from + " " + fingerprint)
	}
}

// file is the key in a file, nil when there is none that can be used. One behind a passphrase is opened only if the host
// takes it.
func (l *login) file(ctx context.Context, path string, pub ssh.PublicKey) ssh.Signer {
	if slices.Contains(l.skip, path) {
		return nil
	}
	if k := l.hops.o.Memory.key(path); k != nil {
		return k
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	k, err := ssh.ParsePrivateKey(pem)
	var locked *ssh.PassphraseMissingError
	switch {
	case err == nil:
		return certified(path, k)
	case !errors.As(err, &locked):
		l.hops.log(fmt.Sprintf("key file %s: %v", path, err))
		return nil
	}
	if locked.PublicKey != nil {
		pub = locked.PublicKey
	}
	if pub == nil { // an old format that hides even the public half, and no .pub beside it
		k, err := l.open(ctx, path, pem)
		if err != nil {
			l.skip = append(l.skip, path)
			l.keyErr = err
			return nil
		}
		return certified(path, k)
	}
	return &lockedKey{pub: pub, open: func() (ssh.Signer, error) {
		k, err := l.open(ctx, path, pem)
		if err != nil {
			l.skip = append(l.skip, path)
			l.keyErr, l.keyFresh = err, true
		}
		return k, err
	}}
}

// open decrypts a key file with the passphrase that the operator gives.
func (l *login) open(ctx context.Context, path string, pem []byte) (ssh.Signer, error) {
	if k := l.hops.o.Memory.key(path); k != nil {
		return k, nil
	}
	key := "passphrase " + path
	for range maxTries {
		a, err := l.ask(ctx, key, Prompt{Kind: Passphrase, Host: l.target.name(), Text: Clean(path)})
		if err != nil {
			return nil, fmt.Errorf("passphrase of %s: %w", path, err)
		}
		k, err := ssh.ParsePrivateKeyWithPassphrase(pem, []byte(*a))
		if err == nil {
			l.hops.o.Memory.keepKey(path, k)
			return k, nil
		}
		l.hops.o.Memory.refuse(key, a)
		if !errors.Is(err, x509.IncorrectPasswordError) {
			return nil, fmt.Errorf("key file %s: %w", path, err)
		}
	}
	return nil, fmt.Errorf("passphrase of %s: wrong %d times", path, maxTries)
}

// publicOf is the public half of a key file, from the .pub beside it or because it is one itself; nil when not known.
func publicOf(path string) ssh.PublicKey {
	for _, p := range []string{path + ".pub", path} {
		if b, err := os.ReadFile(p); err == nil && !bytes.Contains(b, []byte("PRIVATE KEY")) {
			if k, _, _, _, err := ssh.ParseAuthorizedKey(b); err == nil {
				return k
			}
		}
	}
	return nil
}

// certified is the key with the certificate beside it, if there is one.
func certified(path string, k ssh.Signer) ssh.Signer {
	b, err := os.ReadFile(path + "-cert.pub")
	if err != nil {
		return k
	}
	pub, _, _, _, err := ssh.ParseAuthorizedKey(b)
	cert, ok := pub.(*ssh.Certificate)
	if err != nil || !ok {
		return k
	}
	if with, err := ssh.NewCertSigner(cert, k); err == nil {
		return with
	}
	return k
}

// lockedKey is a key whose public half is known and whose private half is opened when it is needed.
type lockedKey struct {
	pub  ssh.PublicKey
	open func() (ssh.Signer, error)
}

func (k *lockedKey) PublicKey() ssh.PublicKey { return k.pub }

func (k *lockedKey) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return k.SignWithAlgorithm(rand, data, "")
}

// SignWithAlgorithm lets an RSA key sign with SHA-2.
func (k *lockedKey) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	s, err := k.open()
	if err != nil {
		return nil, err
	}
	return signWith(s, rand, data, algorithm)
}

// offered is a key that tells when it is shown to the host.
type offered struct {
	ssh.Signer
	shown func()
}

func (k *offered) PublicKey() ssh.PublicKey {
	k.shown()
	return k.Signer.PublicKey()
}

// SignWithAlgorithm lets an RSA key sign with SHA-2.
func (k *offered) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	return signWith(k.Signer, rand, data, algorithm)
}

func signWith(s ssh.Signer, rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	if as, ok := s.(ssh.AlgorithmSigner); ok && algorithm != "" {
		return as.SignWithAlgorithm(rand, data, algorithm)
	}
	return s.Sign(rand, data)
}
