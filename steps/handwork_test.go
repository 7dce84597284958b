package steps

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"postern/seen"
	"postern/site"
)

// strange is a site in which nothing is as usual, so that whatever stands in a text of its own is seen.
func strange(t *testing.T, answers ...string) *site.Site {
	t.Helper()
	s := site.Default()
	for _, line := range append([]string{
		"domain=kestrel.test", "domains=heron.test", "hostname=gate.kestrel.test", "host.proxy.ssh=ops@198.51.100.77:2022", "host.mail.ssh=nest",
		"host.proxy.public4=198.51.100.77", "tunnel.network=10.77.0.0/24", "tunnel.interface=wg7", "tunnel.port=4001",
		"ports.smtp=4002", "ports.http=4003", "ports.https=4004", "ports.submissions=4009", "ports.submission=4005", "ports.imaps=4006", "ports.relay=4007", "ports.web=4008",
	}, answers...) {
		answer(t, s, line)
	}
	return s
}

// byHandTasks are the tasks of every chapter for a person; those of the DNS are measured.
func byHandTasks(t *testing.T, s *site.Site) []Task {
	t.Helper()
	var tasks []Task
	for _, step := range All() {
		if !step.OfAnswers() {
			continue
		}
		p := step.Plan(s, Look{})
		if !p.Empty() || len(p.LockOut)+len(p.Then) > 0 || len(p.Notes) != 1 {
			t.Errorf("%s is tasks for a person, and plans %s", step.ID, planText(p))
		}
		for _, task := range p.Tasks {
			if !strings.HasPrefix(task.ID, step.ID+".") {
				t.Errorf("%s: the task %s belongs to another chapter by its name", step.ID, task.ID)
			}
		}
		tasks = append(tasks, p.Tasks...)
	}
	w, _ := work(s, Step{})
	if w.mailcow() {
		tasks = append(tasks, w.mailcowTasks(true)...)
	} else {
		tasks = append(tasks, otherMailServer(w)...)
	}
	return append(append(tasks, w.mailServerTask(seen.Mailer{})), webTasks(s)...)
}

var (
	usualPort = regexp.MustCompile(`\b(25|80|443|465|587|993|2526|8443|51820)\b`)
	ofOurs    = regexp.MustCompile(`example\.(org|com|net)|203\.0\.113|\b10\.0\.0\.|\bwg0\b`)
)

// The texts say this site's own names, addresses and ports, and none of anybody else's.
func TestTasksByHandAreOfThisSite(t *testing.T) {
	for name, answers := range map[string][]string{
		"usual": nil, "plain": {"mail.kind=plain"}, "direct": {"mail.path=direct"}, "existing": {"web.kind=existing"}, "plain and existing": {"mail.kind=plain", "web.kind=existing", "web.mtasts=testing"},
		"all": {"mail.kind=plain", "mail.path=direct", "web.kind=existing", "mail.lan=192.168.7.0/24"}, "home": {"mail.lan=192.168.7.0/24"},
	} {
		t.Run(name, func(t *testing.T) {
			seen := map[string]bool{}
			s := strange(t, answers...)
			for _, task := range byHandTasks(t, s) {
				if seen[task.ID] {
					t.Errorf("two tasks are %s", task.ID)
				}
				seen[task.ID] = true
				all := task.Title + "\n" + task.Text + "\n" + task.Copy
				for _, line := range strings.Split(all, "\n") {
					if n := utf8.RuneCountInString(line); n > 100 {
						t.Errorf("%s: a line has %d columns: %s", task.ID, n, line)
					}
				}
				if m := usualPort.FindString(all); m != "" {
					t.Errorf("%s names the port %s, which is none of this site", task.ID, m)
				}
				if m := ofOurs.FindString(all); m != "" {
					t.Errorf("%s says %s, which is nothing of this site", task.ID, m)
				}
				if m := blankWord.FindString(strings.ReplaceAll(all, "%EMAILADDRESS%", "")); m != "" { // which mail programs fill in
					t.Errorf("%s: %s is not filled in", task.ID, m)
				}
				measured := strings.HasPrefix(task.ID, "dns.") && !strings.HasPrefix(task.ID, "dns.strict.") || task.ID == "caddy.nginx" || task.ID == "caddy.apache" ||
					strings.HasPrefix(task.ID, "caddy.mtasts.") || task.ID == "mailcow.admin" || task.ID == "mailcow.domains" && s.Mail.Kind == "mailcow"
				if task.Title == "" || task.Text == "" || measured != (task.Check != "") {
					t.Errorf("%s has no text, or claims to be measured: %+v", task.ID, task)
				}
			}
		})
	}
}

// Each can be marked as done, and the mark survives the answers' way to a host and back.
func TestTasksByHandCanBeMarked(t *testing.T) {
	s := strange(t)
	tasks := byHandTasks(t, s)
	for _, task := range append(tasks, hosterTasks(s, s.Host("proxy"), seen.Host{})...) {
		if err := s.Mark(task.ID, "2026-11-21"); err != nil {
			t.Error(err)
		}
	}
	text, err := site.Render(s)
	if err != nil {
		t.Fatal(err)
	}
	back, err := site.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		if back.Done[task.ID] == "" {
			t.Errorf("the mark of %s is lost", task.ID)
		}
	}
}

// What is to be copied into a shell is at least a script, and asks for nothing that makes an open relay.
func TestCopiesAreScripts(t *testing.T) {
	n := 0
	for _, answers := range [][]string{nil, {"mail.kind=plain"}, {"web.kind=existing"}} {
		for _, task := range byHandTasks(t, strange(t, answers...)) {
			if strings.Contains(task.Copy, "mynetworks") && !strings.Contains(task.Copy, "mynetworks = 127.0.0.0/8 [::1]/128") {
				t.Errorf("%s widens mynetworks:\n%s", task.ID, task.Copy)
			}
			if !strings.HasPrefix(task.Copy, "# on ") {
				continue
			}
			n++
			cmd := exec.Command("sh", "-n")
			cmd.Stdin = strings.NewReader(task.Copy + "\n")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s is no script: %v %s\n%s", task.ID, err, out, task.Copy)
			}
		}
	}
	if n < 5 {
		t.Errorf("only %d scripts were looked at", n)
	}
}

// Without the answers they are made of, one task says which; a layout that has no such chapter has none.
func TestTasksByHandWithoutAnswers(t *testing.T) {
	for _, step := range All() {
		if !step.OfAnswers() {
			continue
		}
		p := step.Plan(site.Default(), Look{})
		if len(p.Tasks) != 1 || p.Tasks[0].ID != step.ID+".answers" || !strings.Contains(p.Tasks[0].Copy, "--set domain=NAME --set hostname=NAME") {
			t.Errorf("%s without answers: %+v", step.ID, p.Tasks)
		}
		s := strange(t)
		s.Layout = "toaster"
		s.Fit()
		s.Hosts[0].Name = "mx"
		for _, task := range step.Plan(s, Look{}).Tasks {
			if text := task.Title + task.Text + task.Copy; strings.Contains(text, "proxy") || strings.Contains(text, "tunnel") || strings.Contains(text, s.Tunnel.Mail.String()) {
				t.Errorf("%s for jails: %+v", step.ID, task)
			}
		}
	}
}

// One name has one SPF record, also where the mail host is named like the domain (RFC 7208, 4.5).
func TestOneSPFRecordForEachName(t *testing.T) {
	s := strange(t, "hostname=kestrel.test")
	count := map[string]int{}
	for _, task := range byHandTasks(t, s) {
		if strings.HasPrefix(task.ID, "dns.strict") {
			continue // in place of the first
		}
		for _, line := range strings.Split(task.Copy, "\n") {
			if name, rest, ok := strings.Cut(line, ". 300 IN TXT "); ok && strings.HasPrefix(rest, `"v=spf1`) {
				count[name]++
			}
		}
	}
	if len(count) != 2 || count["kestrel.test"] != 1 || count["heron.test"] != 1 {
		t.Errorf("SPF records: %v", count)
	}
}
