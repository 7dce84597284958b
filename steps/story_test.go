package steps

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"postern/remote"
	"postern/seen"
	"postern/site"
)

var update = flag.Bool("update", false, "write the golden plans anew")

// A story is a txtar file: "site" has the answers, "step" the step's ID; each stage N has facts ("N/HOST/QUERY"), sets of
// facts to take from testdata/facts ("N/use") and the plan they must lead to ("N/plan"). Facts and files stay from one
// stage to the next, and what a plan writes is there in the next. The last stage must find everything in place, or refuse.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/stories/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { tell(t, file) })
	}
}

func tell(t *testing.T, file string) {
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := site.Default()
	var step Step
	facts := map[string]map[string]string{}
	for _, f := range ar.Files {
		switch f.Name {
		case "site":
			answer(t, s, string(f.Data))
		case "step":
			step, _ = Find(strings.TrimSpace(string(f.Data)))
		}
	}
	last := Plan{}
	for n := 1; ; n++ {
		prefix := fmt.Sprintf("%d/", n)
		golden := -1
		for i, f := range ar.Files {
			name, ok := strings.CutPrefix(f.Name, prefix)
			switch {
			case !ok:
			case name == "plan":
				golden = i
			case name == "use":
				for _, set := range strings.Fields(string(f.Data)) {
					use(t, facts, set)
				}
			default:
				put(facts, name, string(f.Data))
			}
		}
		if golden < 0 {
			break
		}
		found, _ := Detect(s, lookAt(s, facts))
		last = step.Plan(found, lookAt(s, facts, step.Reads))
		readable(t, last)
		for _, task := range last.Tasks {
			if !slices.Contains(TaskIDs(found), task.ID) {
				t.Errorf("stage %d: the task %s is not in the list of all", n, task.ID)
			}
		}
		got := planText(last)
		if want := string(ar.Files[golden].Data); got != want {
			if *update {
				ar.Files[golden].Data = []byte(got)
			} else {
				t.Errorf("stage %d: got\n%s\nwant\n%s", n, got, want)
			}
		}
		for _, part := range last.Parts {
			for _, c := range part.Changes {
				if c.Path != "" && c.New == nil {
					delete(facts[part.Host], c.Path)
				} else if c.Path != "" {
					put(facts, part.Host+"/"+c.Path, c.New.Text)
				}
			}
		}
	}
	if len(last.Parts) > 0 {
		t.Errorf("the last stage still has something to change")
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func answer(t *testing.T, s *site.Site, text string) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		key, value, _ := strings.Cut(line, "=")
		if err := site.Set(s, strings.TrimSpace(key), strings.TrimSpace(value)); err != nil {
			t.Fatal(err)
		}
	}
}

func put(facts map[string]map[string]string, name, text string) {
	host, id, _ := strings.Cut(name, "/")
	if facts[host] == nil {
		facts[host] = map[string]string{}
	}
	facts[host][id] = text
}

func use(t testing.TB, facts map[string]map[string]string, set string) {
	t.Helper()
	ar, err := txtar.ParseFile("testdata/facts/" + set + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range ar.Files {
		put(facts, f.Name, string(f.Data))
	}
}

// lookAt answers the queries from the facts: a file without a text is absent, and a snippet prints the sections that are
// there ("tunnel.peers").
func lookAt(s *site.Site, facts map[string]map[string]string, reads ...func(*site.Site, *site.Host) []remote.Query) Look {
	look := Look{}
	for _, h := range s.Hosts {
		if facts[h.Name] == nil {
			continue
		}
		f := remote.Facts{Host: h.Name, At: time.Unix(1795253356, 0), Answers: map[string]remote.Answer{}}
		queries := seen.HostReads(s, h)
		for _, read := range reads {
			if read != nil {
				queries = append(queries, read(s, h)...)
			}
		}
		for _, q := range queries {
			text, ok := facts[h.Name][q.ID]
			switch {
			case q.File == "":
				f.Answers[q.ID] = sectioned(q.ID, facts[h.Name])
			case !ok:
				f.Answers[q.ID] = remote.Answer{Code: 1}
			case strings.HasPrefix(q.File, "/etc/systemd/"), strings.HasPrefix(q.File, "/etc/caddy/"), strings.HasPrefix(q.File, "/opt/"), strings.HasPrefix(q.File, "/etc/postern/"), strings.HasPrefix(q.File, "/etc/dovecot/"):
				f.Answers[q.ID] = remote.Answer{Out: text, Mode: 0o644, Owner: "root:root"}
			case strings.HasPrefix(q.File, "/usr/local/sbin/"):
				f.Answers[q.ID] = remote.Answer{Out: text, Mode: 0o755, Owner: "root:root"}
			default:
				f.Answers[q.ID] = remote.Answer{Out: text, Mode: 0o600, Owner: "root:root"}
			}
		}
		look[h.Name] = f
	}
	return look
}

// sectioned is the answer to a query of a fact, made of its sections.
func sectioned(query string, sections map[string]string) remote.Answer {
	if whole, is := sections[query]; whole == "no\n" && strings.HasPrefix(query, "command ") {
		return remote.Answer{Code: 1}
	} else if is {
		return remote.Answer{Out: whole}
	}
	fact, _, _ := strings.Cut(query, " ")
	text := map[string]string{"rules": "== v4\n== v6\n", "tunnel": "== down\n"}[fact]
	if sections["tunnel.link"] != "" && fact == "tunnel" {
		text = ""
	}
	for _, key := range slices.Sorted(maps.Keys(sections)) {
		if name, ok := strings.CutPrefix(key, fact+"."); ok && sections[key] != "" {
			text += "== " + name + "\n" + sections[key]
		}
	}
	return remote.Answer{Out: text + "== end\n"}
}

func planText(p Plan) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	for _, r := range p.Refused {
		line("refused: %s", r)
	}
	for _, r := range p.LockOut {
		line("lock-out: %s", r)
	}
	for _, n := range p.Notes {
		kind := "note"
		if n.Warn {
			kind = "warn"
		}
		line("%s %s: %s", kind, n.Host, n.Text)
	}
	for _, one := range p.After {
		line("after: %s", one)
	}
	for _, part := range p.Parts {
		kind := "guarded"
		if part.Inert {
			kind = "inert"
		}
		line("part %s, %s", part.Host, kind)
		for _, c := range part.Changes {
			line("  %s: %s [%s]", c.ID, c.Title, c.Risk)
			if c.Path != "" && c.New == nil {
				line("    file %s goes", c.Path)
				indent(&b, "old", fileText(c.Old))
			} else if c.Path != "" {
				line("    file %s %o %s%s", c.Path, c.New.Mode, c.New.Owner, map[bool]string{true: ", in turn"}[c.InTurn])
				indent(&b, "old", fileText(c.Old))
				indent(&b, "new", fileText(c.New))
			}
			if !strings.HasSuffix(c.ID, ".packages") {
				indent(&b, "do", c.Do)
			}
			indent(&b, "keep", c.Keep)
			indent(&b, "undo", c.Undo)
		}
	}
	for _, t := range p.Then {
		line("then: %s", t)
	}
	for _, t := range p.Tasks {
		line("task %s: %s (check %q)", t.ID, t.Title, t.Check)
		indent(&b, "text", t.Text)
		indent(&b, "copy", t.Copy)
	}
	if p.Empty() {
		line("in place")
	}
	return b.String()
}

func fileText(f *remote.File) string {
	if f == nil {
		return "(absent)"
	}
	return f.Text
}

func indent(b *strings.Builder, what, text string) {
	if text == "" {
		return
	}
	for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		fmt.Fprintf(b, "    %s| %s\n", what, l)
	}
}
