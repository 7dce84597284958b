package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"

	"postern/checks"
	"postern/report"
)

// mostSaved is the largest message that is judged, in bytes.
const mostSaved = 50 << 20

// judge asks what a receiver saw of a message, which lies in a file. Names are looked up from here, and no host is asked.
func (c *checkCmd) judge(ctx context.Context, a *app, from *answers) error {
	if len(c.Steps)+len(c.SendTo) > 0 || c.Watch || a.sim != nil {
		return usage("give it alone", "--received judges one message, and goes with nothing else")
	}
	text, err := readSome(c.Received, mostSaved)
	if err != nil {
		return usage("", "--received: %w", err)
	}
	one, _ := checks.Find("smtp.received")
	env := &checks.Env{Site: from.site, Now: a.world.now(), Clock: a.world.now, Saved: text, Names: net.DefaultResolver}
	results := checks.Run(ctx, []checks.Check{one}, env, a.result)
	if c.JUnit != "" {
		if err := writeJUnit(c.JUnit, results); err != nil {
			return err
		}
	}
	if a.JSON {
		a.final(checkJSON{Schema: schema, At: a.world.now(), Results: resultObjects(results), Exit: checks.Exit(results)})
	}
	a.say.lines(report.Findings(results))
	if code := checks.Exit(results); code != exitOK {
		return silent(code)
	}
	return nil
}

// readSome reads a file that is no larger than that.
func readSome(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%q is larger than %d MB", path, most>>20)
	}
	return text, err
}
