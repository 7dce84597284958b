package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/term"

	"postern/checks"
	"postern/report"
	"postern/run"
	"postern/site"
	"postern/wizard"
)

// draws says whether the wizard can be drawn: a terminal that can, and nobody who wants lines.
func (a *app) draws() bool {
	t := a.world.getenv("TERM")
	if t == "dumb" || t == "" && runtime.GOOS != "windows" { // Windows has terminals without it
		return false
	}
	return !a.Plain && !a.Yes && !a.world.unadorned() &&
		term.IsTerminal(int(a.world.stdin.Fd())) && term.IsTerminal(int(a.world.stdout.Fd()))
}

// draw shows the wizard until it is left. Everything that can be wrong beforehand is told before the screen is taken.
func (a *app) draw(ctx context.Context) error {
	if len(a.Set) > 0 && !a.Save && a.sim == nil {
		return usage("add --save, or --plain", "--set without --save is for one run of a command; the wizard keeps every answer")
	}
	file, err := a.drawn()
	if err != nil {
		return err
	}
	if a.sim == nil {
		if err := a.openLog("wizard"); err != nil {
			return err
		}
	}
	said := a.hush()
	ending, err := wizard.Run(ctx, a.screen(file))
	a.speak(said)
	if err != nil {
		return err
	}
	for _, line := range ending.Lines {
		a.say.line(plain, "%s", line)
	}
	if ending.Code != exitOK {
		return silent(ending.Code)
	}
	return nil
}

// drawn is the answers file to begin with; nil when there are several and none was named, so that the list is shown.
func (a *app) drawn() (*site.File, error) {
	if a.Site == "" && a.sim == nil {
		here, err := os.Getwd()
		if err != nil {
			return nil, fmt.Errorf("looking for the answers: %w", err)
		}
		if known, err := site.Known(a.world.config, here); err != nil {
			return nil, usage("", "%w", err)
		} else if len(known) > 1 && filepath.Base(known[0]) != "postern.toml" {
			return nil, nil
		}
	}
	from, err := a.open(true)
	if err != nil {
		return nil, err
	}
	return from.file, a.overlay(from)
}

// screen is what the wizard needs of the world outside.
func (a *app) screen(file *site.File) wizard.Options {
	o := wizard.Options{
		In: a.world.stdin, Out: a.world.stdout, Environ: a.world.environ(), Clock: a.world.now,
		File: file, Sites: a.sites(), ASCII: a.ASCII, NoColor: a.NoColor,
		Runner: func(s *site.Site, ask wizard.Asker) (*run.Runner, error) {
			r, err := a.begin("wizard", &answers{file: file, site: s, say: a.say})
			if err == nil {
				r.Connect, r.Emit = a.connect(ask), a.log.event
				r.Result = func(one checks.Result) { a.log.line(report.Result(one).Text) }
			}
			return r, err
		},
		Script: func(p *run.Proposal) ([]byte, error) { return []byte(script(p, "")), nil },
		Leads: func(ctx context.Context, s *site.Site, host string) (string, error) {
			return run.Leads(ctx, s, host, a.remote())
		},
		Pager:  a.pager(),
		Write:  write,
		Past:   a.past,
		Keep:   a.keepPast,
		Secret: a.secrets.add,
		Log: func() string {
			if a.log == nil {
				return ""
			}
			return a.log.path
		},
	}
	if width, height, err := term.GetSize(int(a.world.stdout.Fd())); err == nil {
		o.Width, o.Height = width, height // so that the first frame waits for nobody
	}
	if a.Askpass != "" {
		o.Askpass = a.ask.secret
	}
	if a.sim != nil {
		o.Simulated, o.Leads, o.Write, o.Past, o.Keep = "demo: both hosts are simulated", nil, nil, nil, nil
		if a.Layout == "toaster" {
			o.Simulated = "demo: the host is simulated"
		}
	}
	return o
}

// hush keeps back what is said to people while the screen is drawn.
func (a *app) hush() *bytes.Buffer {
	said := &bytes.Buffer{}
	a.drawing.Store(true)
	a.say.redirect(said)
	return said
}

// speak says it, once the screen is left.
func (a *app) speak(said *bytes.Buffer) {
	a.say.redirect(a.world.stdout)
	a.drawing.Store(false)
	for line := range strings.Lines(said.String()) {
		a.say.line(plain, "%s", strings.TrimSuffix(line, "\n"))
	}
}

// write puts a file into the working folder, under the first name like the wanted one that is free.
func write(name string, text []byte) (string, error) {
	ending := filepath.Ext(name)
	base := url.PathEscape(strings.TrimSuffix(filepath.Base(name), ending))
	for n := 1; n < 100; n++ {
		path := base + ending
		if n > 1 {
			path = fmt.Sprintf("%s-%d%s", base, n, ending)
		}
		file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = file.Write(text)
		return path, errors.Join(err, file.Close())
	}
	return "", fmt.Errorf("%s: a hundred files of that name are there already", name)
}
