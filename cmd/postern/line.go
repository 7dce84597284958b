package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/term"

	"postern/remote"
	"postern/site"
)

// asker is line mode: questions and answers, one line each, no drawing. There is one reader for the whole run; the end of
// input is an error and never an answer, and nothing but a typed y agrees to a change.
type asker struct {
	say     *voice
	in      *os.File
	askpass string
	secrets *secrets

	turn  sync.Mutex   // one question at a time
	busy  atomic.Int32 // how many questions wait for an answer
	input *bufio.Reader
}

// errAbandoned means that a question was left unanswered because the run is being stopped.
var errAbandoned = errors.New("stopped by the operator")

// waiting says whether the operator is being asked something now.
func (a *asker) waiting() bool { return a.busy.Load() > 0 }

// line asks one question and reads one line.
func (a *asker) line(ctx context.Context, prompt string) (string, error) {
	a.busy.Add(1)
	defer a.busy.Add(-1)
	if a.input == nil {
		a.input = bufio.NewReader(io.Reader(a.in))
	}
	a.say.prompt(prompt)
	text, err := reading(ctx, func() (string, error) { return a.input.ReadString('\n') })()
	if errors.Is(err, errAbandoned) {
		return "", err
	}
	a.say.answered()
	if err != nil {
		a.say.prompt("\n")
		if errors.Is(err, io.EOF) {
			err = errors.New("end of input")
		}
		return "", fmt.Errorf("%w: %w", remote.ErrNoAnswer, err)
	}
	if !a.echoes() {
		a.say.prompt(text) // so that what is said to a pipe can be read afterwards
	}
	return strings.TrimRight(text, "\r\n"), nil
}

// reading begins to read, and gives what waits for it, or for the end of ctx: then a reader may be left behind.
func reading[T any](ctx context.Context, read func() (T, error)) (wait func() (T, error)) {
	var text T
	var err error
	done := make(chan struct{})
	go func() {
		text, err = read()
		close(done)
	}()
	return func() (T, error) {
		select {
		case <-ctx.Done():
			var none T
			return none, errAbandoned
		case <-done:
			return text, err
		}
	}
}

// echoes says whether the operator sees what is typed.
func (a *asker) echoes() bool { return term.IsTerminal(int(a.in.Fd())) }

// agree asks a yes-or-no question. Only y or yes agrees; an empty line is no.
func (a *asker) agree(ctx context.Context, question string) (bool, error) {
	for {
		answer, err := a.line(ctx, question+" [y/N] ")
		if err != nil {
			return false, err
		}
		switch strings.ToLower(strings.TrimSpace(answer)) {
		case "y", "yes":
			return true, nil
		case "", "n", "no":
			return false, nil
		}
		a.say.line(plain, "  please type y or n")
	}
}

// field asks for one answer until it is valid. An empty line takes the value shown in brackets, "-" empties an answer that
// may be empty, "?" shows the help again.
func (a *asker) field(ctx context.Context, s *site.Site, f site.Field, found string) error {
	a.say.line(plain, "")
	a.say.line(bold, "%s  (%s)", f.Title, f.Key)
	a.say.prose(plain, "  %s", f.Help)
	choices(a.say, f)
	if found != "" {
		a.say.prose(plain, "  %s", found)
	}
	now := f.Get(s)
	for {
		answer, err := a.line(ctx, bracket(f, now))
		if err != nil {
			return err
		}
		answer = strings.TrimSpace(answer)
		switch {
		case answer == "?":
			a.say.prose(plain, "  %s", f.Help)
			continue
		case answer == "" && (now != "" || f.Optional):
			answer = now
		case answer == "-" && f.Optional:
			answer = ""
		default:
			answer = chosen(f, answer)
		}
		if err := f.Set(s, answer); err != nil {
			a.say.line(red, "  %s", remote.Words(err))
			continue
		}
		return nil
	}
}

// choices lists the words allowed, numbered, so that a number is enough.
func choices(say *voice, f site.Field) {
	for i, c := range f.Choices {
		say.line(plain, "  %d  %s", i+1, c)
	}
}

// chosen turns the number of a choice into its word.
func chosen(f site.Field, answer string) string {
	for i, c := range f.Choices {
		if answer == fmt.Sprint(i+1) && !slices.Contains(f.Choices, answer) {
			return c
		}
	}
	return answer
}

// bracket is the prompt: what an empty line means stands in brackets.
func bracket(f site.Field, now string) string {
	switch {
	case now != "" && f.Optional && now != f.Default():
		return fmt.Sprintf("> [%s, - for none] ", now)
	case now != "":
		return fmt.Sprintf("> [%s] ", now)
	case f.Optional:
		return "> [none] "
	}
	return "> "
}
