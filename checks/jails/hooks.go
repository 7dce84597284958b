package jails

import (
	"context"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{ID: "jails.hooks", Layout: "toaster", Rests: []string{"host.ssh@"}, Step: "firewall", Title: "A jail that starts brings its rules, and one that stops takes them away", Guide: "firewall, Port Forwarding Configuration",
		Page: checks.Page{
			Asks:    "Does each jail run what loads its rules when it starts and takes them away when it stops? Is that script there, and every table that a file of its rules names? Without one of these a jail may not even start. Are there rules of jails that are not there, or that have stopped?",
			OK:      "All of it is there.",
			Warn:    "There are files or rules of a jail that is not there or does not run.",
			Fail:    "A jail would start without its rules, or not at all.",
			Unknown: "The host does not tell.",
			Skip:    "The layout has no jails.",
			Mends:   "The chapter Firewall supplies the script, the lines in jail.conf.d and missing tables; where files are yours it hands out the lines.",
		}, Reads: reads, Ask: ofToaster(askHooks)})
}

func askHooks(_ context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "jails that load their rules when they start", Fix: "firewall", Likely: "nobody wrote the lines into jail.conf.d, or a file went missing"}
	return eachHost(e, q, func(q checks.Question, s scene) []checks.Result {
		var wrong []string
		for _, j := range s.toaster.Configured {
			if slices.ContainsFunc(e.Site.Jails, func(w site.Jail) bool { return w.Name == j.Name && len(w.Ports) > 0 }) {
				wrong = append(wrong, s.hooks(j)...)
			}
		}
		wrong = append(wrong, s.missing()...)
		if len(wrong) > 0 {
			return []checks.Result{q.Fail(checks.Few(wrong), "", strings.Join(wrong, "\n"))}
		}
		if left := s.left(e.Site); len(left) > 0 {
			q.Fix = "take them away, or start the jail: this program leaves what is not its own"
			return []checks.Result{q.Warn(checks.Few(left), "a jail was renamed or taken away, or its script does not take its rules away", strings.Join(left, "\n"))}
		}
		return []checks.Result{q.OK("each of them does")}
	})
}

// hooks are what is wrong with what a jail runs.
func (s scene) hooks(j seen.BSDJail) (wrong []string) {
	load, unload := script(j.Created, "load"), script(j.Stopped, "unload")
	if load == "" {
		wrong = append(wrong, "the jail "+j.Name+" loads no rules when it starts")
	}
	if unload == "" {
		wrong = append(wrong, "the jail "+j.Name+" takes no rules away when it stops")
	}
	for _, file := range []string{load, unload} {
		if had, there := s.toaster.Scripts[file]; file != "" && !there {
			wrong = append(wrong, fmt.Sprintf("the jail %s runs %s, which is not there", j.Name, file))
		} else if file != "" && !had.Runs {
			wrong = append(wrong, fmt.Sprintf("the jail %s runs %s, which may not be executed", j.Name, file))
		}
		if load == unload {
			break
		}
	}
	return wrong
}

// script is the script that one of the commands runs with that word, "" when none does.
func script(commands []string, word string) string {
	for _, command := range commands {
		w := strings.Fields(command)
		for i, one := range w {
			if path.Base(one) == seen.PFRule && i+1 < len(w) && w[i+1] == word {
				return one
			}
		}
	}
	return ""
}

var namesFile = regexp.MustCompile(`(?m)^[^#\n]*\bfile\s+"([^"\n]+)"`)

// missing are the tables that a file of rules names and that are certainly not there: the look lists all that lies in those folders under
// the names of tables.
func (s scene) missing() (all []string) {
	for _, file := range slices.Sorted(maps.Keys(s.toaster.Files)) {
		for _, m := range namesFile.FindAllStringSubmatch(s.toaster.Files[file], -1) {
			_, there := s.toaster.Files[m[1]]
			if named := strings.HasSuffix(m[1], ".table") || path.Base(m[1]) == "insecure_mua"; named && !there && path.Base(path.Dir(m[1])) == "pf.conf.d" {
				all = append(all, fmt.Sprintf("%s names %s, which is not there, so it is refused as a whole", file, m[1]))
			}
		}
	}
	return all
}

// left are files of rules, and rules, of jails that are not there or do not run.
func (s scene) left(of *site.Site) (all []string) {
	known := func(name string) bool {
		same := func(j seen.BSDJail) bool { return j.Name == name }
		return slices.ContainsFunc(s.toaster.Running, same) || slices.ContainsFunc(s.toaster.Configured, same) || slices.ContainsFunc(of.Jails, func(j site.Jail) bool { return j.Name == name })
	}
	for _, file := range slices.Sorted(maps.Keys(s.toaster.Files)) {
		if !known(jailOf(file)) {
			all = append(all, file+" is for a jail that is not there")
		}
	}
	for _, anchor := range s.loaded.Names {
		class, name, below := strings.Cut(anchor, "/")
		if below && slices.Contains([]string{"rdr", "nat", "binat", "filter", "allow"}, class) && !s.runs(name) && strings.TrimSpace(s.loaded.Rules[anchor]) != "" {
			all = append(all, "the anchor "+anchor+" holds rules, and the jail does not run")
		}
	}
	return all
}
