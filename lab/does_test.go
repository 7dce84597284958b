//go:build linux

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/remote"
	"postern/steps/does"
)

// craft is a host of a lab, where a table is put in place and taken back.
type craft struct {
	t     *testing.T
	l     *Lab
	host  string
	table does.Table
	jobs  int
}

// TestThings puts every thing in place on a real host, proves it, takes it back, and lets the worst happen at each.
func TestThings(t *testing.T) {
	t.Parallel()
	suites := []string{"bookworm"}
	if torture() {
		suites = append(suites, "trixie")
	}
	for _, suite := range suites {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			c := &craft{t: t, l: newLab(t, Options{Suite: suite, Docker: true}), host: "mail"}
			if err := c.l.Trust(); err != nil {
				t.Fatal(err)
			}
			c.theirs()
			c.serve()
			all := c.table.Things
			c.table.Things = all[:1] // packages stay, so what they bring is there before and after
			c.settle(does.First)
			c.table.Things = all
			before := c.print()
			c.settle(does.Last)
			c.works("one")
			there := c.print()
			c.changes()
			c.undo()
			c.same("undone", before)
			for _, strike := range strikes() {
				t.Run(strike.String(), func(t *testing.T) {
					c.t = t
					c.strike(strike)
					c.settle(does.Last)
					c.same("done again", there)
					c.undo()
					c.same("undone", before)
				})
			}
		})
	}
}

// theirs is what others have on the host before us.
func (c *craft) theirs() {
	c.t.Helper()
	want(c.t, c.l, "mail", "sh", "-ec", `mkdir -p /etc/theirs
printf '[main]\nport=1\n\n; x\n[other]\nport=2\n' >/etc/theirs/app.ini
printf "# c\nA=1\nB='x\ny'\n" >/etc/theirs/default
printf 'relayhost =\n  [old]\n# end' >/etc/theirs/main.cf
printf 'a\nz' >/etc/theirs/shared
echo registry=http://`+mirrorAddr+`/files/ >/etc/npmrc
printf '[Service]\nExecStart=/usr/bin/tail -f /dev/null\n[Install]\nWantedBy=multi-user.target\n' >/etc/systemd/system/old.service
systemctl daemon-reload; systemctl enable -q --now old.service`)
}

// serve makes the lab's server a registry of packages, and a place to fetch a file from; the table names both by hash.
func (c *craft) serve() {
	c.t.Helper()
	put := func(name string, text []byte) {
		if err := os.MkdirAll(c.l.dir("files", name[:strings.LastIndex(name, "/")+1]), 0o755); err != nil {
			c.t.Fatal(err)
		}
		if err := os.WriteFile(c.l.dir("files", name), text, 0o644); err != nil {
			c.t.Fatal(err)
		}
	}
	const server = "http://" + mirrorAddr + "/files/"
	pkg := npmPackage(c.t, `const text = require("fs").readFileSync("/etc/app/own.conf")
require("net").createServer(s => s.end(text)).listen(4100, "127.0.0.1")`)
	put("app/-/app-1.0.0.tgz", pkg)
	hash := sha512.Sum512(pkg)
	tool := []byte(strings.Repeat("what is fetched\n", 100_000))
	put("tool", tool)
	sum := sha256.Sum256(tool)
	c.table = does.Table{Step: "app", Things: []does.Thing{
		does.Packages{"npm"},
		does.User{Name: "app"},
		does.Dir{Path: "/var/lib/app/queue", Owner: "app:app", Mode: 0o700},
		does.Download{URL: server + "tool", Path: "/opt/tool/tool", Size: int64(len(tool)), SHA256: hex.EncodeToString(sum[:]), Plain: true},
		does.Npm{Dir: "/opt/app/1.0", Lock: `{"name":"app","lockfileVersion":3,"requires":true,"packages":{"":{"dependencies":{"app":"1.0.0"}},
"node_modules/app":{"version":"1.0.0","resolved":"https://packages.example.org/app/-/app-1.0.0.tgz","integrity":"sha512-` + base64.StdEncoding.EncodeToString(hash[:]) + `"}}}
`},
		does.File{Path: "/etc/app/own.conf", Text: "one\n", Owner: "app:app", Mode: 0o640},
		does.Keys{Path: "/etc/theirs/app.ini", Syntax: does.Ini, Set: []does.Key{{Section: "main", Name: "port", Value: "25"}}},
		does.Keys{Path: "/etc/theirs/default", Syntax: does.Assignments, Set: []does.Key{{Name: "B", Value: "2"}}},
		does.Keys{Path: "/etc/theirs/main.cf", Syntax: does.MainCF, Set: []does.Key{{Name: "relayhost", Value: "[10.0.0.1]:26"}}},
		does.Block{Path: "/etc/theirs/shared", Text: "ours\n"},
		does.Command{ID: "index", Title: "make an index", Test: "[ -e /etc/app/index ]", Do: "sha256sum </etc/app/own.conf >/etc/app/index",
			Undo: "rm -f /etc/app/index", Config: []string{"/etc/app/own.conf"}},
		does.Unit{Name: "app.service", Config: []string{"/etc/app/"}, Text: "[Service]\nUser=app\nExecStart=/usr/bin/node /opt/app/1.0/node_modules/app\n[Install]\nWantedBy=multi-user.target\n"},
		does.Unit{Name: "docker.service", Config: []string{"/etc/app/own.conf"}, Reload: true},
		does.Unit{Name: "ssh.service", File: "/etc/systemd/system/ssh.service.d/60-app.conf", Text: "[Unit]\nAfter=app.service\n", Starts: does.ByOthers},
		does.Unit{Name: "old.service", Starts: does.Never},
		does.File{Path: "/srv/stack/docker-compose.yml", Text: "version: '3'\nservices:\n  web:\n    image: lab/base\n    stop_grace_period: 0s\n    restart: always\n    command: [perl, -e, 'sleep 9 while 1']\n"},
		does.Compose{Dir: "/srv/stack", Project: "stack"},
	}}
}

// npmPackage is a package of one script, as a registry has it.
func npmPackage(t *testing.T, script string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, text := range map[string]string{"package/package.json": `{"name":"app","version":"1.0.0","scripts":{"install":"touch /etc/app-script-ran"}}`, "package/index.js": script} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (c *craft) login() *remote.Session {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	n, err := nodeNamed(c.host)
	if err != nil {
		c.t.Fatal(err)
	}
	address, _, _ := strings.Cut(n.addrs[0], "/")
	s, err := remote.Connect(ctx, remote.Target{Name: c.host, SSH: "root@" + address},
		remote.Options{Home: c.l.dir("laptop", "home"), User: "root", Dial: from{c.l, "laptop"}})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { s.Close() })
	return s
}

func (c *craft) plan(s *remote.Session) (does.Stage, []remote.Change) {
	c.t.Helper()
	f, err := s.Facts(c.t.Context(), c.table.Reads())
	if err != nil {
		c.t.Fatal(err)
	}
	stage, changes, err := c.table.Plan(f)
	if err != nil {
		c.t.Fatal(err)
	}
	return stage, changes
}

// make makes changes as the driver does: jobs by themselves, others confirmed over a new login.
func (c *craft) make(s *remote.Session, guarded bool, changes []remote.Change) error {
	c.t.Helper()
	c.jobs++
	id, start := fmt.Sprintf("things%d", c.jobs), time.Now()
	defer func() { c.t.Logf("%s: %d changes in %s", id, len(changes), time.Since(start).Round(time.Millisecond)) }()
	if !guarded {
		return s.Prepare(c.t.Context(), id, changes, nil)
	}
	if err := s.Begin(c.t.Context(), remote.Transaction{ID: id, Operator: "ann", Deadline: 30 * time.Second, Changes: changes}, nil); err != nil {
		return err
	}
	return c.login().Confirm(c.t.Context(), id, nil)
}

// settle puts the stages up to one in place, and wants that nothing is left to do in them.
func (c *craft) settle(upto does.Stage) {
	c.t.Helper()
	s := c.login()
	var err error
	if poll(c.t.Context(), 2*time.Minute, func() bool { err = s.Tidy(c.t.Context()); return err == nil }) != nil { // a watchdog may still be awake
		c.t.Fatal(err)
	}
	for range 4 {
		stage, changes := c.plan(s)
		if len(changes) == 0 || stage > upto {
			return
		}
		if err := c.make(s, stage == does.Guarded, changes); err != nil {
			c.t.Fatal(err)
		}
	}
	_, changes := c.plan(s)
	c.t.Fatalf("planned again and again: %s: %s", changes[0].ID, changes[0].Title)
}

// works wants the service to run as its user with what its file says, and the container to be up.
func (c *craft) works(text string) {
	c.t.Helper()
	var got string
	err := poll(c.t.Context(), 30*time.Second, func() bool {
		conn, err := c.l.Dial(c.t.Context(), "mail", "tcp", "127.0.0.1:4100")
		if err != nil {
			return false
		}
		defer conn.Close()
		b, _ := io.ReadAll(conn)
		got = strings.TrimSpace(string(b))
		return true
	})
	if err != nil || got != text {
		c.t.Fatalf("the service says %q, %v; want %q", got, err, text)
	}
	if out := want(c.t, c.l, "mail", "sh", "-c", `ps -o user= -C node; docker ps --format '{{.Image}} {{.State}}'; systemctl is-active old; ls /etc/app-script-ran 2>&1; :`); out != "app\nlab/base running\ninactive\nls: cannot access '/etc/app-script-ran': No such file or directory" {
		c.t.Fatalf("on the host:\n%s", out)
	}
}

// changes has what a unit reads change: it restarts, what does not read it goes on, and both ways nothing else is done.
func (c *craft) changes() {
	c.t.Helper()
	i := slices.IndexFunc(c.table.Things, func(t does.Thing) bool { f, ok := t.(does.File); return ok && f.Path == "/etc/app/own.conf" })
	f := c.table.Things[i].(does.File)
	for _, text := range []string{"two", "one"} {
		f.Text = text + "\n"
		c.table.Things[i] = f
		s := c.login()
		_, changes := c.plan(s)
		var ids []string
		for _, change := range changes {
			ids = append(ids, change.ID)
		}
		if got := strings.Join(ids, " "); got != "app.file.etc.app.own.conf app.index app.unit.app.service.run app.unit.docker.service" {
			c.t.Errorf("a changed file changes %s", got)
		}
		if err := c.make(s, true, changes); err != nil {
			c.t.Fatal(err)
		}
		c.works(text)
	}
}

// undo takes everything back but packages: what was guarded first, then the jobs.
func (c *craft) undo() {
	c.t.Helper()
	s := c.login()
	records, err := s.Recorded(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	var reads []remote.Query
	for _, r := range records {
		if r.Path != "" {
			reads = append(reads, remote.ReadFile(r.Path))
		}
	}
	f, err := s.Facts(c.t.Context(), reads)
	if err != nil {
		c.t.Fatal(err)
	}
	var guarded, jobs []remote.Change
	for _, r := range slices.Backward(records) {
		current, _ := f.File(r.Path)
		switch change := r.Restore(current); {
		case !r.Inert:
			guarded = append(guarded, change)
		case r.Undo != "" || r.Path != "":
			change.Undo = ""
			jobs = append(jobs, change)
		}
	}
	for i, list := range [][]remote.Change{guarded, jobs} {
		if len(list) > 0 {
			if err := c.make(s, i == 0, list); err != nil {
				c.t.Fatal(err)
			}
		}
	}
}

// print is the host with all that the table touches. The tools that make users keep copies of what was before the last of them.
func (c *craft) print() string {
	c.t.Helper()
	return typed(c.t, c.l, c.host, "fingerprint.sh") + want(c.t, c.l, c.host, "sh", "-c", `find /opt /srv /var/lib/app -printf 'thing %p %m %u:%g %l\n' 2>/dev/null | sort
find /opt /srv -type f -exec sha256sum {} + | sort -k 2; ls -A /root
command -v docker >/dev/null || exit 0
docker ps -a --format 'container {{.Names}} {{.Image}}'; docker network ls --format 'network {{.Name}}'`)
}

func (c *craft) same(what, was string) {
	c.t.Helper()
	for _, line := range difference(was, c.print()) {
		switch f := strings.Fields(line); {
		case slices.ContainsFunc([]string{"passwd-", "group-", "shadow-", "gshadow-"}, func(s string) bool { return len(f) > 2 && f[2] == "/etc/"+s }):
		case strings.HasSuffix(line, " transient"), strings.Contains(line, "run-docker-netns"), strings.Contains(line, "-overlay2-"),
			strings.Contains(line, "veth"), strings.Contains(line, "br-"), strings.Contains(line, " fe80::"): // logins, and names that Docker draws
		default:
			c.t.Errorf("%s: %s", what, line)
		}
	}
}
