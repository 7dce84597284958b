package main

import (
	"cmp"
	"context"
	"strings"

	"postern/site"
)

// fieldsCmd lists every answer.
type fieldsCmd struct{}

type fieldJSON struct {
	Key      string   `json:"key"`
	Title    string   `json:"title"`
	Help     string   `json:"help"`
	Default  string   `json:"default"`
	Value    string   `json:"value"`
	Choices  []string `json:"choices,omitempty"`
	List     bool     `json:"list"`
	Optional bool     `json:"optional"`
}

// Run lists key, default and meaning of every answer, and what the answers at hand say.
func (*fieldsCmd) Run(_ context.Context, a *app) error {
	from, err := a.answers(false)
	if err != nil {
		return err
	}
	list := []fieldJSON{}
	for _, f := range site.Fields(from.site) {
		list = append(list, fieldJSON{f.Key, f.Title, f.Help, f.Default(), f.Get(from.site), f.Choices, f.List, f.Optional})
	}
	if a.JSON {
		a.final(struct {
			Schema int         `json:"schema"`
			Fields []fieldJSON `json:"fields"`
		}{schema, list})
		return nil
	}
	for _, f := range list {
		a.say.line(bold, "%s", f.Key)
		a.say.line(plain, "    %s. %s", f.Title, f.Help)
		if f.Choices != nil {
			a.say.line(plain, "    one of: %s", strings.Join(f.Choices, ", "))
		}
		a.say.line(plain, "    default: %s", cmp.Or(f.Default, "(empty)"))
		if f.Value != f.Default {
			a.say.line(plain, "    now:     %s", cmp.Or(f.Value, "(empty)"))
		}
	}
	return nil
}
