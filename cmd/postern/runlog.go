package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"postern/remote"
	"postern/steps"
)

// keepLogs is how many logs stay; older ones are deleted.
const keepLogs = 50

// runLog is the log of one run: every event, every line of the talk with the hosts, the errors; no secret. A nil runLog
// keeps nothing.
type runLog struct {
	mu      sync.Mutex
	file    *os.File
	path    string
	now     func() time.Time
	secrets *secrets
}

// openRunLog begins a log in folder, which it makes, and deletes the oldest.
func openRunLog(folder string, now func() time.Time, s *secrets) (*runLog, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	name := "run-" + now().UTC().Format("20060102-150405")
	for n := 0; n < 100; n++ {
		path := filepath.Join(folder, fmt.Sprintf("%s-%02d.log", name, n))
		file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if os.IsExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return &runLog{file: file, path: path, now: now, secrets: s}, prune(folder)
	}
	return nil, fmt.Errorf("%s: a hundred runs began in this second", folder)
}

// prune deletes all but the newest logs. Their names sort by time, and come sorted.
func prune(folder string) error {
	logs, err := filepath.Glob(filepath.Join(folder, "run-*.log"))
	if err != nil {
		return err
	}
	for len(logs) > keepLogs {
		if err := os.Remove(logs[0]); err != nil {
			return err
		}
		logs = logs[1:]
	}
	return nil
}

// line keeps one line, or several.
func (l *runLog) line(text string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return
	}
	stamp := l.now().UTC().Format("15:04:05.000")
	for _, one := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		fmt.Fprintf(l.file, "%s %s\n", stamp, remote.Clean(l.secrets.scrub(one)))
	}
}

func (l *runLog) event(e steps.Event) {
	where := strings.TrimSpace(e.Host + " " + e.Step)
	if e.Of > 0 {
		where += fmt.Sprintf(" %d/%d", e.N, e.Of)
	}
	l.line(fmt.Sprintf("[%s] %s: %s (%s)", e.Kind, where, e.Text, e.Elapsed))
}

// close ends the log and returns its path, "" when there is none.
func (l *runLog) close(code int) string {
	if l == nil {
		return ""
	}
	l.line(fmt.Sprintf("exit code %d", code))
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		l.file.Close()
		l.file = nil
	}
	return l.path
}
