//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/lab/mx"
)

// stream is mail that keeps coming. Each message is handed over again until it is taken, as a mail server does.
type stream struct {
	t      *testing.T
	l      *Lab
	letter        // what all are like; its word is what theirs begin with
	cancel func() // no more of them
	wg     sync.WaitGroup

	mu    sync.Mutex
	taken []string // their words
	again int      // how often one was handed over in vain
}

// incoming is a message from a stranger, and leaving is one to a user of the world's exchanger.
func incoming(word string) letter {
	return letter{from: "world", to: "203.0.113.10:25", source: "198.51.100.77", sender: "zoe@external.test", rcpt: mailUser, word: word}
}

func leaving(word, user string) letter {
	return letter{from: "world", to: "203.0.113.10:587", sender: mailUser, rcpt: user + "@external.test", password: mailPassword, word: word}
}

// again is how long a sender waits before it tries again; a mail server would wait for minutes.
const again = 2 * time.Second

// pour begins a stream of so many messages at once, every so often.
func (l *Lab) pour(t *testing.T, like letter, at int, every time.Duration) *stream {
	ctx, cancel := context.WithCancel(t.Context())
	s := &stream{t: t, l: l, letter: like, cancel: cancel}
	t.Cleanup(s.wg.Wait) // of a test that ended before its time
	s.wg.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for n := 0; ; {
			for range at {
				n++
				one := like
				one.word = fmt.Sprintf("%s-%d", like.word, n)
				s.wg.Go(func() { s.hand(one) })
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return s
}

// hand hands a message over until it is taken, or refused for good.
func (s *stream) hand(one letter) {
	var last error
	err := poll(s.t.Context(), 6*time.Minute, func() bool {
		limit, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
		defer cancel()
		last = one.send(limit, s.l)
		var refused *textproto.Error
		if last == nil || errors.As(last, &refused) && refused.Code >= 500 {
			return true
		}
		s.mu.Lock()
		s.again++
		s.mu.Unlock()
		time.Sleep(again)
		return false
	})
	if s.t.Context().Err() != nil {
		return
	}
	if err != nil || last != nil {
		s.t.Errorf("%s is lost to its sender: %v, %v", one.word, last, err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = append(s.taken, one.word)
}

// end ends a stream, waits until all of it is taken, and wants it to have arrived: arrived lists the words that did.
func (s *stream) end(arrived func() []string) {
	t := s.t
	t.Helper()
	s.cancel()
	s.wg.Wait()
	var lost, twice []string
	err := poll(t.Context(), 4*time.Minute, func() bool {
		lost, twice = nil, nil
		count := map[string]int{}
		for _, word := range arrived() {
			count[word]++
		}
		for _, word := range s.taken {
			if count[word] == 0 {
				lost = append(lost, word)
			} else if count[word] > 1 {
				twice = append(twice, word)
			}
		}
		if len(lost) == 0 {
			return true
		}
		time.Sleep(time.Second)
		return false
	})
	if err != nil || len(s.taken) == 0 {
		t.Errorf("%s: of %d messages that were taken %d are lost: %v\n%s", s.word, len(s.taken), len(lost), lost, s.l.mailLog(t))
	}
	t.Logf("%s: %d taken, %d lost, %d arrived twice %v; handed over in vain %d times", s.word, len(s.taken), len(lost), len(twice), twice, s.again)
}

// received are the subjects of what lies in the mailbox of the mail server's user.
func (l *Lab) received(t *testing.T) []string {
	t.Helper()
	return strings.Fields(strings.ReplaceAll(want(t, l, "mail", "sh", "-c", "cd /var/vmail/example.org/ann/Maildir && grep -rhsm1 '^Subject: ' new cur; :"), "Subject:", ""))
}

// left are the subjects of what a user of the world's exchanger got. Each must have come from the proxy, under its name, with nothing of
// home in it, and what was signed must be as it was.
func (l *Lab) left(t *testing.T, user string) (words []string) {
	t.Helper()
	seen, err := filepath.Glob(l.dir("mx", user, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range seen {
		var got mx.Letter
		b, err := os.ReadFile(path)
		if err != nil || json.Unmarshal(b, &got) != nil {
			continue // it is being written
		}
		f, err := os.Open(strings.TrimSuffix(path, ".json") + ".eml")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		word, home := "", ""
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() && lines.Text() != "" {
			if after, is := strings.CutPrefix(lines.Text(), "Subject: "); is {
				word = after
			}
			home += homely.FindString(lines.Text())
		}
		f.Close()
		words = append(words, word)
		if got.Client != netip.MustParseAddr("203.0.113.10") || got.Helo != "mail.example.org" || got.SPF != "pass" || home != "" ||
			!slices.Equal(got.DKIM, []mx.Signature{{Domain: "example.org", Selector: "dkim", Result: "ok"}}) {
			t.Errorf("of %s the world saw %+v, and of home %q", word, got, home)
		}
	}
	return words
}

// hurry has the mail server send at once what it would try again in some minutes.
func (l *Lab) hurry(t *testing.T) {
	t.Helper()
	want(t, l, "mail", "postqueue", "-f")
}
