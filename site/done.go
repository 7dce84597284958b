package site

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"
)

// taskShape is what the ID of a task looks like: dns.records, provider.firewall.proxy.
var taskShape = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*(\.[A-Za-z0-9][A-Za-z0-9-]*)+$`)

func isTask(id string) bool { return taskShape.MatchString(id) && len(id) <= 100 }

// Mark says that a person did a task by hand, on a date such as 2026-11-21; "" takes it back.
func (s *Site) Mark(task, date string) error {
	if !isTask(task) {
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
	date, err := parseDate(text)
	if err == nil {
		s.Done[task] = date
	}
	return err
}

func parseDate(text string) (string, error) {
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return "", fmt.Errorf("%s is not a date, such as 2026-11-21", quote(text))
	}
	return text, nil
}
