package steps

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/firewall"
)

var updateStories = flag.Bool("update-firewall", false, "write what the firewall stories come to into their files")

// story is one host as it was found, the answers, and what must come of them.
type story struct {
	path    string
	archive *archive
	host    string
	release string // of FreeBSD; "" on Linux
	site    *site.Site
	found   map[string]string // files, and sections of what was asked
	modes   map[string]os.FileMode
}

// archive is a text file of several files, in the txtar format.
type archive struct {
	Comment string
	Files   []archiveFile
}

type archiveFile struct{ Name, Data string }

func parseArchive(text string) *archive {
	a := &archive{}
	data := &a.Comment
	for _, line := range strings.SplitAfter(text, "\n") {
		trimmed := strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(trimmed, "-- ") && strings.HasSuffix(trimmed, " --") && len(trimmed) > 6 {
			a.Files = append(a.Files, archiveFile{Name: trimmed[3 : len(trimmed)-3]})
			data = &a.Files[len(a.Files)-1].Data
			continue
		}
		*data += line
	}
	return a
}

func (a *archive) format() string {
	text := a.Comment
	for _, f := range a.Files {
		text += "-- " + f.Name + " --\n" + f.Data
	}
	return text
}

// usual is what a look brings of a host of the lab on which ufw was just installed; a story tells what is different.
func usual(role string) map[string]string {
	address, connection := "203.0.113.10/24", "198.51.100.20 40000 203.0.113.10 22"
	if role == "mail" {
		address, connection = "192.168.50.2/24", "192.168.50.10 40000 192.168.50.2 22"
	}
	addr := "2: eth0    inet " + address + " scope global eth0\\       valid_lft forever preferred_lft forever\n"
	return map[string]string{
		"system.kernel": "Linux\n", "system.init": "systemd\n", "system.release": "ID=debian\nVERSION_ID=\"12\"\n",
		"addresses.addresses": addr, "addresses.routes4": "default via 203.0.113.1 dev eth0 \n",
		"ssh.connection": connection + "\n", "ssh.sshd": "port 22\n", "tools.tools": "ufw\niptables\nwireguard\n", "clock.now": "1\n",
		"units.units":           "Id=ufw.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n",
		"sysctl.ufw":            "net/ipv4/conf/all/accept_redirects 1\nnet/ipv4/conf/all/log_martians 0\n",
		"sysctl.live":           "net/ipv4/ip_forward 0\nnet/ipv4/conf/all/accept_redirects 0\nnet/ipv6/conf/all/forwarding 0\nnet/ipv6/conf/eth0/accept_ra 1\n",
		"/etc/ufw/user.rules":   "*filter\n:ufw-user-input - [0:0]\n### RULES ###\n-A ufw-user-limit -j REJECT\nCOMMIT\n",
		"/etc/ufw/user6.rules":  "*filter\n:ufw6-user-input - [0:0]\n### RULES ###\nCOMMIT\n",
		"/etc/ufw/before.rules": "*filter\n:ufw-before-input - [0:0]\n:ufw-before-forward - [0:0]\n-A ufw-before-input -i lo -j ACCEPT\nCOMMIT\n", "/etc/ufw/before6.rules": "*filter\nCOMMIT\n",
		"/etc/ufw/before.init": "#!/bin/sh\n# called by ufw\nset -e\n\ncase \"$1\" in\nstart)\n    # required\n    ;;\nstop)\n    ;;\nstatus)\n    ;;\nflush-all)\n    ;;\n*)\n    echo \"no\"\n    ;;\nesac\n",
		"/etc/default/ufw":     "# ufw\nIPV6=yes\nDEFAULT_INPUT_POLICY=\"DROP\"\nDEFAULT_OUTPUT_POLICY=\"ACCEPT\"\nDEFAULT_FORWARD_POLICY=\"DROP\"\nMANAGE_BUILTINS=no\nIPT_MODULES=\"\"\n",
		"/etc/ufw/ufw.conf":    "ENABLED=no\nLOGLEVEL=low\n",
		"/etc/ufw/sysctl.conf": "net/ipv4/conf/all/accept_redirects=0\nnet/ipv4/conf/all/log_martians=0\n",
	}
}

// readStory: lines "host NAME" and "set KEY VALUE" (or "mode PATH OCTAL") come first, then the files and answers under before/.
func readStory(t *testing.T, path string) story {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := story{path: path, archive: parseArchive(string(data)), site: site.Default(), host: "proxy"}
	s.modes = map[string]os.FileMode{"/etc/ufw/before.init": 0o640, "/etc/ufw/postern.init": 0o750}
	for _, line := range strings.Split(s.archive.Comment, "\n") {
		w := strings.Fields(line)
		switch {
		case len(w) == 2 && w[0] == "host":
			s.host = w[1]
		case len(w) == 2 && w[0] == "release":
			s.release = w[1]
		case len(w) == 3 && w[0] == "mode":
			var m uint32
			fmt.Sscanf(w[2], "%o", &m)
			s.modes[w[1]] = os.FileMode(m)
		case len(w) == 2 && w[0] == "jail":
			if err := s.site.AddJail(w[1]); err != nil {
				t.Fatal(err)
			}
		case len(w) > 2 && w[0] == "set":
			set(t, s.site, w[1], strings.Join(w[2:], " "))
		}
	}
	s.found = usual(s.host)
	if s.release != "" {
		s.found = usualBSD(s.host, s.release)
	}
	for _, f := range s.archive.Files {
		if name, ok := strings.CutPrefix(f.Name, "before/"); ok {
			if strings.HasPrefix(name, "etc/") || strings.HasPrefix(name, "data/") {
				name = "/" + name
			}
			s.found[name] = f.Data
		}
	}
	return s
}

// facts are what a look at the host brings.
func (s story) facts() remote.Facts {
	f := remote.Facts{Host: s.host, Answers: map[string]remote.Answer{}}
	for _, q := range firewallReads(s.site, s.site.Host(s.host)) {
		text, there := s.found[q.ID]
		switch {
		case q.File == "":
			f.Answers[q.ID] = sectioned(q.ID, s.found)
		case !there:
			f.Answers[q.ID] = remote.Answer{Code: 1}
		default:
			f.Answers[q.ID] = remote.Answer{Out: text, Owner: "root:root", Mode: cmp.Or(s.modes[q.ID], 0o640)}
		}
	}
	return f
}

func set(t *testing.T, s *site.Site, key, value string) {
	t.Helper()
	for _, f := range site.Fields(s) {
		if f.Key == key {
			if err := f.Set(s, value); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("there is no field %q", key)
}

func (s story) plan() Plan {
	found := s.facts()
	filled, _ := Detect(s.site, Look{s.host: found})
	plan := Plan{Step: "firewall"}
	now := seen.Look(found)
	backend, _ := firewall.For(now)
	planHostFirewall(filled, filled.Host(s.host), backend, now, found, &plan)
	return plan
}

// outcome lays a plan out as the files of a story's second half.
func outcome(plan Plan) []archiveFile {
	var files []archiveFile
	add := func(name, text string) { files = append(files, archiveFile{Name: "after/" + name, Data: text}) }
	var told []string
	for _, text := range plan.Refused {
		told = append(told, "refused: "+text)
	}
	for _, text := range plan.LockOut {
		told = append(told, "lock-out: "+text)
	}
	for _, n := range plan.Notes {
		told = append(told, fmt.Sprintf("note (warn %v): %s", n.Warn, n.Text))
	}
	for _, task := range plan.Tasks {
		told = append(told, "task: "+task.Title+"\n  "+strings.ReplaceAll(task.Copy, "\n", "\n  "))
	}
	add("told", strings.Join(told, "\n")+"\n")
	for _, part := range plan.Parts {
		for _, c := range part.Changes {
			_, pf := loads(c)
			switch {
			case c.Path == "" && pf:
				add(c.ID+".do", loadedIn(c))
			case c.Path == "":
				add(c.ID+".do", c.Do+c.Keep)
				add(c.ID+".undo", c.Undo)
			case c.New == nil:
				add("gone"+c.Path, "")
			default:
				add(fmt.Sprintf("%o%s", c.New.Mode, c.Path), c.New.Text)
				if pf {
					add(c.ID+".do", loadedIn(c))
				} else if c.Do != "" {
					add(c.ID+".do", c.Do)
					add(c.ID+".undo", c.Undo)
				}
			}
		}
	}
	return files
}

// carriedOut is the host after the plan: its files, and the rules that the files load.
func (s story) carriedOut(plan Plan) story {
	s.found, s.modes = maps.Clone(s.found), maps.Clone(s.modes)
	for _, part := range plan.Parts {
		for _, c := range part.Changes {
			switch {
			case c.Path == "":
			case c.New == nil:
				delete(s.found, c.Path)
			default:
				s.found[c.Path], s.modes[c.Path] = c.New.Text, c.New.Mode
			}
			if c.ID == "firewall.unit" {
				s.found["units.units"] = strings.ReplaceAll(s.found["units.units"], "UnitFileState=disabled", "UnitFileState=enabled")
			}
			if c.Path == sysctlFile {
				s.found["sysctl.live"] = "net/ipv4/ip_forward 1\nnet/ipv6/conf/all/forwarding 1\nnet/ipv6/conf/eth0/accept_ra 2\n"
			}
		}
	}
	for i, id := range []string{"rules.v4", "rules.v6"} {
		rules, prefix := s.found[[]string{"/etc/ufw/user.rules", "/etc/ufw/user6.rules"}[i]], []string{"ufw", "ufw6"}[i]
		text := "*filter\n:INPUT DROP [0:0]\n:" + prefix + "-before-input - [0:0]\n" + strings.TrimPrefix(rules, "*filter\n")
		own := s.found["/etc/ufw/postern.init"]
		if _, body, ok := strings.Cut(own, []string{"load_iptables() {", "load_ip6tables() {"}[i]); ok {
			_, body, _ = strings.Cut(body, "<<'RULES'\n")
			body, _, _ = strings.Cut(body, "RULES\n")
			body = strings.Replace(body, "*nat\n", "*nat\n-A PREROUTING -j postern-pre\n-A POSTROUTING -j postern-post\n", 1)
			text += strings.Replace(body, "*mangle\n", "*mangle\n-A FORWARD -j postern-mss\n", 1)
		}
		s.found[id] = text
	}
	return s
}

func TestFirewallStories(t *testing.T) {
	paths, _ := filepath.Glob("testdata/firewall/*.txtar")
	if len(paths) < 10 {
		t.Fatalf("only %d stories were found", len(paths))
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			s := readStory(t, path)
			plan := s.plan()
			files := outcome(plan)
			want := map[string]string{}
			kept := s.archive.Files[:0:0]
			for _, f := range s.archive.Files {
				if strings.HasPrefix(f.Name, "after/") {
					want[f.Name] = f.Data
				} else {
					kept = append(kept, f)
				}
			}
			if *updateStories {
				s.archive.Files = append(kept, files...)
				if err := os.WriteFile(path, []byte(s.archive.format()), 0o644); err != nil {
					t.Fatal(err)
				}
			} else {
				for _, f := range files {
					if text, ok := want[f.Name]; !ok || text != f.Data {
						t.Errorf("%s: got\n%s\nwant\n%s", f.Name, f.Data, text)
					}
					delete(want, f.Name)
				}
				var missing []string
				for name := range want {
					missing = append(missing, name)
				}
				if sort.Strings(missing); len(missing) > 0 {
					t.Errorf("the plan lacks %q", missing)
				}
			}
			if len(plan.Refused) > 0 {
				return
			}
			if again := s.carriedOut(plan).plan(); len(again.Parts) > 0 {
				t.Errorf("a second plan is not empty: %v", again.Parts[0].Changes)
			}
		})
	}
}
