//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// mailcowOwn are the files of Mailcow's that are changed.
var mailcowOwn = []string{"mailcow.conf", "data/conf/postfix/extra.cf", "data/conf/postfix/custom_postscreen_whitelist.cidr"}

// TestMailcow: a Mailcow that has run for a year on all addresses, with certificates of its own, comes behind the tunnel with all its mail; what
// breaks it is named; and undone it is as it was.
func TestMailcow(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"haraka", "direct"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			if path == "direct" {
				needTorture(t)
			}
			m := newMailed(t, path, Options{Suite: "trixie", Mail: "mailcow"})
			own, ports := m.ownFiles(), m.published()
			if !slices.Contains(ports, "0.0.0.0:25") || !slices.Contains(ports, "0.0.0.0:993") {
				t.Fatalf("it does not stand open: %q", ports)
			}
			old := letter{from: "laptop", to: "192.168.50.2:25", sender: "zoe@registrar.test", rcpt: mailUser, word: "a-year-ago"}
			if err := old.send(t.Context(), m.l); err != nil {
				t.Fatal(err)
			}
			m.l.inbox(t, "192.168.50.2", "a-year-ago")

			m.hidden()
			m.another()
			m.settled()
			for _, at := range m.published() {
				if !strings.HasPrefix(at, "10.0.0.2:") && !strings.HasPrefix(at, "127.0.0.1:") {
					t.Errorf("Mailcow listens on %s", at)
				}
			}
			m.flows(path, path)
			m.l.inbox(t, "203.0.113.10", "a-year-ago")
			if said := m.run(0, "apply", "--yes"); !strings.Contains(said, "Nothing to change") {
				t.Errorf("a second apply changes something:\n%s", said)
			}
			m.mailcowBreaks()
			if torture() {
				m.updated(path)
				own = nil // the update has written into them, too
			}
			m.slipsNothing()
			m.unhurried()
			m.run(0, "undo", "--all", "--yes", "--accept-risk=lose-ssh")
			if now := m.published(); !slices.Equal(now, ports) {
				t.Errorf("undone it listens on\n%q, and did on\n%q", now, ports)
			}
			for path, text := range own {
				if now := want(t, m.l, "mail", "cat", path); now != text {
					t.Errorf("%s was\n%s\nand is, undone,\n%s", path, text, now)
				}
			}
			if err := m.l.awaitMail(t.Context(), "192.168.50.2"); err != nil {
				t.Error(err)
			}
			m.l.inbox(t, "192.168.50.2", "a-year-ago")
		})
	}
}

var darkFor = regexp.MustCompile(`postfix-mailcow:25 was dark for \d+ s`)

// hidden sets all up at once. The password that everybody knows is named, and takes nothing back.
func (m mailed) hidden() {
	t := m.t.(*testing.T)
	t.Helper()
	if torture() {
		w, stop, done := &watcher{}, make(chan struct{}), make(chan struct{})
		go func() { defer close(done); w.watch(stop) }()
		defer func() {
			close(stop)
			<-done
			for one := range w.said { // its containers have them in their environments, as Mailcow does
				if one.where == "command line" && strings.Contains(one.text, "planted") {
					t.Errorf("a secret of Mailcow's is in a command line of %s, seen by everybody on the host", one.program)
				}
			}
		}()
	}
	said := m.run(1, "apply", "--yes")
	if !darkFor.MatchString(said) || !strings.Contains(said, "confirmed") {
		t.Errorf("it is not said how long nobody took mail:\n%s", said)
	}
	for _, r := range m.checks() {
		if (r.Result == "fail") != (r.ID == "mailcow.admin") {
			t.Errorf("%s from %s is %s: %s", r.ID, r.From, r.Result, r.Saw)
		}
	}
	if strings.Contains(said, "planted") {
		t.Errorf("a secret is shown:\n%s", said)
	}
}

// another gives Mailcow's administrator a password that not everybody knows.
func (m mailed) another() {
	m.t.Helper()
	m.does("mail", "docker exec mailcowdockerized-mysql-mailcow-1 sqlite3 /var/lib/mysql/mailcow.db \"UPDATE admin SET password = '{SSHA256}another'\"")
}

// ownFiles are those files of Mailcow's, by path.
func (m mailed) ownFiles() map[string]string {
	files := map[string]string{}
	for _, name := range mailcowOwn {
		files[mailcowDir+"/"+name] = want(m.t, m.l, "mail", "cat", mailcowDir+"/"+name)
	}
	return files
}

// published are the addresses that Mailcow's containers listen at, sorted.
func (m mailed) published() []string {
	said := want(m.t, m.l, "mail", "sh", "-ec", "docker ps --format '{{.Ports}}'")
	var all []string
	for _, one := range regexp.MustCompile(`([^\s,]+:\d+)->`).FindAllStringSubmatch(said, -1) {
		all = append(all, one[1])
	}
	return slices.Sorted(slices.Values(all))
}

const (
	inTree   = "cd " + mailcowDir + "; "
	restored = inTree + "cp -p /root/mailcow.conf mailcow.conf; docker compose up -d"
)

// mailcowMishaps are what goes wrong with a Mailcow.
var mailcowMishaps = []mishap{
	{"a port on all addresses", "mail", inTree + "sed -i s/^SMTP_PORT=.*/SMTP_PORT=25/ mailcow.conf; docker compose up -d", restored, "mailcow.ports", "is on 0.0.0.0"},
	{"a port on all addresses at the next start", "mail", inTree + "sed -i s/^IMAP_PORT=.*/IMAP_PORT=143/ mailcow.conf", inTree + "cp -p /root/mailcow.conf mailcow.conf", "mailcow.ports", "143/tcp of dovecot-mailcow is on 0.0.0.0"},
	{"IPv6 is on again", "mail", inTree + "sed -i s/^ENABLE_IPV6=.*/ENABLE_IPV6=true/ mailcow.conf", inTree + "cp -p /root/mailcow.conf mailcow.conf", "mailcow.settings", "ENABLE_IPV6 is true, not false"},
	{"a container is stopped", "mail", "docker stop mailcowdockerized-nginx-mailcow-1", "docker start mailcowdockerized-nginx-mailcow-1", "mailcow.containers", "nginx-mailcow is exited"},
	{"a container restarts", "mail", inTree + "mv data/assets/ssl/key.pem /root/; docker restart mailcowdockerized-nginx-mailcow-1; sleep 3", inTree + "mv /root/key.pem data/assets/ssl/; docker compose up -d --force-recreate nginx-mailcow", "mailcow.containers", "nginx-mailcow-1 ends and is started again"},
	{"Docker does not wait for the tunnel", "mail", "mv /etc/systemd/system/docker.service.d/60-postern.conf /root/; systemctl daemon-reload", "mv /root/60-postern.conf /etc/systemd/system/docker.service.d/; systemctl daemon-reload", "tunnel.boot", "Docker does not wait"},
}

// mailcowBreaks has one thing after the other go wrong with Mailcow, and wants each named.
func (m mailed) mailcowBreaks() {
	t := m.t.(*testing.T)
	t.Helper()
	m.does("mail", "cp -p "+mailcowDir+"/mailcow.conf /root/")
	m.breaksBy(mailcowMishaps)

	disk := m.l.dir("mail", "disk")
	var is unix.Statfs_t
	if err := unix.Statfs(disk, &is); err != nil {
		t.Fatal(err)
	}
	sized := func(bytes uint64) {
		t.Helper()
		if err := unix.Mount("", disk, "", unix.MS_REMOUNT, fmt.Sprintf("mode=755,size=%d", bytes)); err != nil {
			t.Fatal(err)
		}
	}
	used := (is.Blocks - is.Bfree) * uint64(is.Bsize)
	sized(used + 300<<20)
	m.names("the disk is full", "mailcow.space", "fail", "GB free on /")
	sized(is.Blocks * uint64(is.Bsize))
	m.does("mail", inTree+"mkdir data/assets/ssl/mail.example.org; touch data/assets/ssl/mail.example.org/domains")
	m.names("a certificate of its own", "mailcow.certificates", "warn", "data/assets/ssl/mail.example.org")
	m.does("mail", inTree+"rm -r data/assets/ssl/mail.example.org")

	// What an update does is put right by the chapter.
	m.does("mail", inTree+"sed -i 's/^SMTP_PORT=.*/SMTP_PORT=25/; s/^ENABLE_IPV6=.*/ENABLE_IPV6=true/' mailcow.conf")
	m.names("settings of an update", "mailcow.settings", "fail", "SMTP_PORT is 25, not 10.0.0.2:25")
	m.run(0, "apply", "--yes")
	m.settled()
}

// names wants a check to say so.
func (m mailed) names(what, id, outcome, says string) {
	t := m.t.(*testing.T)
	t.Helper()
	all := m.checks(id)
	if !slices.ContainsFunc(all, func(r result) bool { return r.Result == outcome && strings.Contains(r.Saw, says) && r.Fix != "" }) {
		t.Errorf("%s: %s does not say %q: %+v", what, id, says, all)
	}
}

// updated runs Mailcow's update: the hook puts our settings back; without it a check names them, and the chapter mends them.
func (m mailed) updated(path string) {
	t := m.t.(*testing.T)
	t.Helper()
	m.does("mail", inTree+"./update.sh")
	m.settled()
	m.does("mail", inTree+"mv post_update_hook.sh /root/; ./update.sh")
	m.names("an update without the hook", "mailcow.settings", "fail", "ENABLE_IPV6 is true")
	m.run(0, "apply", "--yes")
	m.settled()
	if err := m.l.Reboot(t.Context(), "mail"); err != nil {
		t.Fatal(err)
	}
	m.settled()
	m.flows(path, "updated")
}

// slipsNothing looks for Mailcow's secrets in all that the program left at the operator's, and in what it says.
func (m mailed) slipsNothing() {
	t := m.t.(*testing.T)
	t.Helper()
	for _, args := range [][]string{{"--json", "plan"}, {"--json", "check"}, {"plan", "--script"}} {
		if said, _ := m.try(args...); strings.Contains(said, "planted") {
			t.Errorf("%q tells a secret", args)
		}
	}
	files := 0
	err := filepath.WalkDir(m.l.dir("laptop", "home"), func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files++
			if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), "planted") {
				t.Errorf("%s holds a secret", path)
			}
		}
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("%d files at the operator's were read: %v", files, err)
	}
}
