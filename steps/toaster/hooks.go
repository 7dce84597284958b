package toaster

import (
	"fmt"
	"regexp"
	"strings"

	"postern/remote"
	"postern/site"
	"postern/steps/does"
)

// hooks have a jail load its rules when it starts, and take them away when it stops. They cannot keep it from starting.
func (c scene) hooks(j site.Jail, p place) error {
	conf := c.jailNamed(c.toaster.Configured, j.Name)
	if conf == nil {
		if c.jailNamed(c.toaster.Running, j.Name) != nil {
			c.note("the jail %s runs, and is in no jail.conf: what loads its rules when it starts cannot be told", j.Name)
		}
		return nil
	}
	lines := ""
	if !runs(conf.Created, "load") {
		lines += fmt.Sprintf("\texec.created += \"%s load %s || true\";\n", p.script, j.Name)
	}
	if !runs(conf.Stopped, "unload") {
		lines += fmt.Sprintf("\texec.poststop += \"%s unload %s || true\";\n", p.script, j.Name)
	}
	if lines == "" {
		c.named(j, p, conf.Created)
		return nil
	}
	old, known := c.found.File(confOf(j.Name))
	if !known {
		return fmt.Errorf("%s could not be read", confOf(j.Name))
	}
	var text string
	fits := old != nil && conf.Conf == confOf(j.Name)
	if fits {
		text, fits = hooked(old.Text, j.Name, lines)
	}
	if c.mode == "advise" || !fits {
		c.hand(j, conf.Conf, strings.TrimSuffix(strings.ReplaceAll(lines, "\t", ""), "\n"), "The lines belong into the braces of "+j.Name+"; they count when it starts the next time")
		return nil
	}
	now := *old
	now.Text = text
	c.plan.Changes = append(c.plan.Changes, remote.Change{ID: "firewall.jail." + j.Name + ".hooks", Step: "firewall",
		Title: "have the jail " + j.Name + " load its rules when it starts, and take them away when it stops", Path: conf.Conf, Old: old, New: &now})
	return nil
}

// runs says whether one of the commands runs the script with that word.
func runs(commands []string, word string) bool {
	for _, command := range commands {
		if script := ruleScript(command); script != "" {
			_, behind, _ := strings.Cut(command, script)
			if w := strings.Fields(behind); len(w) > 0 && w[0] == word {
				return true
			}
		}
	}
	return false
}

// named says of a hook that runs a script which is not there, or is about to be, that the jail does not start then.
func (c scene) named(j site.Jail, p place, commands []string) {
	for _, command := range commands {
		script := ruleScript(command)
		if script == "" || strings.Contains(command, "||") {
			continue
		}
		if _, there := c.toaster.Scripts[script]; there {
			continue
		}
		what := "supply it, or take the line out"
		if c.planned(script) {
			what = "it is supplied now"
		} else if script == p.script {
			what = "the task supplies it"
		}
		c.note("the jail %s runs %s when it starts, which is not there, so it does not start: %s", j.Name, script, what)
	}
}

// hooked is a jail.conf with our lines at the end of the braces of a jail. It is false where these could not be told.
func hooked(text, name, lines string) (string, bool) {
	rest, _ := does.CutBlock(text)
	at := regexp.MustCompile(`(?m)^[ \t]*"?` + regexp.QuoteMeta(name) + `"?\s*\{[ \t]*\n`).FindStringIndex(rest)
	if at == nil {
		return "", false
	}
	for i := at[1]; i < len(rest); {
		end := strings.IndexByte(rest[i:], '\n')
		line := rest[i:]
		if end >= 0 {
			line = rest[i : i+end]
		}
		bare := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(bare, "}"):
			return does.PutBlock(text, lines, i), true
		case strings.Contains(line, "{") && !strings.Contains(line, "${"), strings.Contains(line, "/*"), end < 0:
			return "", false
		}
		i += end + 1
	}
	return "", false
}

// Strip takes our lines out of those jail.conf files that others edited since.
func Strip(s *site.Site, found remote.Facts, paths map[string]bool) (changes []remote.Change) {
	for _, j := range s.Jails {
		old, known := found.File(confOf(j.Name))
		if !known || old == nil || !paths[confOf(j.Name)] {
			continue
		}
		now := *old
		if now.Text = does.PutBlock(old.Text, "", -1); now.Text != old.Text {
			changes = append(changes, remote.Change{ID: "firewall.jail." + j.Name + ".hooks", Step: "firewall", Title: "take our lines out of " + confOf(j.Name), Path: confOf(j.Name), Old: old, New: &now})
		}
	}
	return changes
}
