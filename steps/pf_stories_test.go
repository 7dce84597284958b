package steps

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"postern/remote"
	"postern/seen"
	seenpf "postern/seen/pf"
	"postern/steps/does"
)

// usualBSD is what a look brings of a FreeBSD host that was just installed; a story tells what is different.
func usualBSD(role, release string) map[string]string {
	address, gateway, connection := "203.0.113.10", "203.0.113.1", "198.51.100.20 40000 203.0.113.10 22"
	if role == "mail" {
		address, gateway, connection = "192.168.50.2", "192.168.50.1", "192.168.50.10 40000 192.168.50.2 22"
	}
	return map[string]string{
		"system.kernel": "FreeBSD\n", "system.init": "other\n", "system.freebsd": release + "\n",
		"addresses.ifconfig": "vtnet0: flags=1008843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST,LOWER_UP> metric 0 mtu 1500\n\toptions=880028<VLAN_MTU,JUMBO_MTU,LINKSTATE,HWSTATS>\n\tether 52:54:00:12:34:56\n" +
			"\tinet " + address + " netmask 0xffffff00 broadcast " + gateway + "\nlo0: flags=1008049<UP,LOOPBACK,RUNNING,MULTICAST,LOWER_UP> metric 0 mtu 16384\n\tinet 127.0.0.1 netmask 0xff000000\n\tinet6 ::1 prefixlen 128\n",
		"addresses.default inet": "   route to: 0.0.0.0\n    gateway: " + gateway + "\n  interface: vtnet0\n",
		"addresses.netstat":      "Internet:\nDestination        Gateway            Flags         Netif Expire\ndefault            " + gateway + "        UGS          vtnet0\n",
		"ssh.connection":         connection + "\n", "ssh.sshd": "port 22\n", "tools.tools": "pf\nwireguard\nlockf\n", "clock.now": "1\n",
		"listeners.sockstat": "USER COMMAND PID FD PROTO LOCAL ADDRESS FOREIGN ADDRESS\n0 sshd 31 4 tcp4 *:22 *:*\n",
		"sysctl.live":        "net.inet.ip.forwarding 0\nnet.inet6.ip6.forwarding 0\n",
		"rcconf.value":       "pf_enable=NO\npf_rules=/etc/pf.conf\npflog_enable=NO\npf_fallback_rules_enable=NO\ngateway_enable=NO\nipv6_gateway_enable=NO\n",
		"pfrules.off":        "pf is off\n",
		"pf.running":         "no\n", "pf.rules": "0\n", "pf.ours": "0\n", "pf.path": "/etc/pf.conf\n",
		"toaster.feeders": "\n", "anchors.rules": "\n",
	}
}

var (
	sysrcLine  = regexp.MustCompile(`(?m)^sysrc '?(\w+)=([^'\n]*)'?$`)
	sysctlLine = regexp.MustCompile(`(?m)^sysctl ([\w.]+)=(\d+)`)
	made       = regexp.MustCompile(`(?s)cat > (\S+) <<'END'\n(.*)END\n`)
)

// carriedOutBSD is the host after the plan: its files, and what their changes load and set.
func (s story) carriedOutBSD(plan Plan) story {
	s.found, s.modes = maps.Clone(s.found), maps.Clone(s.modes)
	for _, part := range plan.Parts {
		for _, c := range part.Changes {
			if c.New != nil {
				s.found[c.Path], s.modes[c.Path] = c.New.Text, c.New.Mode
			} else if c.Path != "" {
				delete(s.found, c.Path)
			}
			if m := made.FindStringSubmatch(c.Do); m != nil {
				s.found[m[1]] = m[2]
			}
			for _, m := range sysrcLine.FindAllStringSubmatch(c.Do+c.Keep, -1) {
				value := regexp.MustCompile(`(?m)^` + m[1] + `=.*\n`)
				s.found["rcconf.value"] = value.ReplaceAllString(s.found["rcconf.value"], "") + m[1] + "=" + m[2] + "\n"
				s.found["rcconf.set"] += m[1] + "\n"
			}
			for _, m := range sysctlLine.FindAllStringSubmatch(c.Do, -1) {
				s.found["sysctl.live"] = regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(m[1])+` .*\n`).ReplaceAllString(s.found["sysctl.live"], "") + m[1] + " " + m[2] + "\n"
			}
			load, ok := loads(c)
			switch {
			case ok && load.Anchor == "":
				s.found["pf.running"], s.found["pf.path"] = "yes\n", load.File+"\n"
				s.found["pf.rules"] = fmt.Sprintln(expanded(s.found[load.File], ""))
				s.written(s.found[load.File])
			case ok && s.found["pf.running"] == "yes\n":
				s.found["pf.ours"] = fmt.Sprintln(expanded(s.found[load.File], load.Anchor))
			}
			if ok && load.Anchor != "" {
				s.loadedInto(load)
			}
		}
	}
	s.tellJails()
	return s
}

var (
	loadedFile   = regexp.MustCompile(`(?m)^file=\$\{NEW:-'([^'\n]*)'\}$`)
	loadedAnchor = regexp.MustCompile(`(?m)^in='([^'\n]*)'$`)
	loadedBefore = regexp.MustCompile(`(?m)^file='([^'\n]*)' off=(\w*) own=\$in bad=0$`)
)

// loads is the load of pf that a change ends in; false when it is none.
func loads(c remote.Change) (does.PF, bool) {
	file, anchor, before := loadedFile.FindStringSubmatch(c.Do), loadedAnchor.FindStringSubmatch(c.Do), loadedBefore.FindStringSubmatch(c.Undo)
	if file == nil || anchor == nil || before == nil {
		return does.PF{}, false
	}
	p := does.PF{File: file[1], Before: before[1], Anchor: anchor[1], Off: before[2] != ""}
	is := p.Load(remote.Change{Path: c.Path, New: c.New})
	return p, strings.HasSuffix(c.Do, is.Do) && strings.HasSuffix(c.Undo, is.Undo) && strings.HasSuffix(c.Test, is.Test) && c.Risk == remote.LoseSSH
}

// loadedIn is a load in one line, for the stories: the scripts have tests of their own, where they run.
func loadedIn(c remote.Change) string {
	p, _ := loads(c)
	is := p.Load(remote.Change{Path: c.Path, New: c.New})
	return fmt.Sprintf("%s(pf loads %q into anchor %q, before it %q, off before %v, file at confirm %v)\n",
		strings.TrimSuffix(c.Do, is.Do), p.File, p.Anchor, p.Before, p.Off, c.AtConfirm)
}

// expanded is how many rules pfctl makes of a text.
func expanded(text, anchor string) int {
	e := seenpf.Parse(text, anchor, seenpf.Host{}).Expand(seenpf.R15_1)
	return len(e.Translation) + len(e.Filter)
}

// written is the main file with that text, as the host tells it.
func (s story) written(text string) {
	s.found["pf.text"] = ""
	for _, line := range strings.SplitAfter(text, "\n") {
		if line != "" {
			s.found["pf.text"] += "|" + line
		}
	}
}

// pfStories are the stories of FreeBSD hosts, with the plans that they come to, one after the other, until nothing is left to change.
func pfStories(t *testing.T) (all []story, plans [][]Plan) {
	t.Helper()
	paths, _ := filepath.Glob("testdata/pf/*.txtar")
	if len(paths) < 15 {
		t.Fatalf("only %d stories were found", len(paths))
	}
	for _, path := range paths {
		s := readStory(t, path)
		if text, theirs := s.found["/etc/pf.conf"]; theirs && s.found["pf.text"] == "" {
			s.written(text)
		}
		s.tellJails()
		var list []Plan
		for now := s; ; {
			plan := now.plan()
			list = append(list, plan)
			if len(plan.Parts) == 0 || len(plan.Refused) > 0 || len(list) > 4 {
				break
			}
			now = now.carriedOutBSD(plan)
		}
		all, plans = append(all, s), append(plans, list)
	}
	return all, plans
}

func TestPFStories(t *testing.T) {
	stories, plans := pfStories(t)
	for i, s := range stories {
		t.Run(strings.TrimSuffix(filepath.Base(s.path), ".txtar"), func(t *testing.T) {
			var files []archiveFile
			for n, plan := range plans[i] {
				if n > 0 && n == len(plans[i])-1 && len(plan.Refused) == 0 {
					break // the second plan of what is in place
				}
				for _, f := range outcome(plan) {
					if n > 0 {
						f.Name = fmt.Sprintf("then%d/%s", n+1, strings.TrimPrefix(f.Name, "after/"))
					}
					files = append(files, f)
				}
			}
			compareStory(t, s, files)
			last := plans[i][len(plans[i])-1]
			if len(last.Parts) > 0 && len(last.Refused) == 0 {
				t.Errorf("the plan after %d is not empty: %+v", len(plans[i])-1, last.Parts[0].Changes)
			}
		})
	}
}

// compareStory holds what a story comes to against what stands in its file, or writes it there.
func compareStory(t *testing.T, s story, files []archiveFile) {
	t.Helper()
	want := map[string]string{}
	kept := s.archive.Files[:0:0]
	for _, f := range s.archive.Files {
		if strings.HasPrefix(f.Name, "before/") {
			kept = append(kept, f)
		} else {
			want[f.Name] = f.Data
		}
	}
	if *updateStories {
		s.archive.Files = append(kept, files...)
		if err := os.WriteFile(s.path, []byte(s.archive.format()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, f := range files {
		if text, ok := want[f.Name]; !ok || text != f.Data {
			t.Errorf("%s: got\n%s\nwant\n%s", f.Name, f.Data, text)
		}
		delete(want, f.Name)
	}
	if len(want) > 0 {
		t.Errorf("the plan lacks %q", slices.Sorted(maps.Keys(want)))
	}
}

// What a person adds to a file of theirs is seen, and not asked for again; and nothing of a plan ever writes that file.
func TestTheirPFConfIsTheirs(t *testing.T) {
	stories, plans := pfStories(t)
	asked := 0
	wrong := func(c remote.Change) bool {
		load, ok := loads(c)
		return ok && load.Anchor == "" || !ok && strings.Contains(c.Do+c.Undo+c.Keep, "pfctl")
	}
	for i, s := range stories {
		if s.site.PF.Main == "own" || s.found["pf.text"] == "" || strings.HasPrefix(s.found["/etc/pf.conf"], "# Made by postern") {
			continue
		}
		now := s
		for _, plan := range plans[i] {
			for _, part := range plan.Parts {
				for _, c := range part.Changes {
					if c.Path == "/etc/pf.conf" || wrong(c) || strings.Contains(c.Do+c.Keep, "pf_enable") {
						t.Errorf("%s: %s touches what is theirs", s.path, c.ID)
					}
				}
			}
			now = now.carriedOutBSD(plan)
			lines := func(task Task) bool { return strings.HasPrefix(task.ID, "firewall.lines") }
			if at := slices.IndexFunc(plan.Tasks, lines); at >= 0 {
				asked++
				added := now
				added.found = maps.Clone(now.found)
				for _, line := range strings.Split(plan.Tasks[at].Copy, "\n") {
					added.found["pf.text"] += "|" + strings.ReplaceAll(line, " ", "\t ") + " # added\n"
				}
				if again := added.plan(); slices.ContainsFunc(again.Tasks, lines) {
					t.Errorf("%s: asked again for %s", s.path, again.Tasks[0].Copy)
				}
			}
		}
	}
	if asked < 2 {
		t.Errorf("only %d tasks were found", asked)
	}
}

// One output serves every release.
func TestPFIsAlikeOnEveryRelease(t *testing.T) {
	stories, _ := pfStories(t)
	for _, s := range stories {
		first := ""
		for _, release := range []string{"13.2-RELEASE", "14.3-RELEASE-p2", "15.0-RELEASE", "15.1-RELEASE-p1"} {
			s.found = maps.Clone(s.found)
			s.found["system.freebsd"] = release + "\n"
			if got := fmt.Sprint(outcome(s.plan())); first == "" {
				first = got
			} else if got != first {
				t.Errorf("%s: another plan on %s", s.path, release)
			}
		}
	}
}

// What is in place and does not run, or runs empty as after a boot with a file that was refused, is loaded again and nothing else is done.
func TestPFIsLoadedAgain(t *testing.T) {
	for file, rules := range map[string]string{"proxy-13": "pf.rules", "theirs-anchors": "pf.ours"} {
		s := readStory(t, "testdata/pf/"+file+".txtar")
		if text, theirs := s.found["/etc/pf.conf"]; theirs {
			s.written(text)
		}
		for plan := s.plan(); len(plan.Parts) > 0; plan = s.plan() {
			s = s.carriedOutBSD(plan)
		}
		off, empty := s, s
		off.found, empty.found = maps.Clone(s.found), maps.Clone(s.found)
		empty.found[rules] = "0\n"
		more, fallback := s, s // somebody loaded others; a boot did, because the main file was refused
		more.found, fallback.found = maps.Clone(s.found), maps.Clone(s.found)
		more.found[rules] = "99\n"
		fallback.found[rules] = fmt.Sprintln(expanded(s.found["/etc/pf-fallback.conf"], ""))
		off.found["pf.running"] = "no\n"
		again := map[string]story{"empty": empty, "more": more}
		if file == "proxy-13" {
			again["off"], again["fallback"] = off, fallback
		}
		for what, now := range again {
			plan := now.plan()
			if len(plan.Parts) != 1 || len(plan.Parts[0].Changes) != 1 || plan.Parts[0].Changes[0].ID != "firewall.activate" {
				t.Errorf("%s, %s: %+v", file, what, plan.Parts)
			}
		}
	}
}

// Every undo brings rc.conf and the kernel back to what they were, by what it runs.
func TestPFUndoNamesAllThatWasDone(t *testing.T) {
	_, plans := pfStories(t)
	for _, list := range plans {
		for _, plan := range list {
			for _, part := range plan.Parts {
				for _, c := range part.Changes {
					for _, m := range sysrcLine.FindAllStringSubmatch(c.Keep, -1) {
						if !strings.Contains(c.Undo, "sysrc '"+m[1]+"=") && !strings.Contains(c.Undo, "sysrc "+m[1]+"=") && !strings.Contains(c.Undo, "sysrc -x "+m[1]) && !strings.Contains(c.Undo, "sysrc -x '"+m[1]) {
							t.Errorf("%s sets %s and its undo does not bring it back: %s", c.ID, m[1], c.Undo)
						}
					}
					for _, m := range sysctlLine.FindAllStringSubmatch(c.Do, -1) {
						if !strings.Contains(c.Undo, "sysctl "+m[1]+"=") {
							t.Errorf("%s sets %s and its undo does not bring it back: %s", c.ID, m[1], c.Undo)
						}
					}
					if c.Path == "" && !part.Inert && c.Undo == "" {
						t.Errorf("%s has no undo", c.ID)
					}
				}
			}
		}
	}
}

// Whatever pf.conf says, planning ends, and the file of others is never ours by accident.
func FuzzPFPlans(f *testing.F) {
	for _, seed := range []string{"", "# Made by postern\ntable <admin> persist { 198.51.100.20 }\n", "# Made by postern\ntable <admin> persist { x; } pass all\n", "block in log\npass \"\n", "\x00\r\n# Made by postern"} {
		f.Add(seed, "/etc/pf.conf", "yes")
	}
	f.Fuzz(func(t *testing.T, text, path, running string) {
		for _, main := range []string{"advise", "anchors", "own"} {
			s := story{host: "proxy", release: "15.1-RELEASE", site: freshSite(t, main), found: usualBSD("proxy", "15.1-RELEASE"), modes: map[string]os.FileMode{}}
			s.found["/etc/pf.conf"], s.found["pf.path"], s.found["pf.running"] = text, path+"\n", running+"\n"
			s.written(text)
			for _, part := range s.plan().Parts {
				for _, c := range part.Changes {
					if c.New == nil {
						continue
					}
					for _, why := range lintPF(c.Path, c.New.Text) {
						t.Errorf("%s: %s", c.Path, why)
					}
				}
			}
			if _, err := seen.PF.Of(s.facts()); err != nil && len(s.plan().Refused) == 0 {
				t.Error("planned without having seen pf")
			}
		}
	})
}
