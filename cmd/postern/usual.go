package main

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"postern/site"
	"postern/steps"
)

// byItself says whether a field is asked alone: nobody can guess it, or it has no value and needs one.
func byItself(f site.Field, s *site.Site) bool { return f.Alone || (f.Get(s) == "" && !f.Optional) }

// usual shows the answers of a step that have a usual value, all at once, and asks which to change: most people none. Each
// is kept in the file, so that it is not asked again. Those that hardly anybody changes, and those that are empty because they are
// found out or not wanted, are listed when asked for.
func (w *walk) usual(ctx context.Context, step steps.Step) error {
	var fields, more []site.Field
	for _, f := range w.fields(step) {
		switch {
		case !w.open(f) || byItself(f, w.from.site):
		case f.Get(w.from.site) == f.Default() && (f.Seldom || f.Get(w.from.site) == ""):
			more = append(more, f)
		default:
			fields = append(fields, f)
		}
	}
	if len(fields) == 0 {
		return nil
	}
	w.say.line(plain, "")
	w.say.line(bold, "Usual values")
	w.say.prose(plain, "  A number changes one, and so does the key of any answer; an empty line keeps them all.")
	for {
		for i, f := range fields {
			w.say.line(plain, "  %2d  %-20s %-18s %s", i+1, f.Key, cmp.Or(f.Get(w.from.site), "-"), f.Title)
		}
		if len(more) > 0 {
			w.say.line(plain, "   +  lists %d more that are empty, or that hardly anybody changes", len(more))
		}
		answer, err := w.ask.line(ctx, "> ")
		if err != nil {
			return w.unanswered("usual values", err)
		}
		answer = strings.TrimSpace(answer)
		if answer == "" {
			break
		}
		if answer == "+" {
			fields, more = append(fields, more...), nil
			continue
		}
		key := answer
		if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(fields) {
			key = fields[n-1].Key
		}
		if _, err := site.FieldOf(w.from.site, key); err != nil {
			w.say.line(red, "  %q is neither a number of this list nor a key; 'postern fields' lists the keys", answer)
			continue
		}
		if err := w.question(ctx, key); err != nil {
			return err
		}
	}
	for _, f := range fields {
		if err := w.from.file.Set(f.Key, f.Get(w.from.site)); err != nil {
			return err
		}
	}
	return w.save()
}
