package site

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// taskShape is what the ID of a task looks like: dns.records, provider.firewall.proxy.
var taskShape = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*(\.[A-Za-z0-9][A-Za-z0-9-]*)+$`)

// longestTask bounds the ID of a task, in bytes.
const longestTask = 100

// Mark says that a person did a task by hand, on a date such as 2026-11-21. Save keeps it.
func (f *File) Mark(task, date string) error {
	if date == "" {
		return fmt.Errorf("done.%s: a date is wanted, such as 2026-11-21", quote(task))
	}
	return f.Site.Mark(task, date)
}

// Unmark takes back that a task was done. Save keeps it.
func (f *File) Unmark(task string) { delete(f.Site.Done, task) }

// Mark says that a person did a task by hand, on a date such as 2026-11-21; "" takes it back.
func (s *Site) Mark(task, date string) error {
	if !taskShape.MatchString(task) || len(task) > longestTask {
		return fmt.Errorf("done: %s is not the ID of a task", quote(task))
	}
	return doneField(task).Set(s, date)
}

// doneFields are the tasks that were done by hand, sorted.
func doneFields(s *Site) []Field {
	var fields []Field
	for _, task := range slices.Sorted(maps.Keys(s.Done)) {
		fields = append(fields, doneField(task))
	}
	return fields
}

// doneField is the date on which a person did a task.
func doneField(task string) Field {
	return Field{
		Key:      "done." + task,
		Title:    "Done by hand",
		Help:     "The date on which a person said that this task is done; nothing measured it. Empty means that it is not.",
		Optional: true, Seldom: true,
		path: []string{"done", task},
		of:   task,
		get:  func(s *Site, task string) string { return s.Done[task] },
		set:  setDone,
	}
}

func setDone(s *Site, task, text string) error {
	if text == "" {
		delete(s.Done, task)
		return nil
	}
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return fmt.Errorf("%s is not a date, such as 2026-11-21", quote(text))
	}
	if s.Done == nil {
		s.Done = map[string]string{}
	}
	s.Done[task] = text
	return nil
}

// done reads what was marked as done. It is read before the other answers, because only the file says which tasks there are.
func (r *reader) done() {
	v, there := r.at([]string{"done"})
	if !there {
		return
	}
	if _, ok := v.(map[string]any); !ok {
		r.fail([]string{"done"}, "is a table, written [done]")
		return
	}
	for _, e := range r.entries {
		if len(e.path) != 2 || e.path[0] != "done" || !taskShape.MatchString(e.path[1]) || len(e.path[1]) > longestTask {
			continue // told with the unknown keys
		}
		r.known[strings.Join(e.path, "\x00")] = true
		v, _ := r.at(e.path)
		text, err := plain(v, false)
		if err == nil {
			err = doneField(e.path[1]).Set(r.site, text)
		} else {
			err = fmt.Errorf("%s: %w", r.key(e.path), err)
		}
		if err != nil {
			r.errs = append(r.errs, fmt.Errorf("%s: %w", r.where(e.path), err))
		}
	}
}

// unmark takes the tasks out that are not done any more: the whole line where nothing else stands on it.
func (d *document) unmark(r *reader, s *Site) error {
	for _, task := range slices.Sorted(maps.Keys(r.site.Done)) {
		if s.Done[task] != "" {
			continue
		}
		l, err := scan(d.text)
		if err != nil {
			return err
		}
		e := l.find([]string{"done", task})
		if e == nil {
			return errors.New("done: " + quote(task) + " is not where it was")
		}
		start, end := lineStart(d.text, e.start), lineEnd(d.text, e.end)
		rest := strings.TrimSpace(d.text[e.end:end])
		if e.inline || rest != "" || strings.Contains(d.text[start:e.end], "\n") {
			d.replace(e.start, e.end, `""`)
			continue
		}
		d.replace(start, nextLine(d.text, e.end), "")
	}
	return nil
}
