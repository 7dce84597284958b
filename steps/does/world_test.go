package does

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"postern/remote"
)

// tools are this machine's own that scripts may call; those of testdata/tools stand in for what would need root.
const tools = "awk cat chmod chown cmp cp cut date df find grep head ln ls mkdir mktemp mv rm rmdir sed sh sha256sum sleep sort stat tail touch tr wc"

// world is a host in a folder: files lie below root, what the stand-ins keep below state.
type world struct {
	t     testing.TB
	dir   string
	shell string
	kill  string // what is done is killed at its Nth command, when it is set
	when  string // before or after it
	bin   string // where scripts find their tools: bin counts and kills, real does not
	owner string
	dirs  map[string][]string // by file, the folders that were made for it
}

func newWorld(t testing.TB, shell string) *world {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	group, err := user.LookupGroupId(me.Gid)
	if err != nil {
		t.Skipf("this user's group has no name: %v", err)
	}
	w := &world{t: t, dir: t.TempDir(), shell: shell, owner: me.Username + ":" + group.Name, bin: "real", dirs: map[string][]string{}}
	for _, d := range []string{"bin", "real", "state", "root/etc/systemd/system", "root/etc/app", "root/opt", "root/var"} {
		w.must(os.MkdirAll(filepath.Join(w.dir, d), 0o755))
	}
	for name := range strings.FieldsSeq(tools) {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Skipf("this machine has no %s", name)
		}
		w.must(os.Symlink(path, w.dir+"/real/"+name))
	}
	stand, _ := filepath.Glob("testdata/tools/*")
	for _, path := range stand {
		path, _ = filepath.Abs(path)
		w.must(os.Symlink(path, w.dir+"/real/"+filepath.Base(path)))
	}
	made, _ := os.ReadDir(w.dir + "/real")
	step, _ := filepath.Abs("testdata/tools/step")
	for _, e := range made {
		w.must(os.Symlink(step, w.dir+"/bin/"+e.Name()))
	}
	for _, name := range []string{"state/passwd", "state/group", "state/dpkg", "web", "count"} {
		w.write(name, "")
	}
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) write(name, text string) {
	w.t.Helper()
	path := w.dir + "/" + name
	w.must(os.MkdirAll(filepath.Dir(path), 0o755))
	w.must(os.WriteFile(path, []byte(text), 0o644))
}

func (w *world) path(p string) string { return w.dir + "/root" + p }

// run runs a script as the agent does; it says what was printed, and the exit status, -1 when it was killed.
func (w *world) run(script, staged string) (string, int) {
	if script == "" {
		return "", 0
	}
	// This user is not root: what only root may write counts as writable.
	script = strings.ReplaceAll(script, "for d in /etc /usr /var", "for d in "+w.dir)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, w.shell, "-e", "-c", script)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + w.dir + "/" + w.bin, "W=" + w.dir, "KILL=" + w.kill, "WHEN=" + w.when, "NEW=" + staged, "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if err != nil && cmd.ProcessState == nil {
		w.t.Fatal(err)
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	return out.String(), cmd.ProcessState.ExitCode()
}

// look answers the queries of a table.
func (w *world) look(t Table) remote.Facts {
	f := remote.Facts{Host: "host", Answers: map[string]remote.Answer{}}
	for _, q := range t.Reads() {
		if q.File != "" {
			f.Answers[q.ID] = remote.Answer{Code: 1}
			if file := w.file(q.File); file != nil {
				f.Answers[q.ID] = remote.Answer{Out: file.Text, Mode: file.Mode, Owner: file.Owner}
			}
			continue
		}
		out, code := w.run(q.Run, "")
		f.Answers[q.ID] = remote.Answer{Out: out, Code: code}
	}
	return f
}

func (w *world) file(path string) *remote.File {
	info, err := os.Lstat(path)
	if err != nil {
		return nil
	}
	text, err := os.ReadFile(path)
	w.must(err)
	owner := w.owner
	if strings.Contains(path, "/systemd/") { // it would be root's, had anybody but root run the test
		owner = "root:root"
	}
	return &remote.File{Text: string(text), Mode: info.Mode().Perm(), Owner: owner}
}

// put makes a file what it should be, and its folders; nil takes it away, with the folders that were made for it.
func (w *world) put(path string, f *remote.File) {
	if f == nil {
		w.must(os.RemoveAll(path))
		for _, d := range w.dirs[path] {
			_ = os.Remove(d)
		}
		return
	}
	if w.dirs[path] == nil {
		for d := filepath.Dir(path); ; d = filepath.Dir(d) {
			if _, err := os.Stat(d); err == nil {
				break
			}
			w.dirs[path] = append(w.dirs[path], d)
		}
	}
	w.must(os.MkdirAll(filepath.Dir(path), 0o755))
	w.must(os.WriteFile(path+".staged", []byte(f.Text), f.Mode))
	w.must(os.Chmod(path+".staged", f.Mode))
	w.must(os.Rename(path+".staged", path))
}

// deed is a change that was begun.
type deed struct {
	remote.Change
	job bool
}

// apply makes the changes of a stage as the agent does, and says which were begun and whether a kill or failure ended it.
func (w *world) apply(stage Stage, changes []remote.Change) (done []deed, whole bool) {
	w.bin = "bin"
	defer func() { w.bin = "real" }()
	if stage != Guarded {
		for _, c := range changes {
			done = append(done, deed{c, true})
			if c.Path != "" {
				w.put(c.Path, c.New)
			}
			if !w.all(c.Do, c.Keep) {
				return done, false
			}
		}
		return done, true
	}
	for _, c := range changes {
		done = append(done, deed{c, false})
		if c.Path != "" {
			w.put(c.Path, c.New)
		}
	}
	for _, c := range changes {
		if !w.all(c.Do) {
			return done, false
		}
	}
	for _, c := range changes {
		if !w.all(c.Keep) {
			return done, false
		}
	}
	return done, true
}

func (w *world) all(scripts ...string) bool {
	for _, s := range scripts {
		if out, code := w.run(s, ""); code != 0 {
			if code > 0 {
				w.t.Errorf("exit %d: %s\n%s", code, out, s)
			}
			return false
		}
	}
	return true
}

// undo takes back what was done, as the driver does: what was guarded first, each time all files before anything runs, then the jobs.
func (w *world) undo(done []deed) {
	var guarded, jobs []deed
	for _, d := range slices.Backward(done) {
		if d.job {
			jobs = append(jobs, d)
		} else {
			guarded = append(guarded, d)
		}
	}
	for _, d := range guarded {
		w.back(d)
	}
	for _, d := range guarded {
		w.takeBack(d)
	}
	for _, d := range jobs {
		w.back(d)
		w.takeBack(d)
	}
	for _, d := range done { // what was made for a file goes once nothing lies in it
		for _, dir := range w.dirs[d.Path] {
			_ = os.Remove(dir)
		}
	}
}

func (w *world) back(d deed) {
	if d.Path != "" {
		w.put(d.Path, d.Old)
	}
}

func (w *world) takeBack(d deed) {
	if out, code := w.run(d.Undo, ""); code != 0 {
		w.t.Errorf("undo of %s: exit %d: %s\n%s", d.ID, code, out, d.Undo)
	}
}

// print is all of the host, but for packages, which stay.
func (w *world) print() string {
	var all []string
	for _, top := range []string{"root", "state"} {
		w.must(filepath.WalkDir(filepath.Join(w.dir, top), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			w.must(err)
			line := fmt.Sprintf("%s %v", strings.TrimPrefix(path, w.dir), info.Mode())
			switch {
			case strings.HasSuffix(path, "state/dpkg"):
				return nil
			case strings.HasSuffix(path, "docker/containers"):
				text, _ := os.ReadFile(path)
				for c := range strings.Lines(string(text)) {
					line += "\n\t" + strings.Join(strings.Fields(c)[1:4], " ")
				}
			case info.Mode().IsRegular():
				text, err := os.ReadFile(path)
				w.must(err)
				line += "\n\t" + strings.ReplaceAll(string(text), "\n", "\n\t")
			}
			all = append(all, line)
			return nil
		}))
	}
	sort.Strings(all)
	return strings.Join(all, "\n")
}
