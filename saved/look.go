// Package saved knows the file of a saved look: what one host answered when it was asked, so that a plan can be made of it later, or by
// somebody else. It reaches no host and touches no file, and does not know what the answers mean; but what looks like a secret does not
// get into the file.
package saved

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"postern/remote"
	"postern/site"
)

// Look is what one host answered when it was looked at.
type Look struct {
	Host    string    // its name in the answers
	Role    site.Role // what it is for
	At      time.Time // when it was asked, by the clock of who asked
	By      string    // the version of the program that asked
	answers []answer  // in the order of asking
}

// answer is what was said to one question. What the same question asks can differ between versions, and with the answers of the operator.
type answer struct {
	id      string // of the query
	wording string // stands for what was asked, word by word; "" for a file
	remote.Answer
}

// ErrLacks means that a look does not hold what is wanted of it: it must be taken again.
var ErrLacks = errors.New("take it again")

// Len is how many answers it holds.
func (l *Look) Len() int { return len(l.answers) }

// Add takes in what was said to queries. What was said before to the same query is forgotten.
func (l *Look) Add(queries []remote.Query, facts remote.Facts) {
	l.At = facts.At
	for _, q := range queries {
		if a, asked := facts.Answers[q.ID]; asked {
			l.put(answer{q.ID, wording(q), a})
		}
	}
}

func (l *Look) put(a answer) {
	if had := l.find(a.id, a.wording); had != nil {
		*had = a
		return
	}
	l.answers = append(l.answers, a)
}

func (l *Look) find(id, wording string) *answer {
	for i := range l.answers {
		if l.answers[i].id == id && l.answers[i].wording == wording {
			return &l.answers[i]
		}
	}
	return nil
}

// Status is what the host said to remote.ReadStatus, "" when it said nothing.
func (l *Look) Status() string {
	if a := l.find(remote.ReadStatus.ID, wording(remote.ReadStatus)); a != nil {
		return a.Out
	}
	return ""
}

// wording stands for what a query asks, "" where it asks for a file.
func wording(q remote.Query) string {
	if q.File != "" {
		return ""
	}
	sum := sha256.Sum256([]byte(q.Run))
	return hex.EncodeToString(sum[:8])
}

// Facts are its answers to queries. The error is ErrLacks with what it was not asked, or was asked in other words: that is never taken
// for an answer with nothing in it.
func (l *Look) Facts(queries []remote.Query) (remote.Facts, error) {
	facts := remote.Facts{Host: l.Host, At: l.At, Answers: map[string]remote.Answer{}}
	var lacks, other []string
	for _, q := range queries {
		a := l.find(q.ID, wording(q))
		switch {
		case a != nil:
			facts.Answers[q.ID] = a.Answer
		case l.asked(q.ID):
			other = append(other, q.ID)
		default:
			lacks = append(lacks, q.ID)
		}
	}
	switch {
	case len(lacks) > 0:
		return remote.Facts{}, fmt.Errorf("the look of %s lacks %s: %w with 'postern look %s'", l.when(), few(lacks), ErrLacks, l.Host)
	case len(other) > 0:
		return remote.Facts{}, fmt.Errorf("the look of %s, by postern %s, asked %s in other words, as with other answers or by another version: %w with 'postern look %s'",
			l.when(), l.By, few(other), ErrLacks, l.Host)
	}
	return facts, nil
}

func (l *Look) asked(id string) bool {
	for _, a := range l.answers {
		if a.id == id {
			return true
		}
	}
	return false
}

// Called is the look in words: whose it is, and of when.
func (l *Look) Called() string { return l.Host + " of " + l.when() }

func (l *Look) when() string { return l.At.UTC().Format("2006-01-02 15:04 UTC") }

// few is the first of some names, and how many more there are.
func few(names []string) string {
	if first := fmt.Sprintf("%q", names[0]); len(names) == 1 {
		return first
	} else {
		return fmt.Sprintf("%s and %d more", first, len(names)-1)
	}
}

// plain says whether text can stand in the file as it is: a person sees all of it, and no program on its way changes it.
func plain(text string) bool {
	for _, r := range text {
		if r != '\t' && !printable(r) {
			return false
		}
	}
	return strings.TrimRight(text, " \t") == text
}
