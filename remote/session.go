// Package remote connects to hosts, reads them, changes them and takes changes back. It knows shells, files, sudo, host
// keys and time; it refuses to know what mail is, or why a change is wanted.
package remote

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Session is one authenticated connection to one host, with its privilege: a held channel to a root shell. It is safe for
// use by several goroutines; scripts in the held shell run one after the other.
type Session struct {
	target      Target
	o           Options
	name        string
	who         string // user@host:port
	link        *link  // nil on the local machine
	start       starter
	shell       *shell
	came        connection
	uname       string
	isRoot      bool // the login is root itself
	trips       atomic.Int64
	extras      atomic.Int32  // channels open beside the held one
	slots       chan struct{} // Exec's channels
	listenSlots chan struct{} // Listen's listeners
	began       sync.Map      // the IDs of transactions begun over this very connection

	listenMu  sync.Mutex
	listening *listenProcess // the process that holds them; nil while there is none
	listens   int            // who uses it
}

// channels is how many scripts run beside the held one at once, listeners how many listeners there are.
const (
	channels  = 4
	listeners = 16
)

// nonce is a word that nobody can guess.
func nonce() string {
	var b [16]byte
	rand.Read(b[:])
	return "p" + hex.EncodeToString(b[:])
}

// Close ends the connection and everything that runs over it.
func (s *Session) Close() error {
	if s.link != nil {
		s.link.cutOff("closed")
	}
	if s.shell != nil {
		s.shell.p.end()
	}
	return nil
}

// Way is how the operator's connection came in, as the host saw it: its source address, and the host's own port. ok is false
// where there is none, as on the local machine.
func (s *Session) Way() (source netip.Addr, port int, ok bool) {
	return s.came.source, s.came.port, s.came.source.IsValid()
}

// RoundTrips counts what was waited for on the wire so far: 7 for a login, 1 for each further exchange.
func (s *Session) RoundTrips() int { return int(s.trips.Load()) }

var keyLine = regexp.MustCompile(`((?i:(?:private|preshared)key)\s*=\s*|^[>#\s]*(?:export\s+)?(?:[A-Z0-9_]*(?:PASS|PASSWORD|DBROOT|SECRET|TOKEN|WEBHOOK)|(?:[A-Z0-9_]+_)?KEY(?:_READ_ONLY)?)\s*=\s*)(\S.*)`)

// log writes one or several lines to the transcript, without secrets.
func (s *Session) log(text string) {
	if s.o.Log == nil {
		return
	}
	for _, line := range strings.Split(Clean(text).String(), "\n") {
		line = s.o.Memory.redact(keyLine.ReplaceAllString(line, "${1}[secret]"))
		s.o.Log(s.name, line)
	}
}

// logScript writes the start of a script to the transcript.
func (s *Session) logScript(script string) {
	const most = 40
	lines := strings.Split(strings.TrimSpace(script), "\n")
	for i, line := range lines {
		if i == most {
			s.log(fmt.Sprintf("> (%d more lines)", len(lines)-most))
			return
		}
		s.log("> " + line)
	}
}

// within is ctx with a bound of its own, for waits that nobody bounded.
func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, noAnswerWithin(d))
}

// noAnswerWithin is the error of a wait that was long enough.
func noAnswerWithin(d time.Duration) error {
	return &dialError{fmt.Sprintf("no answer within %v", d), context.DeadlineExceeded}
}
