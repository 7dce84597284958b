package steps

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"postern/remote"
	"postern/site"
)

var updateStories = flag.Bool("update-firewall", false, "write what the firewall stories come to into their files")

// story is one host as it was found, the answers, and what must come of them.
type story struct {
	path    string
	archive *archive
	host    string
	site    *site.Site
	found   remote.Facts
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
		"seen.system": "Linux\nsystemd\n", "seen.release": "ID=debian\nVERSION_ID=\"12\"\n", "seen.addresses": addr,
		"seen.routes": "default via 203.0.113.1 dev eth0 \n", "seen.ssh": "connection " + connection + "\nport 22\n", "seen.listeners": "", "seen.memory": "",
		"seen.disk": "", "seen.tools": "ufw\niptables\n", "seen.module": "yes\n", "seen.clock": "1\n",
		"ufw.save4": "", "ufw.save6": "", "ufw.other": "", "ufw.services": "", "ufw.unit": "enabled\n", "ufw.way": connection + "\n" + addr,
		"ufw.sysctl": "net/ipv4/conf/all/accept_redirects 1\nnet/ipv4/conf/all/log_martians 0\n", "firewall.sysctl": "ipv4/ip_forward 0\nipv4/conf/all/accept_redirects 0\nipv6/conf/all/forwarding 0\nipv6/conf/eth0/accept_ra 1\n",
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
	modes := map[string]uint32{"/etc/ufw/before.init": 0o640, "/etc/ufw/postern.init": 0o750}
	for _, line := range strings.Split(s.archive.Comment, "\n") {
		w := strings.Fields(line)
		switch {
		case len(w) == 2 && w[0] == "host":
			s.host = w[1]
		case len(w) == 3 && w[0] == "mode":
			var m uint32
			fmt.Sscanf(w[2], "%o", &m)
			modes[w[1]] = m
		case len(w) > 2 && w[0] == "set":
			set(t, s.site, w[1], strings.Join(w[2:], " "))
		}
	}
	answers := usual(s.host)
	for _, f := range s.archive.Files {
		if name, ok := strings.CutPrefix(f.Name, "before/"); ok {
			if strings.HasPrefix(name, "etc/") {
				name = "/" + name
			}
			answers[name] = f.Data
		}
	}
	s.found = remote.Facts{Host: s.host, Answers: map[string]remote.Answer{"/etc/sysctl.d/60-postern.conf": {Code: 1}, "/etc/ufw/postern.init": {Code: 1}}}
	for id, text := range answers {
		a := remote.Answer{Out: text}
		if strings.HasPrefix(id, "/") {
			a.Owner, a.Mode = "root:root", 0o640
			if m := modes[id]; m != 0 {
				a.Mode = os.FileMode(m)
			}
		}
		s.found.Answers[id] = a
	}
	return s
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

func (s story) plan(found remote.Facts) Plan {
	filled, _ := Detect(s.site, Look{s.host: found})
	plan := Plan{Step: "firewall"}
	planHostFirewall(filled, filled.Host(s.host), See(found), found, &plan)
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
			switch {
			case c.Path == "":
				add(c.ID+".do", c.Do+c.Keep)
				add(c.ID+".undo", c.Undo)
			case c.New == nil:
				add("gone"+c.Path, "")
			default:
				add(fmt.Sprintf("%o%s", c.New.Mode, c.Path), c.New.Text)
				if c.Do != "" {
					add(c.ID+".do", c.Do)
					add(c.ID+".undo", c.Undo)
				}
			}
		}
	}
	return files
}

// carriedOut gives the facts of the host after the plan: its files, and the rules that the files load.
func carriedOut(found remote.Facts, plan Plan) remote.Facts {
	out := remote.Facts{Host: found.Host, Answers: map[string]remote.Answer{}}
	for k, v := range found.Answers {
		out.Answers[k] = v
	}
	for _, part := range plan.Parts {
		for _, c := range part.Changes {
			switch {
			case c.Path == "":
			case c.New == nil:
				out.Answers[c.Path] = remote.Answer{Code: 1}
			default:
				out.Answers[c.Path] = remote.Answer{Out: c.New.Text, Mode: c.New.Mode, Owner: c.New.Owner}
			}
			if c.ID == "firewall.unit" {
				out.Answers["ufw.unit"] = remote.Answer{Out: "enabled\n"}
			}
			if c.Path == sysctlFile {
				out.Answers[forwardRead] = remote.Answer{Out: "ipv4/ip_forward 1\nipv6/conf/all/forwarding 1\nipv6/conf/eth0/accept_ra 2\n"}
			}
		}
	}
	for i, id := range []string{"ufw.save4", "ufw.save6"} {
		rules, prefix := out.Answers[[]string{"/etc/ufw/user.rules", "/etc/ufw/user6.rules"}[i]].Out, []string{"ufw", "ufw6"}[i]
		text := "*filter\n:INPUT DROP [0:0]\n:" + prefix + "-before-input - [0:0]\n" + strings.TrimPrefix(rules, "*filter\n")
		own := out.Answers["/etc/ufw/postern.init"].Out
		if _, body, ok := strings.Cut(own, []string{"load_iptables() {", "load_ip6tables() {"}[i]); ok {
			_, body, _ = strings.Cut(body, "<<'RULES'\n")
			body, _, _ = strings.Cut(body, "RULES\n")
			body = strings.Replace(body, "*nat\n", "*nat\n-A PREROUTING -j postern-pre\n-A POSTROUTING -j postern-post\n", 1)
			text += strings.Replace(body, "*mangle\n", "*mangle\n-A FORWARD -j postern-mss\n", 1)
		}
		out.Answers[id] = remote.Answer{Out: text}
	}
	return out
}

func TestFirewallStories(t *testing.T) {
	paths, _ := filepath.Glob("testdata/firewall/*.txtar")
	if len(paths) < 10 {
		t.Fatalf("only %d stories were found", len(paths))
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			s := readStory(t, path)
			plan := s.plan(s.found)
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
			if again := s.plan(carriedOut(s.found, plan)); len(again.Parts) > 0 {
				t.Errorf("a second plan is not empty: %v", again.Parts[0].Changes)
			}
		})
	}
}
