package remote

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// ChangedKeyError means that a host shows another key than the one on record. Nothing was sent to it.
type ChangedKeyError struct {
	Address  string // as known_hosts has it
	File     string // where the other key is on record; empty for a pinned fingerprint
	Line     int
	Recorded string // type and fingerprint
	Shown    string
}

// Error says what is on record where, what was shown, and what to do.
func (e *ChangedKeyError) Error() string {
	if e.File == "" {
		return fmt.Sprintf("the host shows %s but %s is pinned: compare with `ssh-keygen -lf` on the host's console before you change the pin", e.Shown, e.Recorded)
	}
	return fmt.Sprintf("the host key has changed: %s:%d has %s, the host shows %s: somebody may be in between; only if `ssh-keygen -lf` on the host's console shows the new one: ssh-keygen -f %s -R %s",
		e.File, e.Line, e.Recorded, e.Shown, Quote(e.File), Quote(e.Address))
}

var (
	// ErrRevoked means that known_hosts says the key the host shows was revoked.
	ErrRevoked = errors.New("the key the host shows is revoked")
	// ErrUnknownKey means that the host's key is not on record and nobody vouched for it.
	ErrUnknownKey = errors.New("the host key is not known")

	errOtherType = errors.New("the pinned key may be of another type")
)

// keyTypes are the host key algorithms in the order asked for: what nothing is known about shows its ed25519 key.
var keyTypes = [][]string{
	{ssh.KeyAlgoED25519},
	{ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521},
	{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256},
}

// hostKeys is what decides about the host's key, and the algorithms to ask for: those on record first, so that a host with
// several keys shows the one that is known.
func (l *login) hostKeys(ctx context.Context) (ssh.HostKeyCallback, []string, error) {
	if pin := l.target.Fingerprint; pin != "" {
		types := slices.Concat(keyTypes[l.keyTypes%len(keyTypes):]...)
		return func(_ string, _ net.Addr, key ssh.PublicKey) error { return l.pinned(pin, key) }, types, nil
	}
	db, names, done, err := l.database()
	if err != nil {
		return nil, nil, err
	}
	defer done()
	address := l.host.KeyAddress()
	types := db.HostKeyAlgorithms(address)
	for _, t := range slices.Concat(keyTypes...) {
		if !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	check := db.HostKeyCallback()
	return func(host string, addr net.Addr, key ssh.PublicKey) error {
		l.hostErr = l.judge(ctx, check(host, addr, key), names, key)
		return l.hostErr
	}, types, nil
}

// pinned compares with the one key that counts. A host has keys of several types and shows one: the others are asked for
// over a new connection before it is called wrong.
func (l *login) pinned(pin string, key ssh.PublicKey) error {
	if ssh.FingerprintSHA256(key) == pin {
		return nil
	}
	l.hostErr = &ChangedKeyError{Address: l.host.KeyAddress(), Recorded: pin, Shown: shown(key)}
	for i, types := range keyTypes {
		if i >= l.keyTypes && (slices.Contains(types, key.Type()) || key.Type() == ssh.KeyAlgoRSA && i == 2) && i+1 < len(keyTypes) {
			l.keyTypes = i + 1
			l.hostErr = fmt.Errorf("%w: %w", errOtherType, l.hostErr)
		}
	}
	return l.hostErr
}

// judge turns what the record says about a key into a decision.
func (l *login) judge(ctx context.Context, err error, names map[string]string, key ssh.PublicKey) error {
	var known *xknownhosts.KeyError
	var revoked *xknownhosts.RevokedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &revoked):
		return fmt.Errorf("%w: %s, by %s:%d", ErrRevoked, shown(key), names[revoked.Revoked.Filename], revoked.Revoked.Line)
	case errors.As(err, &known) && len(known.Want) > 0:
		want := known.Want[0]
		for _, k := range known.Want {
			if k.Key.Type() == key.Type() {
				want = k
			}
		}
		return &ChangedKeyError{Address: knownhosts.Normalize(l.host.KeyAddress()), File: names[want.Filename], Line: want.Line, Recorded: shown(want.Key), Shown: shown(key)}
	case errors.As(err, &known):
		return l.unknown(ctx, key)
	}
	return fmt.Errorf("host key %s: %w", shown(key), err)
}

// unknown asks the operator about a key that nobody has seen before, and records it after a yes.
func (l *login) unknown(ctx context.Context, key ssh.PublicKey) error {
	address := knownhosts.Normalize(l.host.KeyAddress())
	if l.hops.o.Memory.hostKey(address) == string(key.Marshal()) {
		return nil
	}
	l.asked++
	answer, err := l.clock.pausedFor(loginTimeout, func() (string, error) {
		return l.hops.o.put(ctx, Prompt{Kind: HostKey, Host: l.target.name(), Text: Clean(address + " shows " + shown(key)), Echo: true})
	})
	if err != nil {
		return fmt.Errorf("%w: %s shows %s: %w", ErrUnknownKey, address, shown(key), err)
	}
	if answer != "yes" {
		return fmt.Errorf("%w: %s shows %s, and the answer was %q, not \"yes\"", ErrUnknownKey, address, shown(key), answer)
	}
	l.hops.o.Memory.keepHostKey(address, string(key.Marshal()))
	if err := record(l.host.KnownHosts[0], address, key, l.host.Hash); err != nil {
		l.hops.log("the host key could not be recorded: " + err.Error())
	}
	return nil
}

// shown is a key as people compare it.
func shown(key ssh.PublicKey) string { return key.Type() + " " + ssh.FingerprintSHA256(key) }

// record appends a key to a known_hosts file, hashed if that is wished for or the others are.
func record(path, address string, key ssh.PublicKey, hash bool) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if hash || bytes.HasPrefix(old, []byte("|1|")) || bytes.Contains(old, []byte("\n|1|")) {
		address = xknownhosts.HashHostname(address)
	}
	line := xknownhosts.Line(nil, key)
	line = address + " " + strings.TrimSpace(line) + "\n"
	if len(old) > 0 && old[len(old)-1] != '\n' {
		line = "\n" + line
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line)
	return errors.Join(err, f.Close())
}

// database reads every known_hosts file there is. A line that cannot be read is left out, as OpenSSH does, and told; names
// gives back the file that an entry came from.
func (l *login) database() (db *knownhosts.HostKeyDB, names map[string]string, done func(), err error) {
	names = map[string]string{}
	var files, drop []string
	done = func() {
		for _, f := range drop {
			os.Remove(f)
		}
	}
	read := append(slices.Clone(l.host.KnownHosts), "/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
	for _, path := range read {
		if st, err := os.Stat(path); err != nil || !st.Mode().IsRegular() {
			continue
		}
		if _, err := xknownhosts.New(path); err == nil {
			names[path] = path
			files = append(files, path)
			continue
		}
		copied, err := l.readable(path)
		if err != nil {
			done()
			return nil, nil, nil, fmt.Errorf("known_hosts: %w", err)
		}
		names[copied] = path
		files, drop = append(files, copied), append(drop, copied)
	}
	db, err = knownhosts.NewDB(files...)
	if err != nil {
		done()
		return nil, nil, nil, err
	}
	return db, names, done, nil
}

// readable is a copy of a known_hosts file in which every line that cannot be read is empty, so that line numbers stay.
func (l *login) readable(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	probe, err := os.CreateTemp("", "postern-known-*")
	if err != nil {
		return "", err
	}
	defer probe.Close()
	var out strings.Builder
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if err := os.WriteFile(probe.Name(), []byte(line+"\n"), 0o600); err != nil {
			return "", err
		}
		if _, err := xknownhosts.New(probe.Name()); err != nil {
			l.hops.log(fmt.Sprintf("%s:%d cannot be read and is left out", path, n))
			line = ""
		}
		out.WriteString(line + "\n")
	}
	if err := os.WriteFile(probe.Name(), []byte(out.String()), 0o600); err != nil {
		return "", err
	}
	return probe.Name(), lines.Err()
}
