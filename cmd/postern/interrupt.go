package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"postern/report"
)

// interruptible runs f so that the first ctrl+c stops it after the action it is at, and a second one leaves at once. What
// is armed on a host is taken back either way: by us, or by the host itself.
func interruptible(a *app, f func(context.Context) int) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	code := make(chan int, 1)
	go func() { code <- f(ctx) }()
	go a.heartbeat(ctx, beat)
	for stopping := false; ; {
		select {
		case c := <-code:
			return c
		case s := <-signals:
			if a.paging.Load() > 0 && s == os.Interrupt {
				continue
			}
			if stopping {
				a.say.line(plain, "leaving now; a host with an open change takes it back by itself")
				return exitFailed
			}
			stopping = true
			a.say.line(plain, "\nstopping after this action; what is not confirmed is taken back (again: leave at once)")
			cancel()
		}
	}
}

// beat is after how much silence people are told that work goes on.
const beat = 10 * time.Second

// heartbeat says that work goes on whenever nothing was said for a while and nobody is being asked.
func (a *app) heartbeat(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every / 10)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if a.active.Load() && !a.drawing.Load() && !a.ask.waiting() && a.say.silence() >= every {
				doing := ""
				if e := a.last.Load(); e != nil && e.Text != "" {
					doing = "; the last was: " + report.Doing(*e)
				}
				a.say.line(plain, "  still working%s", doing)
			}
		}
	}
}
