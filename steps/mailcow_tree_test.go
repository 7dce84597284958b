package steps

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

// TestMailcowTree reads and plans over a real checkout of Mailcow that was configured (generate_config.sh), and has Compose say what it would
// publish then. Run it by: make mailcow TREE=DIR. Nothing of the tree is changed, and Docker need not run.
func TestMailcowTree(t *testing.T) {
	tree := os.Getenv("POSTERN_MAILCOW")
	if tree == "" {
		t.Skip("skipped: no checkout of Mailcow is named (make mailcow TREE=DIR)")
	}
	dir := filepath.Join(t.TempDir(), "tree")
	for _, name := range []string{"docker-compose.yml", "mailcow.conf"} {
		text, err := os.ReadFile(filepath.Join(tree, name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(text))
	}
	if err := os.Symlink("mailcow.conf", filepath.Join(dir, ".env")); err != nil {
		t.Fatal(err)
	}
	s := site.Default()
	s.Domain, s.Hostname = "example.org", "mail.example.org"
	mail := s.Host("mail")
	look := func() seen.Mailcow {
		t.Helper()
		q := seen.OfMailcow.Query(s, mail)
		out, err := exec.Command("sh", "-c", strings.ReplaceAll(q.Run, seen.MailcowDir, dir)).Output()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		now, err := seen.OfMailcow.Of(remote.Facts{Answers: map[string]remote.Answer{q.ID: {Out: string(out)}}})
		if err != nil || len(now.Publishes) < 5 {
			t.Fatalf("%v; it publishes %v", err, now.Publishes)
		}
		return now
	}
	now := look()
	t.Logf("Compose %s; %d ports, %s", now.Compose, len(now.Publishes), now.Set["MAILCOW_HOSTNAME"])
	text, err := os.ReadFile(filepath.Join(dir, "mailcow.conf"))
	if err != nil {
		t.Fatal(err)
	}
	is, known := string(text), 0
	for _, key := range mailcowKeys(s, mail, now) {
		if strings.Contains("\n"+is, "\n"+key.Name+"=") {
			known++
		} else {
			t.Errorf("mailcow.conf does not know %s", key.Name)
		}
		is = does.Assignments.Put(is, key)
	}
	write(t, filepath.Join(dir, "mailcow.conf"), is)
	if lost := strings.Count(string(text), "\n") - strings.Count(is, "\n"); lost != 0 {
		t.Errorf("the settings have %d lines fewer", lost)
	}
	for _, p := range look().Publishes {
		t.Logf("%s publishes %s:%d/%s", p.Container, p.Addr, p.First, p.Proto)
		if !p.Addr.IsLoopback() && p.Addr != s.Tunnel.Mail {
			t.Errorf("%d of %s is on %s", p.First, p.Container, p.Addr)
		}
	}
	if _, err := os.Stat(filepath.Join(tree, "data/conf/postfix/main.cf")); err != nil {
		t.Errorf("its Postfix is set elsewhere: %v", err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
