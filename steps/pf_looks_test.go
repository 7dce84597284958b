package steps

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/remote"
	"postern/saved"
	"postern/seen"
	"postern/site"
)

// writeLooks writes the answers and the hosts of a story as files that "postern plan" reads, for who wants to see with it what the story
// says: NAME.toml, and one look for each host. What no story tells of a host is as on one that was just installed.
func (s story) writeLooks(t *testing.T, dir string) {
	t.Helper()
	name := filepath.Join(dir, strings.TrimSuffix(filepath.Base(s.path), ".txtar"))
	answers := site.NewFile(name+".toml", s.site.Clone())
	answers.Site.Fit()
	for _, h := range answers.Site.Hosts {
		set(t, answers.Site, "host."+h.Name+".ssh", "root@"+h.Name+".example")
	}
	if err := answers.Save(); err != nil {
		t.Fatal(err)
	}
	written, err := site.Load(name + ".toml")
	if err != nil {
		t.Fatal(err)
	}
	hosts, look := map[string]story{}, Look{}
	for _, h := range written.Site.Hosts {
		one := s
		if one.site = written.Site; h.Name != s.host {
			one.host, one.found = h.Name, usualBSD(h.Name, s.release)
		}
		hosts[h.Name], look[h.Name] = one, one.facts()
	}
	filled, _ := Detect(written.Site, look)
	for host, one := range hosts {
		l := &saved.Look{Host: host, Role: written.Site.Host(host).Role, By: "a story"}
		for _, asked := range []*site.Site{written.Site, filled} {
			queries := append(seen.HostReads(asked, asked.Host(host)), remote.ReadFile(remote.AnswersPath), remote.ReadStatus)
			for _, step := range All() {
				if step.Reads != nil && len(step.Lacks(asked)) == 0 {
					queries = append(queries, step.Reads(asked, asked.Host(host))...)
				}
			}
			facts := remote.Facts{Host: host, At: time.Unix(1790000000, 0), Answers: map[string]remote.Answer{}}
			for _, q := range queries {
				text, there := one.found[q.ID]
				switch {
				case q == remote.ReadStatus:
					facts.Answers[q.ID] = remote.Answer{}
				case q.File == "":
					facts.Answers[q.ID] = sectioned(q.ID, one.found)
				case !there:
					facts.Answers[q.ID] = remote.Answer{Code: 1}
				default:
					facts.Answers[q.ID] = look[host].Answers[q.ID]
					if _, had := look[host].Answers[q.ID]; !had {
						facts.Answers[q.ID] = remote.Answer{Out: text, Owner: "root:root", Mode: 0o644}
					}
				}
			}
			l.Add(queries, facts)
		}
		text, _, err := l.Text([]byte("a story"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name+"."+host+".look", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
