package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	heartbeat = 5 * time.Second // between two keepalives
	misses    = 3               // that go unanswered in a row
)

// link is one authenticated connection, and those it goes through.
type link struct {
	client    *ssh.Client
	via       *link
	dead      chan struct{}
	reason    atomic.Pointer[string]
	once      sync.Once
	next      chan struct{} // closed by the sign of life that is not asked for yet
	mu, pings sync.Mutex    // over next, and held while a sign of life is under way
}

// newLink watches over a connection that is logged in.
func newLink(client *ssh.Client, via *link) *link {
	l := &link{client: client, via: via, dead: make(chan struct{})}
	go l.wait()
	go l.keepalive()
	return l
}

// ping asks the host for a sign of life, and waits for it.
func (l *link) ping() error {
	_, _, err := l.client.SendRequest("keepalive@openssh.com", true, nil)
	return err
}

// heard is closed once the host gave a sign of life that was asked for after now. Many ask for the same one.
func (l *link) heard() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == nil {
		next := make(chan struct{})
		l.next = next
		go func() {
			l.pings.Lock() // the one before this was asked for too early
			defer l.pings.Unlock()
			l.mu.Lock()
			l.next = nil
			l.mu.Unlock()
			if l.ping() == nil {
				close(next)
			}
		}()
	}
	return l.next
}

// Alive waits for a sign of life that the host is asked for over this login. Its errors are ErrLost and the context's.
func (s *Session) Alive(ctx context.Context) error {
	if s.link == nil {
		return nil
	}
	select {
	case <-s.link.heard():
		return nil
	case <-s.link.dead:
		return s.explain(errEnded)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// alive tells whether the link still stands. A shell's end is seen before its link's, so the host is asked.
func (l *link) alive() bool {
	answer := make(chan error, 1)
	go func() { answer <- l.ping() }()
	select {
	case <-l.dead:
	case err := <-answer:
		if err == nil {
			return true
		}
		<-l.dead
	case <-time.After(heartbeat):
		return true // nobody can tell yet
	}
	return false
}

// why is what broke the link, empty while nothing is known to have.
func (l *link) why() string {
	if l.alive() {
		return "its shell ended"
	}
	if s := l.reason.Load(); s != nil {
		return *s
	}
	return ""
}

// cutOff closes the link and all it goes through, for a reason worth telling.
func (l *link) cutOff(reason string) {
	l.once.Do(func() { l.reason.Store(&reason) })
	if l.via != nil { // first, because closing what runs through it would wait for it
		l.via.cutOff(reason)
	}
	l.client.Close()
}

// wait notes why the link ended, and lets go of those it went through.
func (l *link) wait() {
	reason := "the connection was closed"
	if err := l.client.Wait(); err != nil && !errors.Is(err, io.EOF) {
		reason = Clean(Words(err)).Line(200)
	} else if l.via != nil && l.via.reason.Load() != nil {
		reason = *l.via.reason.Load()
	}
	l.once.Do(func() { l.reason.Store(&reason) })
	close(l.dead)
	if l.via != nil {
		l.via.cutOff(reason)
	}
}

// keepalive asks the host for a sign of life every so often; a refusal is one. When none comes three times in a row it closes
// the link, which ends every call that waits for it.
func (l *link) keepalive() {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	var answer chan struct{}
	missed := 0
	for {
		select {
		case <-l.dead:
			return
		case <-answer:
			answer, missed = nil, 0
			continue
		case <-tick.C:
		}
		if answer != nil {
			if missed++; missed >= misses {
				l.cutOff(fmt.Sprintf("no sign of life for %v", misses*heartbeat))
				return
			}
			continue
		}
		reply := make(chan struct{})
		answer = reply
		go func() {
			if l.ping() == nil {
				close(reply)
			}
		}()
	}
}
