package smtp

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/seen"
)

const (
	again    = 2 * time.Second // until a log is read once more
	recently = 10              // minutes of a log that are read
)

// trail is what the servers of a host have logged about a message. It is known there by its Message-ID first, then by what they call it too:
// Postfix's queue IDs, Haraka's transactions.
type trail struct {
	at    *checks.Vantage
	words []string
	lines []string
}

// called is what a line calls a message by: Postfix's queue ID, or Haraka's transaction.
var called = regexp.MustCompile(`\w\[\d+\]: ([0-9A-Za-z]{5,20}): message-id=|\[([0-9A-F-]{36}\.\d+)\] \[core\] message mid=`)

// follow reads the log again and again until there is what is looked for, or the time is up. An error says that it could not be read.
func (t *trail) follow(ctx context.Context, e *checks.Env, long time.Duration, found func(*trail) bool) error {
	ctx, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	for {
		known := len(t.words)
		lines, err := checks.Ask(ctx, e.Site, t.at, seen.MailLog(recently, t.words...))
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		t.lines = lines
		for _, line := range lines {
			if m := called.FindStringSubmatch(line); m != nil && strings.Contains(line, "<"+t.words[0]+">") && len(t.words) < 20 && !slices.Contains(t.words, m[1]+m[2]) {
				t.words = append(t.words, m[1]+m[2])
			}
		}
		if len(t.words) > known {
			continue
		}
		if found(t) {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(again):
		}
	}
}

// delivery is what Postfix made of a message for one recipient.
type delivery struct{ to, relay, status, reason string }

var delivered = regexp.MustCompile(`: to=<([^>]*)>, (?:orig_to=<[^>]*>, )?relay=([^,]+), .*\bstatus=([a-z]+) \((.*?)\)?$`)

// delivering is what a line says of it; false when it says nothing.
func delivering(line string) (d delivery, is bool) {
	if m := delivered.FindStringSubmatch(line); m != nil {
		return delivery{m[1], m[2], m[3], m[4]}, true
	}
	return d, false
}

// last is what Postfix made of it in the end, if it is through with it.
func (t *trail) last() (d delivery, is bool) {
	for _, line := range t.lines {
		if one, ok := delivering(line); ok {
			d, is = one, true
		}
	}
	return d, is
}

// settled says that Postfix delivered it, or could not.
func (t *trail) settled() bool { _, is := t.last(); return is }

var client = regexp.MustCompile(`: client=(\S+\[([0-9A-Fa-f:.]+)\])`)

// said is a server's reason, fit to be shown, without Postfix's words around it.
func said(reason string) string {
	if m := quoted.FindStringSubmatch(reason); m != nil {
		reason = m[1]
	}
	return remote.Clean(reason).Line(200)
}

var quoted = regexp.MustCompile(`^host \S+ (?:said|refused to talk to me): (.*?)(?: \(in reply to .*)?$`)
