package checks

import (
	"context"
	"fmt"
	"strings"

	"postern/remote"
)

// linux is for the layout with a proxy and a mail host under Linux; another layout makes its check a skip.
func linux(ask func(context.Context, *Env) []Result) func(context.Context, *Env) []Result {
	return func(ctx context.Context, e *Env) []Result {
		if e.Site.Layout == "toaster" {
			return []Result{question{from: Here}.skip("the layout is toaster: one host, no tunnel, and pf")}
		}
		return ask(ctx, e)
	}
}

// ufw is what ufw says of itself.
type ufw struct {
	absent, active             bool
	incoming, outgoing, routed string
}

// ufwOf parses `ufw status verbose`.
func ufwOf(f remote.Facts) (ufw, error) {
	s, err := parts(f, readUfw)
	if err != nil {
		return ufw{}, err
	}
	if s.has("absent") {
		return ufw{absent: true}, nil
	}
	var u ufw
	known := false
	for _, line := range s["status"] {
		key, value, _ := strings.Cut(line, ":")
		switch value = strings.TrimSpace(value); key {
		case "Status":
			u.active, known = value == "active", value == "active" || value == "inactive"
		case "Default":
			for _, one := range strings.Split(value, ",") {
				word, what, _ := strings.Cut(strings.TrimSpace(one), " ")
				switch what {
				case "(incoming)":
					u.incoming = word
				case "(outgoing)":
					u.outgoing = word
				case "(routed)":
					u.routed = word
				}
			}
		}
	}
	if !known || u.active && u.incoming == "" {
		return u, fmt.Errorf("ufw status said %q", remote.Clean(strings.Join(s["status"], "\n")).Line(80))
	}
	return u, nil
}

// setting is the value of KEY=value in a shell-like file, quotes taken off; the last one counts.
func setting(text, key string) string {
	value := ""
	for _, line := range strings.Split(text, "\n") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), key+"="); ok {
			value = strings.Trim(strings.TrimSpace(v), `"'`)
		}
	}
	return value
}
