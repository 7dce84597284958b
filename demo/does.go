package demo

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"postern/remote"
)

// The vocabulary of changes that chapters share (steps/does): each thing leaves a mark with the script that made it, by the name of its
// change, until it is undone; what asks for the thing looks there.

func markOf(kind, name string) string {
	plain := strings.NewReplacer("/", ".", "@", "-", "+", "-", ":", "-", "\\", "-")
	return "/run/demo/" + kind + "." + plain.Replace(strings.TrimPrefix(name, "/"))
}

// make marks what a script of a change makes, and takes the mark away at its undo.
func (h *Host) make(s script) error {
	_, what, _ := strings.Cut(s.ID, ".")
	path := "/run/demo/" + what
	if h.Write(path, nil); makes.MatchString(s.text) {
		h.put(path, s.text, 0o644)
		h.w.wait(h.w.ctx, min(s.Takes, takesTime))
	}
	return nil
}

// makes tells a script that makes something from one that takes it away.
var makes = regexp.MustCompile(`mkdir|useradd|npm ci|openssl|setpriv|chmod`)

// takesTime is how long a demo waits at most for what takes its time.
const takesTime = 2 * time.Second

var (
	dirMode  = regexp.MustCompile(`chmod ([0-7]+) `)
	dirOwner = regexp.MustCompile(`chown (\S+) `)
)

// things answer the questions of the shared vocabulary, by their first word.
var things = map[string]func(h *Host, args []string) remote.Answer{
	"user": func(h *Host, args []string) remote.Answer {
		if h.File(markOf("user", args[0])) == nil {
			return remote.Answer{}
		}
		return remote.Answer{Out: fmt.Sprintf("%[1]s:x:998:998::/nonexistent:/usr/sbin/nologin\n%[1]s:x:998:\n", args[0])}
	},
	"dir": func(h *Host, args []string) remote.Answer {
		made := h.text(markOf("dir", args[0]))
		mode, owner := dirMode.FindStringSubmatch(made), dirOwner.FindStringSubmatch(made)
		if mode == nil || owner == nil {
			return remote.Answer{Out: "below /\n"}
		}
		return remote.Answer{Out: "is " + mode[1] + " " + owner[1] + "\n"}
	},
	"npm": func(h *Host, args []string) remote.Answer {
		if h.File(markOf("npm", args[0])) == nil {
			return remote.Answer{}
		}
		return remote.Answer{Out: "whole\n"}
	},
	"command": func(h *Host, args []string) remote.Answer {
		if args[0] == "packages" && h.has("caddy") || args[0] == "show" { // every mail port here shows what was handed over
			return remote.Answer{}
		}
		if args[0] == "postfix" {
			return remote.Answer{Code: map[bool]int{false: 1}[!h.mailcowRuns() || h.extra == h.text(extraCF)]}
		}
		if h.File("/run/demo/"+args[0]) == nil && args[0] != "forgotten" { // nobody looks for what was forgotten
			return remote.Answer{Code: 1}
		}
		return remote.Answer{}
	},
	"packages": func(h *Host, args []string) remote.Answer {
		text := ""
		for _, name := range args {
			if h.has(name) {
				text += name + " installed\n"
			}
		}
		return remote.Answer{Out: text}
	},
	"compose": (*Host).compose,
	"haraka": func(h *Host, args []string) remote.Answer { // which Node.js there is, what waits to be sent, and what others left
		switch args[0] {
		case "queue":
			return remote.Answer{Out: "0\nend\n"}
		case "files":
			return remote.Answer{Out: "end\n"}
		}
		has := ""
		if h.has("nodejs") {
			has = "v20.19.2\nnpm"
		}
		return remote.Answer{Out: "has " + has + "\noffers 20.19.2+dfsg-1\nend\n"}
	},
	"unit": func(h *Host, args []string) remote.Answer {
		name := strings.TrimSuffix(args[0], ".service")
		loaded, active, boot := "not-found", "inactive", ""
		if h.File("/etc/systemd/system/"+args[0]) != nil || h.has(name) {
			loaded, boot = "loaded", "disabled"
		}
		if h.kernel.started[name] {
			active = "active"
		}
		if h.enabled(name) {
			boot = "enabled"
		}
		return remote.Answer{Out: "LoadState=" + loaded + "\nActiveState=" + active + "\nUnitFileState=" + boot + "\n"}
	},
}
