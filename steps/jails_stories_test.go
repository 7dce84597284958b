package steps

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"postern/seen"
	seenpf "postern/seen/pf"
	"postern/steps/does"
)

// jailFile is the path of a file of rules of a jail.
var jailFile = regexp.MustCompile(`/(?:etc/mail-toaster/[\w-]+|data/[\w-]+/etc)/pf\.conf\.d/[\w.-]+`)

// anchorOf is the anchor that such a file is loaded into; false for a table and for what is none.
func anchorOf(file string) (string, bool) {
	class, rules := strings.CutSuffix(path.Base(file), ".conf")
	if !rules || !jailFile.MatchString(file) {
		return "", false
	}
	jail := strings.Split(file, "/")[3]
	if strings.HasPrefix(file, "/data/") {
		jail = strings.Split(file, "/")[2]
	}
	return class + "/" + jail, true
}

// classWords are what lines of each class of anchors begin with.
var classWords = map[string][]string{"rdr": {"rdr"}, "nat": {"nat"}, "filter": {"pass", "block"}, "allow": {"pass", "block"}}

func isPF(file string) bool {
	_, jail := anchorOf(file)
	return jail || strings.HasPrefix(file, "/etc/pf")
}

// tellJails is what the host tells of its jails' files, as they are.
func (s story) tellJails() {
	if s.site.Layout != "toaster" {
		return
	}
	delete(s.found, "toaster.files")
	delete(s.found, "toaster.scripts")
	delete(s.found, "toaster.conf")
	for _, file := range slices.Sorted(maps.Keys(s.found)) {
		text := s.found[file]
		barred := "file " + file + "\n"
		for _, line := range strings.SplitAfter(text, "\n") {
			if line != "" {
				barred += "|" + line
			}
		}
		switch {
		case path.Base(file) == seen.PFRule:
			words := ""
			for word, has := range map[string]bool{" runs": s.modes[file]&0o111 != 0, " ours": strings.Contains(text, "# Made by postern"), " named": strings.Contains(text, "JAIL_NAME") || strings.Contains(text, "\njail="), " tables": strings.Contains(text, "-T replace")} {
				if has {
					words += word
				}
			}
			s.found["toaster.scripts"] += file + words + "\n"
		case jailFile.MatchString(file):
			s.found["toaster.files"] += barred
		case strings.HasPrefix(file, "/etc/jail.conf"):
			s.found["toaster.conf"] += barred
		}
	}
}

// loadedInto is the host when a file's rules are in an anchor.
func (s story) loadedInto(load does.PF) {
	made := seenpf.Parse(s.found[load.File], load.Anchor, seenpf.Host{}).Expand(seenpf.R15_1)
	text := ""
	for _, m := range slices.Concat(made.Translation, made.Filter) {
		text += "|" + m.Text + "\n"
	}
	s.found["anchors.anchor "+load.Anchor] = fmt.Sprint(text, "\n")
}
